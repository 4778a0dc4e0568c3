//===- ArtifactWriter.h - Writes .tamis files
//------------------------------------------------------------------===//
#ifndef TAMIS_TARGET_ARTIFACTWRITER_H
#define TAMIS_TARGET_ARTIFACTWRITER_H

#include "tamis/Target/CodeImage.h"
#include "tamis/Target/MeasuredError.h"
#include "tamis/Target/WeightWriter.h"

#include <optional>

namespace tamis {

/// An input or output of the model as a user sees it.
struct TensorDescription {
  struct Dimension {
    int64_t size = -1; // -1: known at run time only
    std::string symbol;
    int64_t min = 0, max = 0; // bounds of a symbol; 0: none
  };
  std::string name;
  uint8_t type = 0; // an ONNX element type
  std::vector<Dimension> dims;
};

/// What weights are multiplied with.
struct PrecisionDescription {
  std::string name = "f32";
  std::vector<std::pair<std::string, std::string>> layers; ///< nodes of another precision, and it
  std::optional<MeasuredError> measured;
};

/// What stepping a decoder needs (schema/artifact.fbs). Indices of inputs and outputs; -1: none.
struct DecoderDescription {
  std::vector<std::pair<uint32_t, uint32_t>> caches; // input and output
  int32_t ids = -1, mask = -1, positions = -1, logits = -1;
  int64_t vocabulary = 0, maxLength = 0;
  bool paddedBehind = false, wantedRows = false;
  std::string problem;
};

/// What runs may leave out, by settings whose dense value is 1 and least value 0 (schema/artifact.fbs).
struct PolicyDescription {
  /// A number from min to max, of which `dense` leaves out nothing.
  struct Setting {
    std::string name;
    float dense, min, max;
  };
  std::vector<Setting> settings;
  std::vector<std::pair<std::string, std::vector<float>>> steps;
  uint32_t chosen = 0;
  bool readsCache = false; // its first setting is of the rows that are read of caches
  std::string certificate; // JSON; empty: none
  /// What the certificate promises.
  struct Promise {
    uint8_t loss = 0; // schema::Loss
    uint32_t output = 0;
    double eps = 0, alpha = 0, delta = 0;
  };
  std::optional<Promise> promise;
};

/// What an artifact says of itself beside code and weights.
struct ModelDescription {
  std::string name;
  std::vector<TensorDescription> inputs, outputs;
  std::string sourceName;
  uint64_t sourceHash = 0;
  std::vector<std::string> flags;                              // those that change the result
  std::vector<std::string> passes;                             // with their options
  std::vector<std::pair<std::string, std::string>> operations; // name and kind
  std::vector<std::pair<std::string, std::string>> remarks;    // pass and text
  std::string maskInput;
  PrecisionDescription precision;
  std::optional<DecoderDescription> decoder; // of a model with caches
  std::optional<PolicyDescription> policy;   // of a model that may leave something out
};

/// Reads inputs, outputs and the model's name from @main's signature as the importer leaves it.
ModelDescription describeModel(mlir::ModuleOp module);

/// Reads the attribute `tamis.decoder` of nn-append-cache.
std::optional<DecoderDescription> describeDecoder(mlir::ModuleOp module);

/// Reads the attribute `tamis.policy` of token-prune.
std::optional<PolicyDescription> describePolicy(mlir::ModuleOp module);

struct CodeVariant {
  std::string isa;
  CodeImage image;
};

/// The FlatBuffers header. Code segments come first, one for each variant, then the weights when there are
/// any. A segment's offset and hash are 0 where the lists are too short.
std::vector<char> makeHeader(const ModelDescription &model, const WeightLayout &weights,
                             llvm::ArrayRef<CodeVariant> code, llvm::ArrayRef<uint64_t> offsets,
                             llvm::ArrayRef<uint64_t> hashes);

/// Writes `path` by a temporary file and a rename. Same arguments, same bytes. Returns an errc-carrying error
/// when the file system fails; a weight that cannot be read was reported as a diagnostic, and the error is
/// then std::errc::io_error.
llvm::Error writeArtifact(llvm::StringRef path, mlir::ModuleOp module, const ModelDescription &model,
                          llvm::ArrayRef<CodeVariant> code);

} // namespace tamis

#endif
