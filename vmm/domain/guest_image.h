// A guest's ELF file, checked and understood: what to load where, and what the guest asked for in
// its Xen notes (or in the older `__xen_guest` string section).
//
// Nothing of the file is believed: every offset and size is checked against the file's length, and
// after parse_guest_image() succeeded the segments are ordered, do not overlap and do not wrap.
// Does not know how much memory the domain has; the domain builder checks that.
// Segment data are views of the file: the caller keeps the file's bytes for as long as the image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/frame.h"
#include "base/linear_addr.h"

namespace vmm {

struct GuestSegment {
  pvmmu::Paddr destination;         // in the domain's pseudo-physical memory
  std::span<const std::byte> data;  // bytes from the file; the rest of the segment is zero
  uint64_t memory_size = 0;         // >= data.size()
};

// A function or object of the guest, for backtraces.
struct GuestSymbol {
  uint64_t address = 0;
  uint64_t size = 0;
  std::string name;
};

struct GuestImage {
  std::string name;                    // as messages call it
  std::string guest_os;                // note GUEST_OS; may be empty
  std::vector<GuestSegment> segments;  // by ascending destination
  std::vector<GuestSymbol> symbols;    // by ascending address; empty if the file has none
  pvmmu::LinearAddr virtual_base;      // where pfn 0 is mapped; 0 without a VIRT_BASE note
  pvmmu::LinearAddr entry;
  pvmmu::Paddr end;                                 // first byte behind the last segment
  std::optional<pvmmu::LinearAddr> hypercall_page;  // none: the guest issues raw `syscall`
  std::optional<pvmmu::LinearAddr> p2m_base;        // INIT_P2M: the p2m list has a place of its own
  bool module_by_frame = false;  // MOD_START_PFN: mod_start is a pfn, the module is not mapped
};

// InvalidArgument with one line for people, that starts with `name`.
absl::StatusOr<GuestImage> parse_guest_image(std::span<const std::byte> file,
                                             std::string_view name);

// The symbol that covers the address (for an unsized symbol: the last one at or below it), or null.
const GuestSymbol* find_symbol(const GuestImage& image, uint64_t address);

}  // namespace vmm
