//===- DeferredSection.cpp - Sections whose bytes come after the ELF file around them ------------------===//
#include "tamis/Target/DeferredSection.h"

#include "tamis/artifact_format.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tamis;
using llvm::object::ELF64LEFile;
using Symbol = ELF64LEFile::Elf_Sym;
using Section = ELF64LEFile::Elf_Shdr;
using Segment = ELF64LEFile::Elf_Phdr;

std::string tamis::declareDeferred(llvm::StringRef symbol, uint64_t bytes) {
  return llvm::formatv(".section .lrodata.{0},\"al\",@nobits\n.globl {0}\n.hidden {0}\n"
                       ".type {0},@object\n.size {0},{1}\n{0}:\n.zero {1}\n.text\n",
                       symbol, bytes)
      .str();
}

std::string tamis::placeDeferredLast(uint64_t alignment) {
  // An alignment of the section instead of an address would make a gap of its size in what the linker writes.
  return llvm::formatv("SECTIONS {{ .lrodata ALIGN({0}) : {{ *(.lrodata.*) } } INSERT AFTER .bss;\n",
                       alignment)
      .str();
}

namespace {
/// An ELF file in memory and a symbol with its section in it.
class SymbolEditor {
public:
  static llvm::Expected<SymbolEditor> find(llvm::MutableArrayRef<char> file, llvm::StringRef name) {
    llvm::Expected<ELF64LEFile> elf = ELF64LEFile::create(llvm::StringRef(file.data(), file.size()));
    if (!elf)
      return elf.takeError();
    llvm::Expected<ELF64LEFile::Elf_Shdr_Range> sections = elf->sections();
    if (!sections)
      return sections.takeError();
    for (const Section &table : *sections) {
      if (table.sh_type != llvm::ELF::SHT_SYMTAB)
        continue;
      auto symbols = elf->symbols(&table);
      auto names = elf->getStringTableForSymtab(table);
      if (!symbols || !names)
        return llvm::joinErrors(symbols.takeError(), names.takeError());
      for (const Symbol &symbol : *symbols) {
        llvm::Expected<llvm::StringRef> candidate = symbol.getName(*names);
        if (!candidate)
          return candidate.takeError();
        if (*candidate == name && symbol.st_shndx < sections->size() && symbol.st_shndx)
          return SymbolEditor(file, *elf, symbol, (*sections)[symbol.st_shndx]);
      }
    }
    return fail("it does not define " + name);
  }

  llvm::Expected<llvm::MutableArrayRef<char>> bytes() const {
    uint64_t start = section.sh_offset + offsetInSection();
    if (section.sh_type == llvm::ELF::SHT_NOBITS || start + symbol.st_size > file.size())
      return fail("a symbol has no bytes in it");
    return file.slice(start, symbol.st_size);
  }

  llvm::Expected<uint64_t> append(uint64_t alignment) const {
    if (section.sh_type != llvm::ELF::SHT_NOBITS || offsetInSection() || symbol.st_size != section.sh_size)
      return fail("the deferred section has bytes or more than one symbol");
    Section &header = edit(section);
    header.sh_type = llvm::ELF::SHT_PROGBITS;
    header.sh_addralign = alignment;
    if (elf.getHeader().e_type == llvm::ELF::ET_REL) {
      header.sh_offset = llvm::alignTo(file.size(), TAMIS_ARTIFACT_PAGE);
      return static_cast<uint64_t>(header.sh_offset);
    }

    llvm::Expected<ELF64LEFile::Elf_Phdr_Range> segments = elf.program_headers();
    if (!segments)
      return segments.takeError();
    const Segment *segment = llvm::find_if(*segments, [&](const Segment &candidate) {
      return candidate.p_type == llvm::ELF::PT_LOAD && candidate.p_vaddr == section.sh_addr &&
             candidate.p_memsz == section.sh_size && candidate.p_flags == llvm::ELF::PF_R;
    });
    if (segment == segments->end() || section.sh_addr % alignment != 0)
      return fail("the deferred section has no segment of its own at a multiple of its alignment");
    // A segment's place in the file must equal its address modulo its alignment.
    Segment &load = edit(*segment);
    alignment = std::max<uint64_t>(load.p_align, alignment);
    uint64_t offset = llvm::alignTo(file.size(), alignment, static_cast<uint64_t>(load.p_vaddr));
    load.p_align = alignment;
    load.p_offset = offset;
    load.p_filesz = load.p_memsz;
    header.sh_offset = offset;
    return offset;
  }

private:
  SymbolEditor(llvm::MutableArrayRef<char> file, const ELF64LEFile &elf, const Symbol &symbol,
               const Section &section)
      : file(file), elf(elf), symbol(symbol), section(section) {}

  static llvm::Error fail(const llvm::Twine &reason) {
    return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                   "the ELF file that was made is not as expected: " + reason);
  }

  /// Objects give symbols an offset, shared libraries an address.
  uint64_t offsetInSection() const { return symbol.st_value - section.sh_addr; }

  /// The reader's view is read-only, but its bytes are those of `file`.
  template <typename Part> Part &edit(const Part &part) const {
    return *reinterpret_cast<Part *>(file.data() + (reinterpret_cast<const char *>(&part) - file.data()));
  }

  llvm::MutableArrayRef<char> file;
  ELF64LEFile elf;
  const Symbol &symbol;
  const Section &section;
};
} // namespace

llvm::Expected<uint64_t> tamis::appendSection(llvm::MutableArrayRef<char> file, llvm::StringRef symbol,
                                              uint64_t alignment) {
  llvm::Expected<SymbolEditor> editor = SymbolEditor::find(file, symbol);
  if (!editor)
    return editor.takeError();
  return editor->append(alignment);
}

llvm::Expected<llvm::MutableArrayRef<char>> tamis::bytesOfSymbol(llvm::MutableArrayRef<char> file,
                                                                 llvm::StringRef symbol) {
  llvm::Expected<SymbolEditor> editor = SymbolEditor::find(file, symbol);
  if (!editor)
    return editor.takeError();
  return editor->bytes();
}
