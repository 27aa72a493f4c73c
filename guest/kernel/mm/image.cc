// Loading the first program: the interpreter's segments, its state pages and the workload.
#include <elf.h>
#include <string.h>

#include "guest_abi/workload.h"
#include "linux_errno.h"
#include "mm/address_space.h"
#include "mm/mm.h"
#include "mm/pv/accessors.h"
#include "mm/pv/tables.h"

namespace kernel {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint64_t page_up(uint64_t address) {
  return (address + pvmmu::kPageSize - 1) & pvmmu::kPageMask;
}

// Maps one more page of an area of a fresh address space: present, with A and D set beforehand, so
// that its use disturbs no count. Returns the page, zeroed; nullptr if memory is out.
std::byte* map_page(Mm& mm, uint64_t address, uint64_t prot) {
  Page* table = make_l1_table(mm, address);
  Page* page = table != nullptr ? alloc_zeroed_frame() : nullptr;
  if (page == nullptr) {
    return nullptr;
  }
  pte_establish({mm, *table, address}, UserPte::make(mfn_of(*page), prot, true).with_dirty());
  return static_cast<std::byte*>(address_of(*page));
}

// An eager area with these bytes from `at` on, zeros around them.
int64_t map_bytes(Mm& mm, uint64_t start, uint64_t end, uint64_t prot, uint64_t at, Bytes bytes) {
  Vma area;
  area.start = start;
  area.end = end;
  area.prot = prot;
  area.eager = true;
  if (mm.areas.insert(area) == nullptr) {
    return -kEnomem;
  }
  for (uint64_t address = start; address < end; address += pvmmu::kPageSize) {
    std::byte* page = map_page(mm, address, prot);
    if (page == nullptr) {
      return -kEnomem;
    }
    const uint64_t from = at > address ? at : address;
    const uint64_t to = at + bytes.size() < address + pvmmu::kPageSize ? at + bytes.size()
                                                                       : address + pvmmu::kPageSize;
    if (from < to) {
      memcpy(page + (from - address), bytes.data() + (from - at), to - from);
    }
  }
  return 0;
}

bool read_header(Bytes file, Elf64_Ehdr& header) {
  if (file.size() < sizeof(header)) {
    return false;
  }
  memcpy(&header, file.data(), sizeof(header));
  const uint64_t table_bytes = uint64_t{header.e_phnum} * sizeof(Elf64_Phdr);
  return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_type == ET_EXEC && header.e_machine == EM_X86_64 &&
         header.e_phentsize == sizeof(Elf64_Phdr) && header.e_phoff <= file.size() &&
         table_bytes <= file.size() - header.e_phoff;
}

uint64_t prot_of(uint32_t segment_flags) {
  uint64_t prot = guest_abi::kProtRead;
  if ((segment_flags & PF_W) != 0) {
    prot |= guest_abi::kProtWrite;
  }
  if ((segment_flags & PF_X) != 0) {
    prot |= guest_abi::kProtExec;
  }
  return prot;
}

int64_t map_segment(Mm& mm, Bytes file, const Elf64_Phdr& segment) {
  const bool in_file = segment.p_offset <= file.size() &&
                       segment.p_filesz <= file.size() - segment.p_offset &&
                       segment.p_filesz <= segment.p_memsz;
  const bool in_area = segment.p_vaddr >= guest_abi::kImageBase &&
                       segment.p_vaddr <= guest_abi::kImageLimit &&
                       segment.p_memsz <= guest_abi::kImageLimit - segment.p_vaddr;
  const uint64_t start = segment.p_vaddr & pvmmu::kPageMask;
  const uint64_t end = page_up(segment.p_vaddr + segment.p_memsz);
  if (!in_file || !in_area || !mm.areas.is_free(start, end)) {
    return -kEnoexec;
  }
  return map_bytes(mm, start, end, prot_of(segment.p_flags), segment.p_vaddr,
                   file.subspan(segment.p_offset, segment.p_filesz));
}

int64_t map_segments(Mm& mm, Bytes file, const Elf64_Ehdr& header) {
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    memcpy(&segment, file.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_type != PT_LOAD || segment.p_memsz == 0) {
      continue;
    }
    if (const int64_t error = map_segment(mm, file, segment); error != 0) {
      return error;
    }
  }
  return 0;
}

// State and stacks: eager memory is copied at each fork, so no more than is used.
int64_t map_state(Mm& mm) {
  constexpr uint64_t kReadWrite = guest_abi::kProtRead | guest_abi::kProtWrite;
  constexpr uint64_t kStateEnd = guest_abi::kStateBase + guest_abi::kStateBytes;
  constexpr uint64_t kStackBase = guest_abi::kStackTop - guest_abi::kStackBytes;
  const int64_t error =
      map_bytes(mm, guest_abi::kStateBase, kStateEnd, kReadWrite, guest_abi::kStateBase, {});
  return error != 0 ? error
                    : map_bytes(mm, kStackBase, guest_abi::kStackTop, kReadWrite, kStackBase, {});
}

}  // namespace

int64_t mm_map_image(Mm& mm, std::span<const std::byte> interpreter,
                     std::span<const std::byte> program, ImageInfo& info) {
  Elf64_Ehdr header;
  if (!read_header(interpreter, header)) {
    return -kEnoexec;
  }
  if (program.size() > guest_abi::kStateLimit - guest_abi::kProgramBase) {
    return -kE2big;
  }
  if (const int64_t error = map_segments(mm, interpreter, header); error != 0) {
    return error;
  }
  if (const int64_t error = map_state(mm); error != 0) {
    return error;
  }
  if (!program.empty()) {
    const uint64_t end = guest_abi::kProgramBase + page_up(program.size());
    if (const int64_t error = map_bytes(mm, guest_abi::kProgramBase, end, guest_abi::kProtRead,
                                        guest_abi::kProgramBase, program);
        error != 0) {
      return error;
    }
  }
  info = {header.e_entry, guest_abi::kStackTop, guest_abi::kProgramBase, program.size()};
  return 0;
}

}  // namespace kernel
