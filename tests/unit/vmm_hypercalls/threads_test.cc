// Several vCPUs call in at once: no event is lost, and the thread sanitizer has something to look
// at.
#include <thread>

#include "fake_services.h"
#include "hypercalls/shared_bits.h"

namespace vmm {
namespace {

using ThreadsTest = HypercallTest;

// One thread sends, the other takes events as a guest does. Every send is seen by a later take.
TEST_F(ThreadsTest, EveryEventArrives) {
  const evtchn_port_t port = bind_ipi(1);
  constexpr unsigned kRounds = 20'000;
  std::atomic<unsigned> sent{0};
  std::atomic<unsigned> taken{0};
  std::thread sender([&] {
    for (unsigned round = 1; round <= kRounds; ++round) {
      sent = round;
      hypercalls.events().raise(port);
      while (taken < round) std::this_thread::yield();
    }
  });
  while (taken < kRounds) {
    if (exchange_shared(info(1).evtchn_upcall_pending, uint8_t{0}) == 0) {
      std::this_thread::yield();
      continue;
    }
    const xen_ulong_t selected = exchange_shared(info(1).evtchn_pending_sel, xen_ulong_t{0});
    if ((selected >> port / 64 & 1) == 0) continue;
    const unsigned seen = sent;
    if (test_and_clear_bit(shared.evtchn_pending, port)) taken = seen;
  }
  sender.join();
  EXPECT_EQ(taken, kRounds);
  EXPECT_EQ(vcpus.notified[1], static_cast<int>(kRounds));
}

// The place of a vcpu_info moves while events arrive: afterwards the new place says that there are
// some, whatever the order was.
TEST_F(ThreadsTest, MoveOfVcpuInfo) {
  const evtchn_port_t port = bind_ipi(1);
  std::thread sender([&] {
    for (unsigned round = 0; round < 1'000; ++round) hypercalls.events().raise(port);
  });
  const vcpu_register_vcpu_info_t request{9, 64, 0};
  EXPECT_EQ(call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 1, access.put(request), kVcpu1),
            0);
  sender.join();
  EXPECT_TRUE(pending(port));
  EXPECT_TRUE(hypercalls.places().upcall_pending(kVcpu1));
}

// Only one of two that initialise the same vCPU succeeds.
TEST_F(ThreadsTest, OneInitialiser) {
  vcpu_guest_context_t context{};
  const uint64_t at = access.put(context);
  std::atomic<int> succeeded{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      if (call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, at) == 0) ++succeeded;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 1);
}

}  // namespace
}  // namespace vmm
