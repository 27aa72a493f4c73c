#include "fake_services.h"

namespace vmm {

bool FakeAccess::inside(uint64_t address, size_t size, uint64_t end) const {
  return address >= kGuestBase && address <= end && size <= end - address;
}

bool FakeAccess::read(pvmmu::LinearAddr from, void* to, size_t size) {
  if (!inside(from.raw(), size, kEnd)) return false;
  std::memcpy(to, memory_.data() + (from.raw() - kGuestBase), size);
  return true;
}

bool FakeAccess::write(pvmmu::LinearAddr to, const void* from, size_t size) {
  if (!inside(to.raw(), size, kReadOnly)) return false;
  std::memcpy(memory_.data() + (to.raw() - kGuestBase), from, size);
  return true;
}

std::byte* FakeFrames::get_writable(pvmmu::Mfn frame, VcpuId, const char*) {
  if (frame.raw() == kTableFrame || frame.raw() > 100'000) return nullptr;
  ++references_;
  return frames_[frame].data();
}

void FakeFrames::put_writable(pvmmu::Mfn) {
  --references_;
}

int FakeVcpus::initialise(VcpuId vcpu, const vcpu_guest_context_t& context) {
  initialised.emplace_back(vcpu_index(vcpu), context.user_regs.rip);
  return initialise_result;
}

HypercallTest::HypercallTest(unsigned vcpu_count)
    : hypercalls(HypercallConfig{.vcpu_count = vcpu_count,
                                 .domain_pages = 16384,
                                 .machine_frames = 20'000,
                                 .m2p_start = pvmmu::LinearAddr(0xffff808000000000),
                                 .m2p_bytes = 5 << 20,
                                 .m2p_first_frame = pvmmu::Mfn(7),
                                 .console_ring = pvmmu::Mfn(kRingFrame)},
                 Services{frames, vcpus, clock, timers, console}, shared) {
  vcpus.running[0] = true;
}

HypercallOutcome HypercallTest::outcome(unsigned number, uint64_t arg0, uint64_t arg1,
                                        uint64_t arg2, VcpuId vcpu) {
  const uint64_t arguments[6] = {arg0, arg1, arg2};
  const auto handled = hypercalls.handle(vcpu, access, number, arguments);
  return handled.value_or(HypercallOutcome{.result = -XEN_ENOSYS});
}

int64_t HypercallTest::call(unsigned number, uint64_t arg0, uint64_t arg1, uint64_t arg2,
                            VcpuId vcpu) {
  return outcome(number, arg0, arg1, arg2, vcpu).result;
}

int64_t HypercallTest::event_op(unsigned operation, uint64_t argument, VcpuId vcpu) {
  return call(kEventChannelOp, operation, argument, 0, vcpu);
}

evtchn_port_t HypercallTest::bind_ipi(unsigned vcpu) {
  const uint64_t at = access.put(evtchn_bind_ipi_t{.vcpu = vcpu, .port = 0});
  EXPECT_EQ(event_op(EVTCHNOP_bind_ipi, at), 0);
  return access.get<evtchn_bind_ipi_t>(at).port;
}

evtchn_port_t HypercallTest::bind_virq(unsigned virq, unsigned vcpu) {
  const uint64_t at = access.put(evtchn_bind_virq_t{.virq = virq, .vcpu = vcpu, .port = 0});
  EXPECT_EQ(event_op(EVTCHNOP_bind_virq, at), 0);
  return access.get<evtchn_bind_virq_t>(at).port;
}

int64_t HypercallTest::send(evtchn_port_t port) {
  return event_op(EVTCHNOP_send, access.put(evtchn_send_t{.port = port}));
}

void HypercallTest::mask(evtchn_port_t port) {
  shared.evtchn_mask[port / 64] |= xen_ulong_t{1} << port % 64;
}

bool HypercallTest::pending(evtchn_port_t port) const {
  return (shared.evtchn_pending[port / 64] >> port % 64 & 1) != 0;
}

}  // namespace vmm
