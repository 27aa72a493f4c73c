// Yield, block, poll, shutdown and timers.
#include "fake_services.h"

namespace vmm {
namespace {

using Action = HypercallOutcome::Action;
using SchedOpTest = HypercallTest;

constexpr uint64_t kPortList = FakeAccess::kGuestBase + 0x1000;

TEST_F(SchedOpTest, Yield) {
  EXPECT_EQ(outcome(kSchedOp, SCHEDOP_yield).action, Action::kYield);
  EXPECT_EQ(outcome(kSchedOpCompat, SCHEDOP_yield).action, Action::kYield);
}

TEST_F(SchedOpTest, BlockUnmasksAndWaits) {
  EXPECT_EQ(outcome(kSchedOp, SCHEDOP_block).action, Action::kBlock);
  EXPECT_EQ(info(0).evtchn_upcall_mask, 0);
}

TEST_F(SchedOpTest, BlockReturnsAtOnceWhenAnUpcallIsPending) {
  send(bind_ipi(0));
  const HypercallOutcome result = outcome(kSchedOp, SCHEDOP_block);
  EXPECT_EQ(result.action, Action::kContinue);
  EXPECT_EQ(result.result, 0);
  EXPECT_TRUE(hypercalls.places().upcall_due(kVcpu0));
}

TEST_F(SchedOpTest, Shutdown) {
  const uint64_t at = access.put(sched_shutdown_t{.reason = SHUTDOWN_crash});
  const HypercallOutcome result = outcome(kSchedOp, SCHEDOP_shutdown, at);
  EXPECT_EQ(result.action, Action::kShutdown);
  EXPECT_EQ(result.shutdown_reason, unsigned{SHUTDOWN_crash});
  const HypercallOutcome compat = outcome(kSchedOpCompat, SCHEDOP_shutdown, SHUTDOWN_reboot);
  EXPECT_EQ(compat.action, Action::kShutdown);
  EXPECT_EQ(compat.shutdown_reason, unsigned{SHUTDOWN_reboot});
}

class PollTest : public HypercallTest {
 protected:
  HypercallOutcome poll(std::vector<evtchn_port_t> ports, uint64_t timeout = 0) {
    for (size_t index = 0; index < ports.size(); ++index) {
      access.put(ports[index], kPortList + index * sizeof(evtchn_port_t));
    }
    struct {
      uint64_t ports, count, timeout;
    } request = {kPortList, ports.size(), timeout};
    static_assert(sizeof request == sizeof(sched_poll_t));
    return outcome(kSchedOp, SCHEDOP_poll, access.put(request));
  }
};

TEST_F(PollTest, WaitsUntilAPortIsPendingEvenIfMasked) {
  const evtchn_port_t port = bind_ipi(1);
  mask(port);
  const HypercallOutcome result = poll({port, 9});
  EXPECT_EQ(result.action, Action::kPoll);
  EXPECT_FALSE(result.deadline);
  EXPECT_FALSE(hypercalls.poll_done(kVcpu0));
  send(port);  // by the same vCPU, which ends its poll, so that only the port itself tells
  EXPECT_TRUE(pending(port));
}

TEST_F(PollTest, PollerIsNotified) {
  const evtchn_port_t port = bind_ipi(1);
  mask(port);
  EXPECT_EQ(poll({port}).action, Action::kPoll);
  hypercalls.events().raise(port);
  EXPECT_EQ(vcpus.notified[0], 1);
  EXPECT_TRUE(hypercalls.poll_done(kVcpu0));
  // Another hypercall of the poller ends the poll.
  EXPECT_EQ(call(__HYPERVISOR_xen_version, XENVER_pagesize), 4096);
  EXPECT_FALSE(hypercalls.poll_done(kVcpu0));
}

TEST_F(PollTest, PendingAlready) {
  const evtchn_port_t port = bind_ipi(0);
  mask(port);
  send(port);
  EXPECT_EQ(poll({port}).action, Action::kContinue);
}

TEST_F(PollTest, Timeout) {
  const evtchn_port_t port = bind_ipi(0);
  EXPECT_EQ(poll({port}, 5'000).deadline, 5'000u);
}

TEST_F(PollTest, Errors) {
  EXPECT_EQ(poll({4096}).result, -XEN_EINVAL);
  EXPECT_EQ(poll(std::vector<evtchn_port_t>(129, 1)).result, -XEN_EINVAL);
  EXPECT_EQ(outcome(kSchedOp, SCHEDOP_poll, 8).result, -XEN_EFAULT);
}

TEST_F(SchedOpTest, SetTimer) {
  EXPECT_EQ(call(__HYPERVISOR_set_timer_op, 12'345), 0);
  EXPECT_EQ(timers.deadlines.at(0), 12'345u);
  EXPECT_EQ(call(__HYPERVISOR_set_timer_op, 0), 0);
  EXPECT_TRUE(timers.deadlines.empty());
}

TEST_F(SchedOpTest, UnknownCommandsAreHandedBack) {
  const uint64_t arguments[6] = {99};
  EXPECT_FALSE(hypercalls.handle(kVcpu0, access, kSchedOp, arguments));
  EXPECT_FALSE(hypercalls.handle(kVcpu0, access, __HYPERVISOR_grant_table_op, arguments));
  EXPECT_FALSE(hypercalls.handle(kVcpu0, access, __HYPERVISOR_mmu_update, arguments));
  EXPECT_FALSE(hypercalls.handle(kVcpu0, access, 1000, arguments));
}

}  // namespace
}  // namespace vmm
