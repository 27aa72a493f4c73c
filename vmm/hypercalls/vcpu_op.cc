// Virtual processors. [xen/public/vcpu.h]
#include <memory>

#include "hypercalls/guest_arguments.h"
#include "hypercalls/hypercalls.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using Action = HypercallOutcome::Action;

constexpr unsigned kIoplShift = 12;  // in rflags

}  // namespace

HypercallOutcome Hypercalls::vcpu_op(const Caller& caller, unsigned command, uint64_t number,
                                     LinearAddr argument) {
  // Guests look for vCPUs beyond those that exist, and must be told that there are none.
  if (!exists(number)) return {.result = -XEN_ENOENT};
  const auto target = static_cast<VcpuId>(number);
  switch (command) {
    case VCPUOP_initialise:
      return {.result = initialise_vcpu(caller, target, argument)};
    case VCPUOP_up:
      if (vcpus_[number].stage != Stage::kReady) return {.result = -XEN_EINVAL};
      services_.vcpus.up(target);
      return {.result = 0};
    case VCPUOP_down:
      if (target == caller.vcpu) return {.result = 0, .action = Action::kDown};
      services_.vcpus.down(target);
      return {.result = 0};
    case VCPUOP_is_up:
      return {.result = services_.vcpus.is_up(target) ? 1 : 0};
    case VCPUOP_register_vcpu_info:
      return {.result = register_info(caller, target, argument)};
    case VCPUOP_get_runstate_info:
    case VCPUOP_register_runstate_memory_area:
      return {.result = run_state(caller, command, target, argument)};
    case VCPUOP_stop_periodic_timer:  // there never is one
      return {.result = 0};
    case VCPUOP_set_singleshot_timer:
      return {.result = target == caller.vcpu ? singleshot(caller, argument) : -XEN_EINVAL};
    case VCPUOP_stop_singleshot_timer:
      if (target != caller.vcpu) return {.result = -XEN_EINVAL};
      services_.timers.stop_timer(target);
      return {.result = 0};
    default:
      return {.result = -XEN_ENOSYS};
  }
}

int64_t Hypercalls::initialise_vcpu(const Caller& caller, VcpuId target, LinearAddr argument) {
  auto context = std::make_unique<vcpu_guest_context_t>();  // 5 KiB
  if (!read_argument(caller.access, argument, *context)) return -XEN_EFAULT;
  std::atomic<Stage>& stage = vcpus_[vcpu_index(target)].stage;
  Stage expected = Stage::kAbsent;
  if (!stage.compare_exchange_strong(expected, Stage::kStarting)) return -XEN_EEXIST;
  const int result = services_.vcpus.initialise(target, *context);
  if (result == 0) {
    vcpus_[vcpu_index(target)].iopl = context->user_regs.rflags >> kIoplShift & 3;
    clock_.update(target);
  }
  stage = result == 0 ? Stage::kReady : Stage::kAbsent;
  return result;
}

int64_t Hypercalls::register_info(const Caller& caller, VcpuId target, LinearAddr argument) {
  vcpu_register_vcpu_info_t request{};
  if (!read_argument(caller.access, argument, request)) return -XEN_EFAULT;
  // A running vCPU's place moves only by its own hand.
  if (target != caller.vcpu && services_.vcpus.is_up(target)) return -XEN_EINVAL;
  const int64_t result = places_.register_info(target, request.mfn, request.offset, caller.vcpu);
  if (result != 0) return result;
  clock_.update(target);
  events_.mark_all_pending(target);  // nothing is lost in the move; a spurious upcall harms nobody
  return 0;
}

int64_t Hypercalls::run_state(const Caller& caller, unsigned command, VcpuId target,
                              LinearAddr argument) {
  if (command == VCPUOP_get_runstate_info) {
    const vcpu_runstate_info_t info = run_states_.snapshot(target);
    return write_argument(caller.access, argument, info) ? 0 : -XEN_EFAULT;
  }
  vcpu_register_runstate_memory_area_t request{};
  if (!read_argument(caller.access, argument, request)) return -XEN_EFAULT;
  run_states_.register_area(target, LinearAddr(request.addr.p));
  if (target == caller.vcpu) publish_run_state(target, caller.access);
  return 0;
}

void Hypercalls::publish_run_state(VcpuId vcpu, GuestAccess& access) {
  const bool announce = (assists() >> VMASST_TYPE_runstate_update_flag & 1) != 0;
  run_states_.publish(vcpu, access, announce);
}

int64_t Hypercalls::singleshot(const Caller& caller, LinearAddr argument) {
  vcpu_set_singleshot_timer_t request{};
  if (!read_argument(caller.access, argument, request)) return -XEN_EFAULT;
  const bool only_future = (request.flags & VCPU_SSHOTTMR_future) != 0;
  if (only_future && request.timeout_abs_ns < services_.clock.now()) return -XEN_ETIME;
  services_.timers.set_timer(caller.vcpu, request.timeout_abs_ns);
  return 0;
}

}  // namespace vmm
