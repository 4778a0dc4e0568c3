//===- ModelFile.h - An ONNX file, mapped and parsed ---------------------------------------------------===//
//
// The bytes of tensors stay in the file. What protobuf parses is a copy of the file without them; in it, the
// field `segment` of a tensor gives the range of the file that holds its raw_data. (ONNX itself has never
// used that field.)
//
//===-----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_LIB_IMPORT_MODELFILE_H
#define TAMIS_LIB_IMPORT_MODELFILE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <onnx/onnx_pb.h>
#include <string>

namespace tamis::import {

// tamis::onnx is the dialect.
namespace pb = ::onnx;

struct ModelFile {
  std::unique_ptr<llvm::MemoryBuffer> bytes;
  pb::ModelProto model;
  std::string folder; // Absolute, without links.
  std::string name;   // Of the file in it.
};

/// What went wrong with a file: a sentence, and whether reading it failed (true) or it is no valid model.
struct FileError {
  std::string message;
  bool isSystem = false;
};

/// Absent on success.
std::optional<FileError> readModel(llvm::StringRef path, ModelFile &file);

/// Text that came from a file as valid UTF-8: other bytes, and control characters, become \xNN.
std::string escape(llvm::StringRef text);

} // namespace tamis::import

#endif
