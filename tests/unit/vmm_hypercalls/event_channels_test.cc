// Event channels: Xen's 2-level protocol bit by bit.
#include "fake_services.h"

namespace vmm {
namespace {

using EventChannelsTest = HypercallTest;

TEST_F(EventChannelsTest, StartOfDay) {
  EXPECT_EQ(info(0).evtchn_upcall_mask, 1);
  EXPECT_EQ(info(1).evtchn_upcall_mask, 1);
  EXPECT_EQ(info(0).evtchn_upcall_pending, 0);
  EXPECT_EQ(hypercalls.console_port(), 1u);
}

TEST_F(EventChannelsTest, SendSetsAllThreeLevelsOnce) {
  const evtchn_port_t port = bind_ipi(1);
  EXPECT_EQ(send(port), 0);
  EXPECT_TRUE(pending(port));
  EXPECT_EQ(info(1).evtchn_pending_sel, xen_ulong_t{1} << port / 64);
  EXPECT_EQ(info(1).evtchn_upcall_pending, 1);
  EXPECT_EQ(vcpus.notified[1], 1);
  EXPECT_EQ(info(0).evtchn_upcall_pending, 0);
  EXPECT_EQ(send(port), 0);  // still pending: nobody is told again
  EXPECT_EQ(vcpus.notified[1], 1);
}

TEST_F(EventChannelsTest, MaskedPortOnlyPends) {
  const evtchn_port_t port = bind_ipi(0);
  mask(port);
  EXPECT_EQ(send(port), 0);
  EXPECT_TRUE(pending(port));
  EXPECT_EQ(info(0).evtchn_pending_sel, 0u);
  EXPECT_EQ(vcpus.notified[0], 0);
  EXPECT_EQ(event_op(EVTCHNOP_unmask, access.put(evtchn_unmask_t{port})), 0);
  EXPECT_EQ(info(0).evtchn_upcall_pending, 1);
  EXPECT_EQ(vcpus.notified[0], 1);
}

TEST_F(EventChannelsTest, UnmaskOfNothingPendingIsSilent) {
  const evtchn_port_t port = bind_ipi(0);
  mask(port);
  EXPECT_EQ(event_op(EVTCHNOP_unmask, access.put(evtchn_unmask_t{port})), 0);
  EXPECT_EQ(shared.evtchn_mask[0], 0u);
  EXPECT_EQ(vcpus.notified[0], 0);
}

TEST_F(EventChannelsTest, SelectorAlreadySetMeansNoSecondUpcall) {
  const evtchn_port_t first = bind_ipi(0);
  const evtchn_port_t second = bind_ipi(0);
  send(first);
  info(0).evtchn_upcall_pending = 0;  // the guest has taken the upcall, not yet the selector
  send(second);
  EXPECT_TRUE(pending(second));
  EXPECT_EQ(info(0).evtchn_upcall_pending, 0);
  EXPECT_EQ(vcpus.notified[0], 1);
}

TEST_F(EventChannelsTest, VirqsBelongToTheirVcpu) {
  const evtchn_port_t timer0 = bind_virq(VIRQ_TIMER, 0);
  const evtchn_port_t timer1 = bind_virq(VIRQ_TIMER, 1);
  hypercalls.timer_expired(kVcpu1);
  EXPECT_FALSE(pending(timer0));
  EXPECT_TRUE(pending(timer1));
  EXPECT_EQ(vcpus.notified[1], 1);
  EXPECT_EQ(send(timer1), -XEN_EINVAL);  // a guest cannot raise it
}

TEST_F(EventChannelsTest, BindVirqErrors) {
  bind_virq(VIRQ_TIMER, 0);
  const auto bind = [&](unsigned virq, unsigned vcpu) {
    return event_op(EVTCHNOP_bind_virq,
                    access.put(evtchn_bind_virq_t{.virq = virq, .vcpu = vcpu, .port = 0}));
  };
  EXPECT_EQ(bind(VIRQ_TIMER, 0), -XEN_EEXIST);
  EXPECT_EQ(bind(NR_VIRQS, 0), -XEN_EINVAL);
  EXPECT_EQ(bind(0xffffffff, 0), -XEN_EINVAL);
  EXPECT_EQ(bind(VIRQ_TIMER, 2), -XEN_ENOENT);
  EXPECT_EQ(bind(VIRQ_CONSOLE, 1), -XEN_EINVAL);  // the domain's, not a vCPU's
}

TEST_F(EventChannelsTest, CloseFreesThePortAndItsVirq) {
  const evtchn_port_t port = bind_virq(VIRQ_TIMER, 0);
  hypercalls.timer_expired(kVcpu0);
  EXPECT_EQ(event_op(EVTCHNOP_close, access.put(evtchn_close_t{port})), 0);
  EXPECT_FALSE(pending(port));
  EXPECT_EQ(event_op(EVTCHNOP_close, access.put(evtchn_close_t{port})), -XEN_EINVAL);
  hypercalls.timer_expired(kVcpu0);
  EXPECT_FALSE(pending(port));
  EXPECT_EQ(bind_virq(VIRQ_TIMER, 0), port);  // the lowest free one
}

TEST_F(EventChannelsTest, PortsRunOut) {
  evtchn_bind_ipi_t request{};
  unsigned count = 0;
  while (event_op(EVTCHNOP_bind_ipi, access.put(request)) == 0) ++count;
  EXPECT_EQ(count, 4096u - 2);  // port 0 is none, port 1 the console's
  EXPECT_EQ(event_op(EVTCHNOP_bind_ipi, access.put(request)), -XEN_ENOSPC);
  EXPECT_EQ(send(4095), 0);
  EXPECT_EQ(info(0).evtchn_pending_sel, xen_ulong_t{1} << 63);
  EXPECT_EQ(event_op(EVTCHNOP_reset, access.put(evtchn_reset_t{DOMID_SELF})), 0);
  EXPECT_EQ(send(4095), -XEN_EINVAL);
  EXPECT_FALSE(pending(4095));
}

TEST_F(EventChannelsTest, Status) {
  const auto status = [&](evtchn_port_t port) {
    evtchn_status_t request{};
    request.dom = DOMID_SELF;
    request.port = port;
    EXPECT_EQ(event_op(EVTCHNOP_status, access.put(request)), 0);
    return access.get<evtchn_status_t>(FakeAccess::kGuestBase);
  };
  EXPECT_EQ(status(9).status, unsigned{EVTCHNSTAT_closed});
  EXPECT_EQ(status(bind_ipi(1)).status, unsigned{EVTCHNSTAT_ipi});
  const evtchn_status_t virq = status(bind_virq(VIRQ_DEBUG, 1));
  EXPECT_EQ(virq.status, unsigned{EVTCHNSTAT_virq});
  EXPECT_EQ(virq.u.virq, unsigned{VIRQ_DEBUG});
  EXPECT_EQ(virq.vcpu, 1u);
  EXPECT_EQ(status(hypercalls.console_port()).status, unsigned{EVTCHNSTAT_interdomain});
  const uint64_t at = access.put(evtchn_alloc_unbound_t{DOMID_SELF, 3, 0});
  EXPECT_EQ(event_op(EVTCHNOP_alloc_unbound, at), 0);
  const evtchn_status_t unbound = status(access.get<evtchn_alloc_unbound_t>(at).port);
  EXPECT_EQ(unbound.status, unsigned{EVTCHNSTAT_unbound});
  EXPECT_EQ(unbound.u.unbound.dom, 3);
}

TEST_F(EventChannelsTest, BindVcpuMovesWhatMayMove) {
  const auto bind = [&](evtchn_port_t port, unsigned vcpu) {
    return event_op(EVTCHNOP_bind_vcpu, access.put(evtchn_bind_vcpu_t{port, vcpu}));
  };
  EXPECT_EQ(bind(bind_ipi(0), 1), -XEN_EINVAL);
  EXPECT_EQ(bind(bind_virq(VIRQ_TIMER, 0), 1), -XEN_EINVAL);
  EXPECT_EQ(bind(hypercalls.console_port(), 2), -XEN_ENOENT);
  EXPECT_EQ(bind(4000, 1), -XEN_EINVAL);
  EXPECT_EQ(bind(hypercalls.console_port(), 1), 0);
  hypercalls.events().raise(hypercalls.console_port());
  EXPECT_EQ(vcpus.notified[1], 1);
  EXPECT_EQ(vcpus.notified[0], 0);
}

TEST_F(EventChannelsTest, CompatibleForm) {
  evtchn_op_t request{};
  request.cmd = EVTCHNOP_bind_ipi;
  request.u.bind_ipi.vcpu = 1;
  const uint64_t at = access.put(request);
  EXPECT_EQ(call(kEventChannelOpCompat, at), 0);
  const evtchn_port_t port = access.get<evtchn_op_t>(at).u.bind_ipi.port;
  EXPECT_NE(port, 0u);
  EXPECT_EQ(send(port), 0);
  request.cmd = EVTCHNOP_init_control;
  EXPECT_EQ(call(kEventChannelOpCompat, access.put(request)), -XEN_ENOSYS);
}

TEST_F(EventChannelsTest, TheFifoProtocolIsRefused) {
  EXPECT_EQ(event_op(EVTCHNOP_init_control, access.put(evtchn_init_control_t{})), -XEN_ENOSYS);
  EXPECT_EQ(event_op(EVTCHNOP_expand_array, access.put(evtchn_expand_array_t{})), -XEN_ENOSYS);
}

}  // namespace
}  // namespace vmm
