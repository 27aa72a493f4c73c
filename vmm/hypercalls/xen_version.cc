// What the hypervisor says it is. [xen/public/version.h]
#include <cstring>

#include "hypercalls/guest_arguments.h"
#include "hypercalls/hypercalls.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;

constexpr int64_t kVersion = 4 << 16 | 17;  // the interface of Xen 4.17
constexpr uint32_t kFeatures = 1u << XENFEAT_mmu_pt_update_preserve_ad |
                               1u << XENFEAT_highmem_assist | 1u << XENFEAT_gnttab_map_avail_bits;

// A character array of the interface, zero-filled behind the text.
template <size_t kSize>
int64_t write_text(GuestAccess& access, LinearAddr to, const char (&text)[kSize], size_t size) {
  char buffer[1024] = {};
  static_assert(kSize <= sizeof buffer);
  std::memcpy(buffer, text, kSize);
  return access.write(to, buffer, size) ? 0 : -XEN_EFAULT;
}

int64_t write_compile_info(GuestAccess& access, LinearAddr to) {
  xen_compile_info_t info{};
  std::strncpy(info.compiler, __VERSION__, sizeof info.compiler - 1);
  std::strncpy(info.compile_by, "pvmmu", sizeof info.compile_by - 1);
  return write_argument(access, to, info) ? 0 : -XEN_EFAULT;
}

int64_t write_features(GuestAccess& access, LinearAddr to, bool extended_cr3) {
  xen_feature_info_t info{};
  if (!read_argument(access, to, info)) return -XEN_EFAULT;
  if (info.submap_idx >= XENFEAT_NR_SUBMAPS) return -XEN_EINVAL;
  info.submap = kFeatures | (extended_cr3 ? 1u << XENFEAT_pae_pgdir_above_4gb : 0);
  return write_argument(access, to, info) ? 0 : -XEN_EFAULT;
}

}  // namespace

int64_t Hypercalls::xen_version(const Caller& caller, unsigned command, LinearAddr argument) {
  GuestAccess& access = caller.access;
  switch (command) {
    case XENVER_version:
      return kVersion;
    case XENVER_extraversion:
      return write_text(access, argument, ".0-pvmmu", sizeof(xen_extraversion_t));
    case XENVER_compile_info:
      return write_compile_info(access, argument);
    case XENVER_capabilities:
      return write_text(access, argument, "xen-3.0-x86_64 ", sizeof(xen_capabilities_info_t));
    case XENVER_changeset:
      return write_text(access, argument, "pvmmu", sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters: {
      const xen_platform_parameters_t parameters{.virt_start = HYPERVISOR_VIRT_START};
      return write_argument(access, argument, parameters) ? 0 : -XEN_EFAULT;
    }
    case XENVER_get_features:
      return write_features(access, argument, (assists() >> VMASST_TYPE_pae_extended_cr3 & 1) != 0);
    case XENVER_pagesize:
      return static_cast<int64_t>(pvmmu::kPageSize);
    case XENVER_guest_handle: {
      const xen_domain_handle_t handle = {};
      return access.write(argument, handle, sizeof handle) ? 0 : -XEN_EFAULT;
    }
    case XENVER_commandline:
      return write_text(access, argument, "", sizeof(xen_commandline_t));
    case XENVER_build_id:
      return -XEN_ENODATA;
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace vmm
