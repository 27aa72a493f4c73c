// Event channels: the guest's operations. [xen/public/event_channel.h]
#include "hypercalls/event_channels.h"
#include "hypercalls/guest_arguments.h"
#include "hypercalls/shared_bits.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;

// VIRQs of which each vCPU has its own; the others are the domain's and start on vCPU 0.
bool is_per_vcpu(unsigned virq) {
  return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

// Copies the structure in, calls the operation, and copies the structure out if it went well.
template <typename Request, typename Operation>
int64_t with_request(GuestAccess& access, LinearAddr argument, Operation&& operation) {
  Request request{};
  if (!read_argument(access, argument, request)) return -XEN_EFAULT;
  const int64_t result = operation(request);
  if (result == 0 && !write_argument(access, argument, request)) return -XEN_EFAULT;
  return result;
}

// For structures without results.
template <typename Request, typename Operation>
int64_t with_input(GuestAccess& access, LinearAddr argument, Operation&& operation) {
  Request request{};
  if (!read_argument(access, argument, request)) return -XEN_EFAULT;
  return operation(request);
}

}  // namespace

int64_t EventChannels::event_channel_op(GuestAccess& access, unsigned operation,
                                        LinearAddr argument) {
  switch (operation) {
    case EVTCHNOP_alloc_unbound:
      return with_request<evtchn_alloc_unbound_t>(access, argument,
                                                  [&](auto& r) { return alloc_unbound(r); });
    case EVTCHNOP_bind_virq:
      return with_request<evtchn_bind_virq_t>(access, argument,
                                              [&](auto& r) { return bind_virq(r); });
    case EVTCHNOP_bind_ipi:
      return with_request<evtchn_bind_ipi_t>(access, argument,
                                             [&](auto& r) { return bind_ipi(r); });
    case EVTCHNOP_status:
      return with_request<evtchn_status_t>(access, argument, [&](auto& r) { return status(r); });
    case EVTCHNOP_close:
      return with_input<evtchn_close_t>(access, argument, [&](auto& r) { return close(r.port); });
    case EVTCHNOP_send:
      return with_input<evtchn_send_t>(access, argument, [&](auto& r) { return send(r.port); });
    case EVTCHNOP_unmask:
      return with_input<evtchn_unmask_t>(access, argument, [&](auto& r) { return unmask(r.port); });
    case EVTCHNOP_bind_vcpu:
      return with_input<evtchn_bind_vcpu_t>(access, argument,
                                            [&](auto& r) { return bind_vcpu(r); });
    case EVTCHNOP_reset:
      return with_input<evtchn_reset_t>(access, argument, [&](auto& r) { return reset(r.dom); });
    default:  // init_control among them: guests then stay with the 2-level protocol
      return -XEN_ENOSYS;
  }
}

int64_t EventChannels::event_channel_op_compat(GuestAccess& access, LinearAddr argument) {
  uint32_t operation = 0;
  if (!read_argument(access, argument, operation)) return -XEN_EFAULT;
  if (operation > EVTCHNOP_unmask) return -XEN_ENOSYS;
  return event_channel_op(access, operation, argument + offsetof(evtchn_op_t, u));
}

int64_t EventChannels::alloc_unbound(evtchn_alloc_unbound_t& request) {
  if (request.dom != DOMID_SELF) return -XEN_ESRCH;
  std::lock_guard lock(mutex_);
  const std::optional<uint32_t> port = find_free_port();
  if (!port) return -XEN_ENOSPC;
  ports_[*port] =
      Port{.state = State::kUnbound, .remote_domain = request.remote_dom, .on_send = {}};
  request.port = *port;
  return 0;
}

int64_t EventChannels::bind_virq(evtchn_bind_virq_t& request) {
  if (request.virq >= NR_VIRQS) return -XEN_EINVAL;
  if (!is_per_vcpu(request.virq) && request.vcpu != 0) return -XEN_EINVAL;
  if (request.vcpu >= places_.vcpu_count()) return -XEN_ENOENT;
  std::lock_guard lock(mutex_);
  uint32_t& bound = virq_ports_[request.vcpu][request.virq];
  if (bound != 0) return -XEN_EEXIST;
  const std::optional<uint32_t> port = find_free_port();
  if (!port) return -XEN_ENOSPC;
  ports_[*port] =
      Port{.state = State::kVirq, .vcpu = request.vcpu, .virq = request.virq, .on_send = {}};
  bound = *port;
  request.port = *port;
  return 0;
}

