// What a guest image says to Xen: ELF notes named "Xen", or the older comma-separated `__xen_guest`
// section. [xen/public/elfnote.h]
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "domain/elf_file.h"

namespace vmm {

struct XenNotes {
  std::string guest_os;
  std::string loader;
  std::string xen_version;
  std::optional<uint64_t> virtual_base;
  std::optional<uint64_t> entry;
  std::optional<uint64_t> physical_offset;
  std::optional<uint64_t> hypercall_page;         // note: an address
  std::optional<uint64_t> hypercall_page_number;  // old section: a page number from virtual_base
  std::optional<uint64_t> p2m_base;
  bool module_by_frame = false;
  bool from_old_section = false;
};

// InvalidArgument: no notes at all, malformed ones, or for a loader or interface that is not Xen's.
absl::StatusOr<XenNotes> read_xen_notes(const ElfFile& file);

}  // namespace vmm
