// Makes ELF files for tests, well-formed unless a test breaks them afterwards.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vmm {

class ElfWriter {
 public:
  Elf64_Ehdr header;  // the counts and offsets are filled in by write()

  ElfWriter();
  ElfWriter& segment(uint64_t physical, std::string_view contents, uint64_t memory_size);
  ElfWriter& note(uint32_t type, uint64_t value);
  ElfWriter& note(uint32_t type, std::string_view text);
  ElfWriter& old_section(std::string_view text);
  ElfWriter& symbol(std::string_view name, uint64_t address, uint64_t size);
  ElfWriter& notes_in_section_only();

  std::vector<std::byte> write() const;

 private:
  struct Segment {
    uint64_t physical;
    std::string contents;
    uint64_t memory_size;
  };

  std::vector<Segment> segments_;
  std::string notes_;
  std::string old_section_;
  std::string symbols_;
  std::string symbol_names_;
  bool notes_in_section_ = false;
};

// The style of a distribution's kernel: VIRT_BASE at -2 GiB, entry and hypercall page by note.
ElfWriter high_half_kernel();
// Virtual = physical, entry from the header, no hypercall page.
ElfWriter identity_kernel();

inline constexpr uint64_t kHighBase = 0xffffffff80000000;

}  // namespace vmm
