// Physical devices: there are none. What remains is the virtual I/O privilege level.
// [xen/public/physdev.h]
#include "hypercalls/guest_arguments.h"
#include "hypercalls/hypercalls.h"

namespace vmm {

int64_t Hypercalls::physdev_op(const Caller& caller, unsigned command, pvmmu::LinearAddr argument) {
  switch (command) {
    case PHYSDEVOP_set_iopl: {
      physdev_set_iopl_t request{};
      if (!read_argument(caller.access, argument, request)) return -XEN_EFAULT;
      if (request.iopl > 3) return -XEN_EINVAL;
      vcpus_[vcpu_index(caller.vcpu)].iopl = request.iopl;
      return 0;
    }
    case PHYSDEVOP_set_iobitmap: {
      physdev_set_iobitmap_t request{};
      if (!read_argument(caller.access, argument, request)) return -XEN_EFAULT;
      if (request.nr_ports > 65536) return -XEN_EINVAL;
      return request.nr_ports == 0 ? 0 : -XEN_ENOSYS;  // the empty one is what everybody has
    }
    case PHYSDEVOP_eoi:
    case PHYSDEVOP_irq_status_query: {  // no interrupt number is valid
      physdev_eoi_t request{};          // both structures start with the number
      return read_argument(caller.access, argument, request) ? -XEN_EINVAL : -XEN_EFAULT;
    }
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace vmm
