// Scheduling: yield, block, poll, shutdown, and the timers. [xen/public/sched.h]
#include "hypercalls/guest_arguments.h"
#include "hypercalls/hypercalls.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using Action = HypercallOutcome::Action;

constexpr unsigned kMaxPolledPorts = 128;

HypercallOutcome shut_down(unsigned reason) {
  return {.result = 0, .action = Action::kShutdown, .shutdown_reason = reason};
}

}  // namespace

HypercallOutcome Hypercalls::sched_op(const Caller& caller, unsigned command, LinearAddr argument) {
  switch (command) {
    case SCHEDOP_yield:
      drain_console();
      return {.result = 0, .action = Action::kYield};
    case SCHEDOP_block:
      return block(caller);
    case SCHEDOP_poll:
      return poll(caller, argument);
    case SCHEDOP_shutdown: {
      sched_shutdown_t request{};
      if (!read_argument(caller.access, argument, request)) return {.result = -XEN_EFAULT};
      return shut_down(request.reason);
    }
    case SCHEDOP_shutdown_code: {  // only noted: the shutdown itself follows
      sched_shutdown_t request{};
      return {.result = read_argument(caller.access, argument, request) ? 0 : -XEN_EFAULT};
    }
    default:
      return {.result = -XEN_ENOSYS};
  }
}

HypercallOutcome Hypercalls::sched_op_compat(const Caller& caller, unsigned command,
                                             uint64_t argument) {
  switch (command) {
    case SCHEDOP_yield:
    case SCHEDOP_block:
      return sched_op(caller, command, LinearAddr(0));
    case SCHEDOP_shutdown:
      return shut_down(static_cast<uint32_t>(argument));
    default:
      return {.result = -XEN_ENOSYS};
  }
}

HypercallOutcome Hypercalls::block(const Caller& caller) {
  drain_console();
  places_.exchange_upcall_mask(caller.vcpu, false);
  if (places_.upcall_pending(caller.vcpu)) return {.result = 0};
  return {.result = 0, .action = Action::kBlock};
}

HypercallOutcome Hypercalls::poll(const Caller& caller, LinearAddr argument) {
  sched_poll_t request{};
  if (!read_argument(caller.access, argument, request)) return {.result = -XEN_EFAULT};
  if (request.nr_ports > kMaxPolledPorts) return {.result = -XEN_EINVAL};
  std::vector<evtchn_port_t> ports(request.nr_ports);
  const size_t bytes = ports.size() * sizeof(evtchn_port_t);
  if (bytes != 0 && !caller.access.read(handle_address(request.ports), ports.data(), bytes)) {
    return {.result = -XEN_EFAULT};
  }
  for (const evtchn_port_t port : ports) {
    if (port >= EventChannels::kPortCount) return {.result = -XEN_EINVAL};
  }
  drain_console();
  // Announced first, looked at afterwards: a port raised in between is seen by one of the two.
  VcpuData& data = vcpus_[vcpu_index(caller.vcpu)];
  data.polled = std::move(ports);
  data.polling = true;
  events_.set_polling(caller.vcpu, true);
  if (places_.upcall_due(caller.vcpu) || poll_done(caller.vcpu)) {
    end_poll(caller.vcpu);
    return {.result = 0};
  }
  HypercallOutcome outcome{.result = 0, .action = Action::kPoll};
  if (request.timeout != 0) outcome.deadline = request.timeout;
  return outcome;
}

bool Hypercalls::poll_done(VcpuId vcpu) {
  const std::vector<evtchn_port_t>& polled = vcpus_[vcpu_index(vcpu)].polled;
  return events_.any_pending(polled.data(), static_cast<unsigned>(polled.size()));
}

void Hypercalls::end_poll(VcpuId vcpu) {
  VcpuData& data = vcpus_[vcpu_index(vcpu)];
  if (!data.polling) return;
  data.polling = false;
  data.polled.clear();
  events_.set_polling(vcpu, false);
}

int64_t Hypercalls::set_timer_op(const Caller& caller, uint64_t deadline) {
  if (deadline == 0) {
    services_.timers.stop_timer(caller.vcpu);
  } else {
    services_.timers.set_timer(caller.vcpu, deadline);
  }
  return 0;
}

}  // namespace vmm
