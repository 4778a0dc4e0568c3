//===- CodeImage.cpp - Links one object into a flat image
//------------------------------------------------===//
#include "tamis/Target/CodeImage.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Endian.h"

using namespace mlir;
using namespace tamis;
using llvm::object::ELF64LEObjectFile;
using llvm::object::ELFSectionRef;
using llvm::object::ELFSymbolRef;
using llvm::object::RelocationRef;
using llvm::object::SectionRef;

static constexpr uint64_t pageSize = 4096;

namespace {
class Linker {
public:
  Linker(const ELF64LEObjectFile &object, Location loc) : object(object), loc(loc) {}

  FailureOr<CodeImage> link(StringRef entry) {
    if (failed(layOut()) || failed(relocate()) || failed(findEntry(entry)))
      return failure();
    return std::move(image);
  }

private:
  InFlightDiagnostic error() { return emitError(loc, "cannot link the code image: "); }

  LogicalResult layOut() {
    SmallVector<SectionRef> constants, text;
    for (SectionRef section : object.sections()) {
      ELFSectionRef elf(section);
      // Frame tables are for unwinders; nothing unwinds through generated code.
      if (!(elf.getFlags() & llvm::ELF::SHF_ALLOC) || section.getSize() == 0 || name(section) == ".eh_frame")
        continue;
      if (elf.getFlags() & llvm::ELF::SHF_WRITE)
        return error() << "section " << name(section) << " can be written";
      (elf.getFlags() & llvm::ELF::SHF_EXECINSTR ? text : constants).push_back(section);
    }
    for (SectionRef section : constants)
      if (failed(place(section)))
        return failure();
    image.bytes.resize(llvm::alignTo(image.bytes.size(), pageSize), 0);
    image.textOffset = image.bytes.size();
    for (SectionRef section : text)
      if (failed(place(section)))
        return failure();
    return success();
  }

  LogicalResult place(SectionRef section) {
    uint64_t offset = llvm::alignTo(image.bytes.size(), section.getAlignment().value());
    image.bytes.resize(offset, 0);
    llvm::Expected<StringRef> contents = section.getContents();
    if (!contents)
      return error() << llvm::toString(contents.takeError());
    llvm::append_range(image.bytes, *contents);
    places[section.getIndex()] = offset;
    return success();
  }

  LogicalResult relocate() {
    llvm::StringSet<> missing;
    for (SectionRef section : object.sections()) {
      llvm::Expected<llvm::object::section_iterator> target = section.getRelocatedSection();
      if (!target)
        return error() << llvm::toString(target.takeError());
      if (*target == object.section_end())
        continue;
      auto place = places.find((*target)->getIndex());
      if (place == places.end())
        continue;
      for (RelocationRef relocation : section.relocations())
        if (failed(apply(relocation, place->second, missing)))
          return failure();
    }
    if (missing.empty())
      return success();
    SmallVector<StringRef> names(missing.keys());
    llvm::sort(names);
    return error() << "no code for " << llvm::join(names, ", ");
  }

  LogicalResult apply(RelocationRef relocation, uint64_t section, llvm::StringSet<> &missing) {
    llvm::object::symbol_iterator symbol = relocation.getSymbol();
    std::optional<uint64_t> address = addressOf(*symbol);
    if (!address) {
      llvm::Expected<StringRef> name = symbol->getName();
      missing.insert(name ? *name : "?");
      llvm::consumeError(name.takeError());
      return success();
    }
    llvm::Expected<int64_t> addend = llvm::object::ELFRelocationRef(relocation).getAddend();
    if (!addend)
      return error() << llvm::toString(addend.takeError());
    uint64_t at = section + relocation.getOffset();
    int64_t value = static_cast<int64_t>(*address) + *addend - static_cast<int64_t>(at);
    switch (relocation.getType()) {
    case llvm::ELF::R_X86_64_PC32:
    case llvm::ELF::R_X86_64_PLT32:
      if (!llvm::isInt<32>(value))
        return error() << "the code is larger than 2 GiB";
      llvm::support::endian::write32le(image.bytes.data() + at, value);
      return success();
    case llvm::ELF::R_X86_64_PC64:
      llvm::support::endian::write64le(image.bytes.data() + at, value);
      return success();
    default: {
      SmallString<32> type;
      relocation.getTypeName(type);
      return error() << "relocation " << type << " needs an address that is not known before load";
    }
    }
  }

  /// Where the symbol lies in the image; nothing when it is not defined there.
  std::optional<uint64_t> addressOf(ELFSymbolRef symbol) {
    llvm::Expected<llvm::object::section_iterator> section = symbol.getSection();
    if (!section) {
      llvm::consumeError(section.takeError());
      return std::nullopt;
    }
    if (*section == object.section_end())
      return std::nullopt;
    auto place = places.find((*section)->getIndex());
    if (place == places.end())
      return std::nullopt;
    llvm::Expected<uint64_t> value = symbol.getValue();
    if (!value) {
      llvm::consumeError(value.takeError());
      return std::nullopt;
    }
    return place->second + *value;
  }

  LogicalResult findEntry(StringRef entry) {
    for (ELFSymbolRef symbol : object.symbols()) {
      llvm::Expected<StringRef> name = symbol.getName();
      if (!name) {
        llvm::consumeError(name.takeError());
        continue;
      }
      if (*name == entry)
        if (std::optional<uint64_t> address = addressOf(symbol)) {
          image.entryOffset = *address;
          return success();
        }
    }
    return error() << "no function " << entry;
  }

  static std::string name(SectionRef section) {
    llvm::Expected<StringRef> name = section.getName();
    if (name)
      return name->str();
    llvm::consumeError(name.takeError());
    return "?";
  }

  const ELF64LEObjectFile &object;
  Location loc;
  CodeImage image;
  llvm::DenseMap<uint64_t, uint64_t> places;
};
} // namespace

FailureOr<CodeImage> tamis::linkImage(ArrayRef<char> object, StringRef entry, Location loc) {
  llvm::MemoryBufferRef buffer(StringRef(object.data(), object.size()), "object");
  llvm::Expected<ELF64LEObjectFile> file = ELF64LEObjectFile::create(buffer);
  if (!file)
    return emitError(loc, "cannot read the object: ") << llvm::toString(file.takeError());
  return Linker(*file, loc).link(entry);
}
