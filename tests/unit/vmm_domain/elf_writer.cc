#include "elf_writer.h"

#include <cstring>

#include "abi/xen.h"

namespace vmm {
namespace {

template <typename T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void pad(std::string& out) {
  while (out.size() % 4 != 0) out.push_back('\0');
}

void append_note(std::string& notes, uint32_t type, std::string_view value) {
  append(notes, Elf64_Nhdr{4, static_cast<uint32_t>(value.size()), type});
  notes.append("Xen", 4);
  notes.append(value);
  pad(notes);
}

// Collects the sections behind the contents of the file.
class SectionTable {
 public:
  SectionTable() { add("", SHT_NULL, 0, 0); }

  void add(std::string_view name, uint32_t type, uint64_t offset, uint64_t size,
           uint32_t link = 0) {
    Elf64_Shdr section{};
    section.sh_name = static_cast<uint32_t>(names_.size());
    section.sh_type = type;
    section.sh_offset = offset;
    section.sh_size = size;
    section.sh_link = link;
    sections_.push_back(section);
    names_.append(name);
    names_.push_back('\0');
  }
  uint16_t count() const { return static_cast<uint16_t>(sections_.size()); }

  // Appends names and table to the file; returns the table's offset.
  uint64_t write(std::string& file) {
    add(".shstrtab", SHT_STRTAB, file.size(), 0);
    sections_.back().sh_size = names_.size();
    file.append(names_);
    const uint64_t offset = file.size();
    for (const Elf64_Shdr& section : sections_) append(file, section);
    return offset;
  }

 private:
  std::vector<Elf64_Shdr> sections_;
  std::string names_;
};

}  // namespace

ElfWriter::ElfWriter() : header{}, symbol_names_(1, '\0') {
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  append(symbols_, Elf64_Sym{});
}

ElfWriter& ElfWriter::segment(uint64_t physical, std::string_view contents, uint64_t memory_size) {
  segments_.push_back({physical, std::string(contents), memory_size});
  return *this;
}

ElfWriter& ElfWriter::note(uint32_t type, uint64_t value) {
  append_note(notes_, type, {reinterpret_cast<const char*>(&value), sizeof value});
  return *this;
}

ElfWriter& ElfWriter::note(uint32_t type, std::string_view text) {
  append_note(notes_, type, std::string(text) + '\0');
  return *this;
}

ElfWriter& ElfWriter::old_section(std::string_view text) {
  old_section_ = std::string(text) + '\0';
  return *this;
}

ElfWriter& ElfWriter::symbol(std::string_view name, uint64_t address, uint64_t size) {
  Elf64_Sym symbol{};
  symbol.st_name = static_cast<uint32_t>(symbol_names_.size());
  symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  symbol.st_shndx = 1;
  symbol.st_value = address;
  symbol.st_size = size;
  append(symbols_, symbol);
  symbol_names_.append(name);
  symbol_names_.push_back('\0');
  return *this;
}

ElfWriter& ElfWriter::notes_in_section_only() {
  notes_in_section_ = true;
  return *this;
}

std::vector<std::byte> ElfWriter::write() const {
  const bool note_segment = !notes_.empty() && !notes_in_section_;
  Elf64_Ehdr written = header;
  written.e_phnum = static_cast<uint16_t>(segments_.size() + (note_segment ? 1 : 0));
  written.e_phoff = sizeof(Elf64_Ehdr);
  std::string file(sizeof(Elf64_Ehdr) + written.e_phnum * sizeof(Elf64_Phdr), '\0');
  std::vector<Elf64_Phdr> programs;
  SectionTable sections;
  for (const Segment& segment : segments_) {
    Elf64_Phdr program{};
    program.p_type = PT_LOAD;
    program.p_paddr = segment.physical;
    program.p_offset = file.size();
    program.p_filesz = segment.contents.size();
    program.p_memsz = segment.memory_size;
    programs.push_back(program);
    file.append(segment.contents);
  }
  pad(file);
  if (note_segment) {
    Elf64_Phdr program{};
    program.p_type = PT_NOTE;
    program.p_offset = file.size();
    program.p_filesz = program.p_memsz = notes_.size();
    programs.push_back(program);
  }
  if (!notes_.empty()) sections.add(".note.Xen", SHT_NOTE, file.size(), notes_.size());
  file.append(notes_);
  if (!old_section_.empty()) {
    sections.add("__xen_guest", SHT_PROGBITS, file.size(), old_section_.size());
  }
  file.append(old_section_);
  sections.add(".symtab", SHT_SYMTAB, file.size(), symbols_.size(), sections.count() + 1u);
  file.append(symbols_);
  sections.add(".strtab", SHT_STRTAB, file.size(), symbol_names_.size());
  file.append(symbol_names_);
  written.e_shoff = sections.write(file);
  written.e_shnum = sections.count();
  written.e_shstrndx = static_cast<uint16_t>(sections.count() - 1);
  std::memcpy(file.data(), &written, sizeof written);
  file.replace(sizeof written, programs.size() * sizeof(Elf64_Phdr),
               reinterpret_cast<const char*>(programs.data()),
               programs.size() * sizeof(Elf64_Phdr));

  std::vector<std::byte> bytes(file.size());
  std::memcpy(bytes.data(), file.data(), file.size());
  return bytes;
}

ElfWriter high_half_kernel() {
  ElfWriter writer;
  writer.segment(0x100000, "kernel text", 0x2000)
      .segment(0x102000, "kernel data", 0x5123)
      .note(XEN_ELFNOTE_GUEST_OS, "test")
      .note(XEN_ELFNOTE_XEN_VERSION, "xen-3.0")
      .note(XEN_ELFNOTE_LOADER, "generic")
      .note(XEN_ELFNOTE_VIRT_BASE, kHighBase)
      .note(XEN_ELFNOTE_ENTRY, kHighBase + 0x100010)
      .note(XEN_ELFNOTE_HYPERCALL_PAGE, kHighBase + 0x101000)
      .note(XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb")
      .note(XEN_ELFNOTE_L1_MFN_VALID, 1);
  return writer;
}

ElfWriter identity_kernel() {
  ElfWriter writer;
  writer.header.e_entry = 0x100004;
  writer.segment(0x100000, "identity kernel", 0x3000).note(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
  return writer;
}

}  // namespace vmm
