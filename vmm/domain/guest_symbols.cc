#include "domain/guest_symbols.h"

#include <algorithm>

namespace vmm {
namespace {

bool names_code_or_data(const Elf64_Sym& symbol) {
  const unsigned type = ELF64_ST_TYPE(symbol.st_info);
  const bool defined = symbol.st_shndx != SHN_UNDEF && symbol.st_shndx < SHN_LORESERVE;
  return defined && (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE);
}

const ElfFile::Section* find_symbol_table(const ElfFile& file) {
  const auto& sections = file.sections();
  const auto found = std::find_if(sections.begin(), sections.end(), [](const auto& section) {
    return section.header.sh_type == SHT_SYMTAB;
  });
  return found == sections.end() ? nullptr : &*found;
}

}  // namespace

absl::StatusOr<std::vector<GuestSymbol>> read_guest_symbols(const ElfFile& file) {
  std::vector<GuestSymbol> symbols;
  const ElfFile::Section* section = find_symbol_table(file);
  if (section == nullptr) return symbols;
  if (section->header.sh_link >= file.sections().size()) {
    return absl::InvalidArgumentError("the symbol table has no string table");
  }
  const auto table = file.find_contents(section->header);
  const auto names = file.find_contents(file.sections()[section->header.sh_link].header);
  if (!table || !names) {
    return absl::InvalidArgumentError("truncated: the symbol table is cut off");
  }
  for (uint64_t offset = 0; offset + sizeof(Elf64_Sym) <= table->size();
       offset += sizeof(Elf64_Sym)) {
    const Elf64_Sym symbol = *read_at<Elf64_Sym>(*table, offset);
    const auto name = find_string(*names, symbol.st_name);
    if (!name || name->empty() || !names_code_or_data(symbol)) continue;
    symbols.push_back({symbol.st_value, symbol.st_size, std::string(*name)});
  }
  // Sized ones behind unsized ones at the same address, so that a search from above meets them
  // first.
  std::stable_sort(symbols.begin(), symbols.end(), [](const auto& left, const auto& right) {
    return left.address != right.address ? left.address < right.address : left.size < right.size;
  });
  return symbols;
}

const GuestSymbol* find_symbol(const GuestImage& image, uint64_t address) {
  auto above = std::upper_bound(
      image.symbols.begin(), image.symbols.end(), address,
      [](uint64_t value, const GuestSymbol& symbol) { return value < symbol.address; });
  if (above == image.symbols.begin()) return nullptr;
  const GuestSymbol& symbol = *std::prev(above);
  const bool covers = symbol.size == 0 || address - symbol.address < symbol.size;
  return covers ? &symbol : nullptr;
}

}  // namespace vmm
