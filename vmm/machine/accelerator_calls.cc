// The accelerator's operations of the private hypercall (guest_abi/accelerator.h): decode, check,
// references of frames, and the wait for accesses that are under way.
#include <array>
#include <limits>

#include "machine/domain.h"
#include "machine/vcpu.h"

namespace vmm {
namespace {

using guest_abi::AcceleratorOp;
using pvmmu::LinearAddr;
using pvmmu::Mfn;

// One frame may stand in all entries, and in those that leave while an access is under way.
static_assert(2 * guest_abi::kMaxEntries <
              std::numeric_limits<decltype(pvmmu::PageInfo::device_count)>::max());

// Whole pages of the user half: [address, end).
bool page_range(uint64_t address, uint64_t byte_count, uint64_t& end) {
  if ((address | byte_count) % pvmmu::kPageSize != 0 || address > kDeviceAddressEnd ||
      byte_count > kDeviceAddressEnd - address) {
    return false;
  }
  end = address + byte_count;
  return true;
}

}  // namespace

int64_t Vcpu::accelerator_op(const uint64_t (&arguments)[6]) {
  if (!domain_.has_extensions()) return -XEN_ENOSYS;
  const auto op = static_cast<AcceleratorOp>(arguments[1]);
  AcceleratorDevice& device = domain_.accelerator();
  if (op == AcceleratorOp::kStart) return start_accelerator(Mfn(arguments[2]));
  if (!device.device().started()) return -XEN_ENODEV;
  const uint64_t context = arguments[2];
  switch (op) {
    case AcceleratorOp::kStop:
      return stop_accelerator();
    case AcceleratorOp::kOpen:
      return device.device().open(context);
    case AcceleratorOp::kClose:
      return let_go_of_pages(device.device().close(context));
    case AcceleratorOp::kSubmit:
      return submit_to_accelerator(LinearAddr(arguments[2]));
    case AcceleratorOp::kEstablish:
      return establish_for_accelerator(arguments);
    case AcceleratorOp::kInvalidate: {
      uint64_t end = 0;
      if (!page_range(arguments[3], arguments[4], end)) return -XEN_EINVAL;
      return let_go_of_pages(device.device().invalidate(context, arguments[3], end));
    }
    case AcceleratorOp::kClearYoung:
      return clear_young_of_accelerator(arguments);
    case AcceleratorOp::kResume: {
      const int64_t result = device.device().resume(arguments[2], arguments[3], arguments[4]);
      device.wake();
      return result;
    }
    default:
      return -XEN_ENOSYS;
  }
}

int64_t Vcpu::start_accelerator(Mfn report_frame) {
  AcceleratorDevice& device = domain_.accelerator();
  if (device.device().started()) return -XEN_EBUSY;
  std::byte* const page = domain_.frames().get_writable(report_frame, VcpuId{id_}, "pvmmu_op");
  if (page == nullptr) return -XEN_EINVAL;
  const int64_t port = device.start(domain_.hypercalls().events(), report_frame, page);
  if (port < 0) domain_.frames().put_writable(report_frame);
  return port;
}

int64_t Vcpu::stop_accelerator() {
  AcceleratorDevice& device = domain_.accelerator();
  const Mfn report_frame = device.report_frame();
  device.device().stop();
  // Before others are let in, who might start it again.
  domain_.frames().put_writable(report_frame);
  return let_go_of_pages(0);
}

int64_t Vcpu::submit_to_accelerator(LinearAddr from) {
  guest_abi::AcceleratorCommand command;
  if (!copy_from_guest(&command, from, sizeof(command))) return -XEN_EFAULT;
  AcceleratorDevice& device = domain_.accelerator();
  const int64_t result = device.device().submit(command);
  if (result == 0) device.wake();
  return result;
}

int64_t Vcpu::establish_for_accelerator(const uint64_t (&arguments)[6]) {
  const uint64_t context = arguments[2], address = arguments[3];
  const Mfn frame(arguments[4]);
  uint64_t end = 0;
  if (arguments[5] > 1 || !page_range(address, pvmmu::kPageSize, end)) return -XEN_EINVAL;
  Accelerator& device = domain_.accelerator().device();
  if (const int64_t error = device.may_establish(context); error != 0) return error;
  std::byte* const bytes = domain_.get_for_device(frame, VcpuId{id_}, "pvmmu_op");
  if (bytes == nullptr) return -XEN_EINVAL;
  device.establish({context, address}, frame, bytes, arguments[5] == 1);
  return let_go_of_pages(0);
}

int64_t Vcpu::clear_young_of_accelerator(const uint64_t (&arguments)[6]) {
  constexpr uint64_t kBits = 64;
  std::array<uint64_t, guest_abi::kMaxYoungPages / kBits> young{};
  const uint64_t page_count = arguments[4];
  uint64_t end = 0;
  if (page_count > guest_abi::kMaxYoungPages ||
      !page_range(arguments[3], page_count * pvmmu::kPageSize, end)) {
    return -XEN_EINVAL;
  }
  const int64_t result =
      domain_.accelerator().device().clear_young(arguments[2], arguments[3], end, young);
  if (result != 0) return result;
  const size_t bytes = (page_count + kBits - 1) / kBits * sizeof(uint64_t);
  return copy_to_guest(LinearAddr(arguments[5]), young.data(), bytes) ? 0 : -XEN_EFAULT;
}

// Gives back the references of entries that have left. An access under way needs no lock of ours
// and ends soon; until then others may go first.
int64_t Vcpu::let_go_of_pages(int64_t result) {
  Accelerator& device = domain_.accelerator().device();
  for (;;) {
    for (const DeviceEntry& gone : device.remove_gone()) domain_.put_for_device(gone.frame);
    if (!device.any_leaving() || !domain_.let_others_in(id_)) return result;
  }
}

}  // namespace vmm
