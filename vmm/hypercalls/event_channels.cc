// Event channels: the port table and the bits in shared memory.
#include "hypercalls/event_channels.h"

#include <algorithm>

#include "hypercalls/shared_bits.h"

namespace vmm {

static_assert(EVTCHN_2L_NR_CHANNELS == EventChannels::kPortCount);

EventChannels::EventChannels(shared_info_t& shared_info, VcpuPlaces& places, VcpuControl& vcpus)
    : shared_info_(shared_info), places_(places), vcpus_(vcpus), virq_ports_(places.vcpu_count()) {
  for (auto& ports : virq_ports_) ports.fill(0);
}

uint32_t EventChannels::allocate_vmm_port(std::function<void()> on_send) {
  std::lock_guard lock(mutex_);
  const std::optional<uint32_t> port = find_free_port();
  if (!port) return 0;
  ports_[*port] = Port{.state = State::kVmm, .on_send = std::move(on_send)};
  return *port;
}

void EventChannels::raise(uint32_t port) {
  VcpuSet woken = 0;
  {
    std::lock_guard lock(mutex_);
    if (in_use(port)) woken = set_pending(port);
  }
  notify(woken);
}

void EventChannels::raise_virq(VcpuId vcpu, unsigned virq) {
  VcpuSet woken = 0;
  {
    std::lock_guard lock(mutex_);
    const uint32_t port = virq_ports_[vcpu_index(vcpu)][virq];
    if (port != 0) woken = set_pending(port);
  }
  notify(woken);
}

bool EventChannels::any_pending(const evtchn_port_t* ports, unsigned count) const {
  return std::any_of(ports, ports + count, [this](evtchn_port_t port) {
    return port < kPortCount && test_bit(shared_info_.evtchn_pending, port);
  });
}

void EventChannels::mark_all_pending(VcpuId vcpu) {
  places_.with_info(vcpu, [](vcpu_info_t& info) {
    store_shared(info.evtchn_pending_sel, ~xen_ulong_t{0});
    store_shared(info.evtchn_upcall_pending, uint8_t{1});
  });
  vcpus_.notify_event(vcpu);
}

void EventChannels::set_polling(VcpuId vcpu, bool polling) {
  const VcpuSet bit = VcpuSet{1} << vcpu_index(vcpu) % 64;
  if (polling) {
    pollers_.fetch_or(bit);
  } else {
    pollers_.fetch_and(~bit);
  }
}

std::optional<uint32_t> EventChannels::find_free_port() const {
  for (uint32_t port = 1; port < kPortCount; ++port) {  // port 0 means "none"
    if (ports_[port].state == State::kFree) return port;
  }
  return std::nullopt;
}

bool EventChannels::in_use(uint32_t port) const {
  return port < kPortCount && ports_[port].state != State::kFree;
}

void EventChannels::release(uint32_t port) {
  Port& entry = ports_[port];
  if (entry.state == State::kVirq) virq_ports_[entry.vcpu][entry.virq] = 0;
  test_and_clear_bit(shared_info_.evtchn_pending, port);
  entry = Port{};
}

EventChannels::VcpuSet EventChannels::set_pending(uint32_t port) {
  if (test_and_set_bit(shared_info_.evtchn_pending, port)) return 0;
  // A vCPU in SCHEDOP_poll waits for the pending bit, whether masked or not.
  return select(port) | pollers_.load();
}

EventChannels::VcpuSet EventChannels::select(uint32_t port) {
  if (test_bit(shared_info_.evtchn_mask, port)) return 0;
  const unsigned vcpu = ports_[port].vcpu;
  return places_.with_info(VcpuId{vcpu}, [&](vcpu_info_t& info) -> VcpuSet {
    if (test_and_set_bit(&info.evtchn_pending_sel, port / 64)) return 0;
    if (exchange_shared(info.evtchn_upcall_pending, uint8_t{1}) != 0) return 0;
    return VcpuSet{1} << vcpu % 64;
  });
}

void EventChannels::notify(VcpuSet vcpus) {
  for (unsigned vcpu = 0; vcpus != 0; ++vcpu, vcpus >>= 1) {
    if ((vcpus & 1) != 0) vcpus_.notify_event(VcpuId{vcpu});
  }
}

}  // namespace vmm