int64_t EventChannels::bind_ipi(evtchn_bind_ipi_t& request) {
  if (request.vcpu >= places_.vcpu_count()) return -XEN_ENOENT;
  std::lock_guard lock(mutex_);
  const std::optional<uint32_t> port = find_free_port();
  if (!port) return -XEN_ENOSPC;
  ports_[*port] = Port{.state = State::kIpi, .vcpu = request.vcpu, .on_send = {}};
  request.port = *port;
  return 0;
}

int64_t EventChannels::close(uint32_t port) {
  std::lock_guard lock(mutex_);
  if (!in_use(port)) return -XEN_EINVAL;
  release(port);
  return 0;
}

int64_t EventChannels::send(uint32_t port) {
  VcpuSet woken = 0;
  std::function<void()> on_send;
  {
    std::lock_guard lock(mutex_);
    if (!in_use(port)) return -XEN_EINVAL;
    switch (ports_[port].state) {
      case State::kIpi:
        woken = set_pending(port);
        break;
      case State::kVmm:
        on_send = ports_[port].on_send;
        break;
      case State::kUnbound:  // nobody listens: silently dropped
        break;
      default:
        return -XEN_EINVAL;
    }
  }
  notify(woken);
  if (on_send) on_send();
  return 0;
}

int64_t EventChannels::status(evtchn_status_t& request) {
  if (request.dom != DOMID_SELF) return -XEN_ESRCH;
  std::lock_guard lock(mutex_);
  if (request.port >= kPortCount) return -XEN_EINVAL;
  const Port& port = ports_[request.port];
  request.u = {};
  request.vcpu = port.vcpu;
  switch (port.state) {
    case State::kFree:
      request.status = EVTCHNSTAT_closed;
      break;
    case State::kUnbound:
      request.status = EVTCHNSTAT_unbound;
      request.u.unbound.dom = port.remote_domain;
      break;
    case State::kVirq:
      request.status = EVTCHNSTAT_virq;
      request.u.virq = port.virq;
      break;
    case State::kIpi:
      request.status = EVTCHNSTAT_ipi;
      break;
    case State::kVmm:
      request.status = EVTCHNSTAT_interdomain;
      request.u.interdomain.dom = 0;  // as if the control domain had the other end
      break;
  }
  return 0;
}

int64_t EventChannels::bind_vcpu(const evtchn_bind_vcpu_t& request) {
  if (request.vcpu >= places_.vcpu_count()) return -XEN_ENOENT;
  std::lock_guard lock(mutex_);
  if (!in_use(request.port)) return -XEN_EINVAL;
  Port& port = ports_[request.port];
  const bool global_virq = port.state == State::kVirq && !is_per_vcpu(port.virq);
  if (port.state == State::kIpi || (port.state == State::kVirq && !global_virq)) {
    return -XEN_EINVAL;
  }
  if (global_virq) {  // found by its vCPU: the table moves with it
    virq_ports_[port.vcpu][port.virq] = 0;
    virq_ports_[request.vcpu][port.virq] = request.port;
  }
  port.vcpu = request.vcpu;
  return 0;
}

int64_t EventChannels::unmask(uint32_t port) {
  VcpuSet woken = 0;
  {
    std::lock_guard lock(mutex_);
    if (!in_use(port)) return -XEN_EINVAL;
    const bool was_masked = test_and_clear_bit(shared_info_.evtchn_mask, port);
    if (was_masked && test_bit(shared_info_.evtchn_pending, port)) woken = select(port);
  }
  notify(woken);
  return 0;
}

int64_t EventChannels::reset(domid_t domain) {
  if (domain != DOMID_SELF) return -XEN_ESRCH;
  std::lock_guard lock(mutex_);
  for (uint32_t port = 1; port < kPortCount; ++port) {
    if (in_use(port)) release(port);
  }
  return 0;
}

}  // namespace vmm
