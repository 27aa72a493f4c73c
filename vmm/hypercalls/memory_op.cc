// What the domain may know of memory. It has all its pages from the start: reservations do not
// change. [xen/public/memory.h]
#include <algorithm>
#include <vector>

#include "hypercalls/guest_arguments.h"
#include "hypercalls/hypercalls.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;

constexpr unsigned kCommandMask = 0x3f;  // above it: where a continuation goes on
constexpr uint64_t kExtentSize = uint64_t{2} << 20;

// One line of the memory map, as the BIOS writes it.
struct [[gnu::packed]] MapEntry {
  uint64_t address;
  uint64_t size;
  uint32_t type;
};
static_assert(sizeof(MapEntry) == 20);
constexpr uint32_t kUsableMemory = 1;

}  // namespace

int64_t Hypercalls::memory_op(const Caller& caller, unsigned command, LinearAddr argument) {
  switch (command & kCommandMask) {
    case XENMEM_maximum_ram_page:
      return static_cast<int64_t>(config_.machine_frames) - 1;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation: {
      domid_t domain = 0;
      if (!read_argument(caller.access, argument, domain)) return -XEN_EFAULT;
      if (domain != DOMID_SELF) return -XEN_ESRCH;
      return static_cast<int64_t>(config_.domain_pages);
    }
    case XENMEM_machphys_mapping: {
      const uint64_t start = config_.m2p_start.raw();
      const xen_machphys_mapping_t mapping{start, start + config_.m2p_bytes,
                                           config_.machine_frames - 1};
      return write_argument(caller.access, argument, mapping) ? 0 : -XEN_EFAULT;
    }
    case XENMEM_machphys_mfn_list:
      return machphys_mfn_list(caller, argument);
    case XENMEM_memory_map:
      return memory_map(caller, argument);
    default:
      return -XEN_ENOSYS;
  }
}

int64_t Hypercalls::machphys_mfn_list(const Caller& caller, LinearAddr argument) {
  xen_machphys_mfn_list_t request{};
  if (!read_argument(caller.access, argument, request)) return -XEN_EFAULT;
  const uint64_t available = (config_.m2p_bytes + kExtentSize - 1) / kExtentSize;
  const uint64_t count = std::min<uint64_t>(request.max_extents, available);
  std::vector<xen_pfn_t> extents(count);
  for (uint64_t extent = 0; extent < count; ++extent) {
    extents[extent] = config_.m2p_first_frame.raw() + extent * (kExtentSize / pvmmu::kPageSize);
  }
  const size_t bytes = extents.size() * sizeof(xen_pfn_t);
  const LinearAddr list = handle_address(request.extent_start);
  if (bytes != 0 && !caller.access.write(list, extents.data(), bytes)) return -XEN_EFAULT;
  request.nr_extents = static_cast<unsigned>(count);
  return write_argument(caller.access, argument, request) ? 0 : -XEN_EFAULT;
}

int64_t Hypercalls::memory_map(const Caller& caller, LinearAddr argument) {
  xen_memory_map_t request{};
  if (!read_argument(caller.access, argument, request)) return -XEN_EFAULT;
  const MapEntry entry{0, config_.domain_pages * pvmmu::kPageSize, kUsableMemory};
  request.nr_entries = std::min(request.nr_entries, 1u);
  if (request.nr_entries != 0 &&
      !write_argument(caller.access, handle_address(request.buffer), entry)) {
    return -XEN_EFAULT;
  }
  return write_argument(caller.access, argument, request) ? 0 : -XEN_EFAULT;
}

}  // namespace vmm
