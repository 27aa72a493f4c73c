// Everything a guest can pass: every call, every command, with pointers that point nowhere, partly
// nowhere, or to memory it may not write, and with random contents. The answer is an error number
// or a success, never anything else; the sanitizers watch the rest.
#include <random>

#include "fake_services.h"

namespace vmm {
namespace {

using Action = HypercallOutcome::Action;

constexpr unsigned kCalls[] = {6,
                               16,
                               29,
                               32,
                               33,
                               __HYPERVISOR_vcpu_op,
                               __HYPERVISOR_set_timer_op,
                               __HYPERVISOR_console_io,
                               __HYPERVISOR_xen_version,
                               __HYPERVISOR_memory_op,
                               __HYPERVISOR_vm_assist,
                               __HYPERVISOR_grant_table_op};

constexpr uint64_t kPointers[] = {0,
                                  1,
                                  FakeAccess::kGuestBase,
                                  FakeAccess::kGuestBase + 3,
                                  FakeAccess::kReadOnly - 1,
                                  FakeAccess::kReadOnly,
                                  FakeAccess::kEnd - 1,
                                  FakeAccess::kEnd,
                                  0x8000000000000000,
                                  ~uint64_t{0},
                                  ~uint64_t{0} - 7};

class HostileArgumentsTest : public HypercallTest {
 protected:
  void check(unsigned number, uint64_t arg0, uint64_t arg1, uint64_t arg2) {
    const int64_t result = outcome(number, arg0, arg1, arg2, VcpuId{vcpu_++ % 2}).result;
    EXPECT_GT(result, -200) << number << " " << arg0;
    EXPECT_LT(result, int64_t{1} << 20) << number << " " << arg0;
  }

 private:
  unsigned vcpu_ = 0;
};

TEST_F(HostileArgumentsTest, EveryCommandWithEveryPointer) {
  for (const unsigned number : kCalls) {
    for (uint64_t command = 0; command < 70; ++command) {
      for (const uint64_t pointer : kPointers) {
        check(number, command, pointer, pointer);
        check(number, command, 0, pointer);
        check(number, pointer, pointer, 0);
      }
    }
  }
}

TEST_F(HostileArgumentsTest, PointersToNowhereAreFaults) {
  const std::pair<unsigned, unsigned> commands[] = {
      {kSchedOp, SCHEDOP_shutdown},
      {kSchedOp, SCHEDOP_poll},
      {kEventChannelOp, EVTCHNOP_alloc_unbound},
      {kEventChannelOp, EVTCHNOP_bind_virq},
      {kEventChannelOp, EVTCHNOP_bind_ipi},
      {kEventChannelOp, EVTCHNOP_close},
      {kEventChannelOp, EVTCHNOP_send},
      {kEventChannelOp, EVTCHNOP_status},
      {kEventChannelOp, EVTCHNOP_bind_vcpu},
      {kEventChannelOp, EVTCHNOP_unmask},
      {kEventChannelOp, EVTCHNOP_reset},
      {kPhysdevOp, PHYSDEVOP_set_iopl},
      {kPhysdevOp, PHYSDEVOP_set_iobitmap},
      {__HYPERVISOR_xen_version, XENVER_extraversion},
      {__HYPERVISOR_xen_version, XENVER_compile_info},
      {__HYPERVISOR_xen_version, XENVER_capabilities},
      {__HYPERVISOR_xen_version, XENVER_changeset},
      {__HYPERVISOR_xen_version, XENVER_platform_parameters},
      {__HYPERVISOR_xen_version, XENVER_get_features},
      {__HYPERVISOR_xen_version, XENVER_guest_handle},
      {__HYPERVISOR_xen_version, XENVER_commandline},
      {__HYPERVISOR_memory_op, XENMEM_current_reservation},
      {__HYPERVISOR_memory_op, XENMEM_machphys_mapping},
      {__HYPERVISOR_memory_op, XENMEM_machphys_mfn_list},
      {__HYPERVISOR_memory_op, XENMEM_memory_map}};
  for (const auto& [number, command] : commands) {
    for (const uint64_t pointer : {uint64_t{0}, FakeAccess::kEnd, ~uint64_t{0}}) {
      EXPECT_EQ(call(number, command, pointer), -XEN_EFAULT) << number << " " << command;
    }
  }
  for (const int command :
       {VCPUOP_initialise, VCPUOP_get_runstate_info, VCPUOP_register_runstate_memory_area,
        VCPUOP_set_singleshot_timer, VCPUOP_register_vcpu_info}) {
    EXPECT_EQ(call(__HYPERVISOR_vcpu_op, static_cast<uint64_t>(command), 0, FakeAccess::kEnd),
              -XEN_EFAULT)
        << command;
  }
}

TEST_F(HostileArgumentsTest, ResultsDoNotGoIntoReadOnlyMemory) {
  EXPECT_EQ(call(__HYPERVISOR_xen_version, XENVER_capabilities, FakeAccess::kReadOnly),
            -XEN_EFAULT);
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_machphys_mapping, FakeAccess::kReadOnly - 8),
            -XEN_EFAULT);
  EXPECT_EQ(event_op(EVTCHNOP_bind_ipi, FakeAccess::kReadOnly), -XEN_EFAULT);
}

TEST_F(HostileArgumentsTest, RandomContents) {
  std::mt19937_64 random(8);
  for (unsigned round = 0; round < 100'000; ++round) {
    uint64_t words[8];
    for (uint64_t& word : words) {
      word = random() % 3 == 0   ? random()
             : random() % 3 == 0 ? kPointers[random() % 11]
                                 : random() % 9;
    }
    access.put(words);
    const unsigned number = kCalls[random() % std::size(kCalls)];
    const uint64_t second = random() % 2 == 0 ? FakeAccess::kGuestBase : random() % 4;
    check(number, number == 16 ? FakeAccess::kGuestBase : random() % 16, second,
          FakeAccess::kGuestBase);
  }
}

}  // namespace
}  // namespace vmm
