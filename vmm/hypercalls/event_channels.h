// Event channels of one domain: Xen's 2-level protocol, ports 0..4095, shared_info's bitmaps.
//
// A port is free, unbound (waiting for a peer that never comes, as this is the only domain), bound
// to a VIRQ or an IPI of one vCPU, or the VMM's own end (console). Raising a port sets its pending
// bit; if it was clear and the port is unmasked, the selector bit of the vCPU's vcpu_info; if that
// was clear, evtchn_upcall_pending; and then the vCPU is notified. [xen/public/event_channel.h]
//
// Lock: mutex_ guards the port table. It is a leaf but for VcpuPlaces: only atomic bit operations
// on shared memory happen under it; notify_event is called after it was dropped. Bits that the
// guest changes at will are read and written atomically, and nothing here depends on them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "hypercalls/services.h"
#include "hypercalls/vcpu_places.h"
#include "sync/ranked_mutex.h"

namespace vmm {

class EventChannels {
 public:
  static constexpr unsigned kPortCount = 4096;

  EventChannels(shared_info_t& shared_info, VcpuPlaces& places, VcpuControl& vcpus);

  // HYPERVISOR_event_channel_op: 0 or -errno.
  int64_t event_channel_op(GuestAccess& access, unsigned operation, pvmmu::LinearAddr argument);
  // The older form, which carries the operation inside the structure.
  int64_t event_channel_op_compat(GuestAccess& access, pvmmu::LinearAddr argument);

  // A port whose other end is the VMM: on_send runs in the sender's thread, without locks, for each
  // EVTCHNOP_send. Used while the domain is built.
  uint32_t allocate_vmm_port(std::function<void()> on_send);
  void raise(uint32_t port);  // from the VMM's end; no-op on a port that is closed
  void raise_virq(VcpuId vcpu, unsigned virq);                         // no-op if not bound
  bool any_pending(const evtchn_port_t* ports, unsigned count) const;  // for SCHEDOP_poll
  // Makes the vCPU look again at everything pending: after its vcpu_info moved.
  void mark_all_pending(VcpuId vcpu);
  // While set, the vCPU is notified of every port that becomes pending, masked ones too.
  void set_polling(VcpuId vcpu, bool polling);

 private:
  using VcpuSet = uint64_t;  // bit i = vCPU i; at most 64 vCPUs
  enum class State : uint8_t { kFree, kUnbound, kVirq, kIpi, kVmm };
  struct Port {
    State state = State::kFree;
    unsigned vcpu = 0;
    unsigned virq = 0;
    uint16_t remote_domain = 0;
    std::function<void()> on_send;
  };

  int64_t alloc_unbound(evtchn_alloc_unbound_t& request);
  int64_t bind_virq(evtchn_bind_virq_t& request);
  int64_t bind_ipi(evtchn_bind_ipi_t& request);
  int64_t close(uint32_t port);
  int64_t send(uint32_t port);
  int64_t status(evtchn_status_t& request);
  int64_t bind_vcpu(const evtchn_bind_vcpu_t& request);
  int64_t unmask(uint32_t port);
  int64_t reset(domid_t domain);

  std::optional<uint32_t> find_free_port() const;
  bool in_use(uint32_t port) const;
  void release(uint32_t port);
  // Set the bits, with mutex_ held; both return the vCPUs to notify once it was dropped.
  VcpuSet set_pending(uint32_t port);
  VcpuSet select(uint32_t port);
  void notify(VcpuSet vcpus);

  shared_info_t& shared_info_;
  VcpuPlaces& places_;
  VcpuControl& vcpus_;
  mutable RankedMutex<LockRank::kEventChannels> mutex_;
  std::array<Port, kPortCount> ports_;
  std::atomic<VcpuSet> pollers_{0};
  std::vector<std::array<uint32_t, NR_VIRQS>> virq_ports_;  // 0 = unbound, by vCPU
};

}  // namespace vmm
