// Virtual processors: bringing up, vcpu_info, run state, singleshot timer.
#include "fake_services.h"

namespace vmm {
namespace {

using Action = HypercallOutcome::Action;

constexpr uint64_t kArgument = FakeAccess::kGuestBase;

class VcpuOpTest : public HypercallTest {
 protected:
  int64_t vcpu_op(unsigned command, uint64_t target, uint64_t argument = 0,
                  VcpuId caller = kVcpu0) {
    return call(__HYPERVISOR_vcpu_op, command, target, argument, caller);
  }
  uint64_t put_context(uint64_t rip) {
    vcpu_guest_context_t context{};
    context.user_regs.rip = rip;
    return access.put(context);
  }
};

TEST_F(VcpuOpTest, BringUp) {
  EXPECT_EQ(vcpu_op(VCPUOP_is_up, 1), 0);
  EXPECT_EQ(vcpu_op(VCPUOP_up, 1), -XEN_EINVAL);  // not initialised
  EXPECT_EQ(vcpu_op(VCPUOP_initialise, 1, put_context(0x1234)), 0);
  ASSERT_EQ(vcpus.initialised.size(), 1u);
  EXPECT_EQ(vcpus.initialised[0], std::pair(1u, uint64_t{0x1234}));
  EXPECT_EQ(vcpu_op(VCPUOP_initialise, 1, put_context(1)), -XEN_EEXIST);
  EXPECT_EQ(vcpu_op(VCPUOP_up, 1), 0);
  EXPECT_EQ(vcpu_op(VCPUOP_is_up, 1), 1);
  EXPECT_EQ(vcpu_op(VCPUOP_down, 1), 0);
  EXPECT_EQ(vcpu_op(VCPUOP_is_up, 1), 0);
}

// [xen/public/arch-x86/xen.h: the context's flags register carries it]
TEST_F(VcpuOpTest, ContextSetsTheIoPrivilegeLevel) {
  vcpu_guest_context_t context{};
  context.user_regs.rflags = 0x1000;
  EXPECT_EQ(vcpu_op(VCPUOP_initialise, 1, access.put(context)), 0);
  EXPECT_EQ(hypercalls.iopl(kVcpu1), 1u);
  EXPECT_EQ(hypercalls.iopl(kVcpu0), 0u);
}

TEST_F(VcpuOpTest, RefusedContextMayBeTriedAgain) {
  vcpus.initialise_result = -XEN_EINVAL;
  EXPECT_EQ(vcpu_op(VCPUOP_initialise, 1, put_context(1)), -XEN_EINVAL);
  EXPECT_EQ(vcpu_op(VCPUOP_up, 1), -XEN_EINVAL);
  vcpus.initialise_result = 0;
  EXPECT_EQ(vcpu_op(VCPUOP_initialise, 1, put_context(1)), 0);
}

TEST_F(VcpuOpTest, TheFirstOneExistsFromTheStart) {
  EXPECT_EQ(vcpu_op(VCPUOP_initialise, 0, put_context(1)), -XEN_EEXIST);
  EXPECT_EQ(vcpu_op(VCPUOP_is_up, 0), 1);
}

TEST_F(VcpuOpTest, DownOfOneself) {
  EXPECT_EQ(outcome(__HYPERVISOR_vcpu_op, VCPUOP_down, 0).action, Action::kDown);
}

TEST_F(VcpuOpTest, VcpusThatDoNotExist) {
  for (const uint64_t vcpu : {uint64_t{2}, uint64_t{8191}, uint64_t{1} << 32, ~uint64_t{0}}) {
    for (unsigned command = 0; command <= 13; ++command) {
      EXPECT_EQ(vcpu_op(command, vcpu, kArgument), -XEN_ENOENT);
    }
  }
}

class RegisterInfoTest : public VcpuOpTest {
 protected:
  int64_t register_info(unsigned vcpu, uint64_t mfn, uint32_t offset, VcpuId caller = kVcpu0) {
    const vcpu_register_vcpu_info_t request{mfn, offset, 0};
    return vcpu_op(VCPUOP_register_vcpu_info, vcpu, access.put(request), caller);
  }
};

TEST_F(RegisterInfoTest, EventsGoToTheNewPlace) {
  info(0).arch.cr2 = 77;
  ASSERT_EQ(register_info(0, 5, 128), 0);
  EXPECT_EQ(frames.references(), 2);  // and the console ring
  auto* moved =
      reinterpret_cast<vcpu_info_t*>(frames.get_writable(pvmmu::Mfn(5), kVcpu0, "") + 128);
  EXPECT_EQ(moved->arch.cr2, 77u);
  EXPECT_EQ(moved->evtchn_upcall_mask, 1);
  EXPECT_EQ(moved->evtchn_upcall_pending, 1);  // so that nothing is lost in the move
  EXPECT_EQ(moved->evtchn_pending_sel, ~xen_ulong_t{0});
  EXPECT_NE(moved->time.tsc_to_system_mul, 0u);
  moved->evtchn_pending_sel = 0;
  moved->evtchn_upcall_pending = 0;
  info(0).evtchn_upcall_pending = 0;
  send(bind_ipi(0));
  EXPECT_EQ(moved->evtchn_upcall_pending, 1);
  EXPECT_EQ(info(0).evtchn_upcall_pending, 0);
}

TEST_F(RegisterInfoTest, Errors) {
  EXPECT_EQ(register_info(0, 5, 4096 - 63), -XEN_EINVAL);
  EXPECT_EQ(register_info(0, 5, 0xffffffff), -XEN_EINVAL);
  EXPECT_EQ(register_info(0, 5, 4), -XEN_EINVAL);
  EXPECT_EQ(register_info(0, FakeFrames::kTableFrame, 0), -XEN_EINVAL);
  EXPECT_EQ(register_info(0, ~uint64_t{0}, 0), -XEN_EINVAL);
  EXPECT_EQ(register_info(0, 5, 4096 - 64), 0);
  EXPECT_EQ(register_info(0, 6, 0), -XEN_EINVAL);  // once only
  EXPECT_EQ(frames.references(), 2);
}

TEST_F(RegisterInfoTest, OfARunningOther) {
  vcpus.running[1] = true;
  EXPECT_EQ(register_info(1, 5, 0), -XEN_EINVAL);
  EXPECT_EQ(register_info(1, 5, 0, kVcpu1), 0);
}

TEST_F(VcpuOpTest, RunState) {
  clock.time = 2'000;
  EXPECT_EQ(vcpu_op(VCPUOP_get_runstate_info, 0, kArgument), 0);
  const auto now = access.get<vcpu_runstate_info_t>(kArgument);
  EXPECT_EQ(now.state, RUNSTATE_running);
  EXPECT_EQ(now.time[RUNSTATE_running], 1'000u);

  constexpr uint64_t kArea = FakeAccess::kGuestBase + 0x800;
  EXPECT_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, access.put(kArea)), 0);
  EXPECT_EQ(access.get<vcpu_runstate_info_t>(kArea).state, RUNSTATE_running);
  hypercalls.run_states().change(kVcpu0, RUNSTATE_blocked);
  clock.time = 2'700;
  hypercalls.run_states().change(kVcpu0, RUNSTATE_running);
  hypercalls.run_states().publish(kVcpu0, access, true);
  const auto copy = access.get<vcpu_runstate_info_t>(kArea);
  EXPECT_EQ(copy.state, RUNSTATE_running);
  EXPECT_EQ(copy.time[RUNSTATE_blocked], 700u);
  EXPECT_EQ(copy.state_entry_time, 2'700u);  // the update is over
}

TEST_F(VcpuOpTest, RunStateAreaThatFaultsHarmsNobody) {
  constexpr uint64_t kNowhere = 0xdead000;
  EXPECT_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, access.put(kNowhere)), 0);
  hypercalls.run_states().publish(kVcpu0, access, true);
  hypercalls.run_states().publish(kVcpu0, access, false);
}

TEST_F(VcpuOpTest, SingleshotTimer) {
  const auto set = [&](uint64_t deadline, uint32_t flags, unsigned target = 0) {
    return vcpu_op(VCPUOP_set_singleshot_timer, target,
                   access.put(vcpu_set_singleshot_timer_t{deadline, flags}));
  };
  EXPECT_EQ(set(5'000, 0), 0);
  EXPECT_EQ(timers.deadlines.at(0), 5'000u);
  EXPECT_EQ(set(500, VCPU_SSHOTTMR_future), -XEN_ETIME);
  EXPECT_EQ(set(500, 0), 0);
  EXPECT_EQ(set(5'000, 0, 1), -XEN_EINVAL);  // of another vCPU
  EXPECT_EQ(vcpu_op(VCPUOP_stop_singleshot_timer, 0), 0);
  EXPECT_TRUE(timers.deadlines.empty());
  EXPECT_EQ(vcpu_op(VCPUOP_stop_periodic_timer, 0), 0);
}

}  // namespace
}  // namespace vmm
