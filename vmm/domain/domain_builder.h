// Lays a guest out in its memory, as Xen's tool stack does for a 64-bit PV guest, and says in which
// state its first vCPU starts.
//
// One region is mapped from virtual_base (= pfn 0) on, padded to 4 MiB with at least 512 KiB to
// spare: low pages, kernel, boot module (unless the image wants it by frame), p2m list (unless it
// has its own place), start_info, store page, console page, page tables, boot stack. The page-table
// pages are mapped read-only, everything else writable.
//
// Writes only into the domain's frames. Does not call the validator, does not fill slots 256..271
// of the root (the validator does at promotion), the hypercall page or shared_info.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/frame.h"
#include "base/linear_addr.h"
#include "domain/guest_image.h"
#include "machine/guest_registers.h"

namespace vmm {

// The memory that the domain is built in.
class DomainMemory {
 public:
  virtual ~DomainMemory() = default;
  // p2m: the machine frame of each pfn, one for every page of the domain.
  virtual std::span<const pvmmu::Mfn> frames() const = 0;
  // The 4096 bytes of a frame of the domain; zero-filled at first. Null for any other frame.
  virtual std::byte* frame(pvmmu::Mfn frame) = 0;
};

struct DomainConfig {
  std::string command_line;                // cut at what start_info holds is an error
  std::span<const std::byte> boot_module;  // may be empty: then mod_start is 0
  pvmmu::Mfn shared_info;                  // a frame of the hypervisor's
  uint32_t console_port = 0;               // event channels; 0 = none
  uint32_t store_port = 0;
};

// A run of the domain's pages.
struct PfnRange {
  pvmmu::Pfn first{0};
  uint64_t count = 0;
};

struct DomainStart {
  GuestRegisters registers{};                // of vCPU 0; everything not named in the ABI is zero
  pvmmu::Mfn root;                           // the L4 table; not yet pinned
  std::vector<pvmmu::Mfn> page_tables;       // all of them, the root first
  std::optional<pvmmu::Mfn> hypercall_page;  // the caller writes the gate here
  pvmmu::LinearAddr start_info;
  pvmmu::Mfn start_info_frame;
  pvmmu::Mfn console_frame;  // struct xencons_interface
  pvmmu::Mfn store_frame;
  PfnRange kernel, module, p2m_list, tables, stack;
  pvmmu::LinearAddr mapped_end;  // first address behind the mapped region
};

// InvalidArgument, with one line for people, if the guest does not fit into the memory.
absl::StatusOr<DomainStart> build_domain(const GuestImage& image, const DomainConfig& config,
                                         DomainMemory& memory);

}  // namespace vmm
