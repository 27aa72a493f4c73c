// The processor on the real /dev/kvm: snippets of code at CPL3, kicks, and the visibility of
// page-table entries that the host changed.
#include "machine/kvm_processor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "probe/kvm_probe.h"
#include "probe/scratch_machine.h"

namespace vmm {
namespace {

constexpr unsigned kBreakpoint = 3, kGeneralProtection = 13, kPageFault = 14;
constexpr uint32_t kMsrGsBase = 0xc000'0101, kMsrKernelGsBase = 0xc000'0102;

class ProcessorTest : public testing::Test {
 protected:
  void SetUp() override {
    auto traits = probe_kvm();
    if (!traits.ok()) GTEST_SKIP() << "no usable /dev/kvm: " << traits.status().message();
    traits_ = *traits;
    auto machine = ScratchMachine::create();
    ASSERT_TRUE(machine.ok()) << machine.status();
    machine_ = *std::move(machine);
  }

  KvmTraits traits_;
  std::unique_ptr<ScratchMachine> machine_;
  GuestRegisters registers_{};
};

TEST_F(ProcessorTest, RunsUntilTheTrapAndKeepsRegisters) {
  registers_.r15 = 0x1234'5678'9abc'def0;
  // mov $5,%eax; int3
  const Trap trap = machine_->run(std::vector<uint8_t>{0xb8, 5, 0, 0, 0, 0xcc}, registers_);
  ASSERT_EQ(trap.kind, Trap::Kind::kException) << trap.failure;
  EXPECT_EQ(trap.vector, kBreakpoint);
  EXPECT_EQ(registers_.rax, 5u);
  EXPECT_EQ(registers_.r15, 0x1234'5678'9abc'def0u);
  EXPECT_EQ(registers_.rip, ScratchMachine::kCode + 6);
}

TEST_F(ProcessorTest, ReportsPageFaults) {
  registers_.rsi = 0x1234'5000;
  // mov %rax,(%rsi)
  const Trap trap = machine_->run(std::vector<uint8_t>{0x48, 0x89, 0x06}, registers_);
  ASSERT_EQ(trap.kind, Trap::Kind::kException) << trap.failure;
  EXPECT_EQ(trap.vector, kPageFault);
  EXPECT_EQ(trap.cr2, 0x1234'5000u);
  EXPECT_EQ(trap.error_code, 6u);
  EXPECT_EQ(registers_.rip, ScratchMachine::kCode);
}

TEST_F(ProcessorTest, MonitorMemoryIsClosedToCpl3) {
  for (const uint64_t address : {guest_abi::kMonitorText, guest_abi::kMonitorIdt,
                                 guest_abi::kMonitorVcpuBase, guest_abi::kMonitorDirectMap}) {
    registers_.rsi = address;
    // mov (%rsi),%rax; int3
    const Trap trap = machine_->run(std::vector<uint8_t>{0x48, 0x8b, 0x06, 0xcc}, registers_);
    ASSERT_EQ(trap.kind, Trap::Kind::kException) << trap.failure;
    EXPECT_EQ(trap.vector, kPageFault) << std::hex << address;
  }
}

TEST_F(ProcessorTest, SyscallReachesTheVmm) {
  const Trap trap = machine_->run(std::vector<uint8_t>{0x0f, 0x05}, registers_);
  if (traits_.syscall_raises_privilege) {
    EXPECT_EQ(trap.kind, Trap::Kind::kSyscall) << trap.failure;
    EXPECT_EQ(registers_.rip, ScratchMachine::kCode + 2);
  } else {
    ASSERT_EQ(trap.kind, Trap::Kind::kException) << trap.failure;
    EXPECT_EQ(trap.vector, kGeneralProtection);
    EXPECT_EQ(registers_.rip, guest_abi::kGatePage);
    EXPECT_EQ(registers_.rcx, ScratchMachine::kCode + 2);
  }
}

TEST_F(ProcessorTest, ContextsThatCannotBeLoadedAreTheCallersAffair) {
  GuestRegisters good{};
  good.rsp = 0x1000;
  good.rip = ScratchMachine::kCode;
  good.rflags = 0x202;
  good.cs = 0xe033;
  good.ss = 0xe02b;
  GuestRegisters bad[] = {good, good, good, good};
  bad[0].rip = 0x8000'0000'0000;
  bad[1].cs = 0x1003;  // an empty descriptor
  bad[2].ss = 0x1003;
  bad[3].cs = 0xfff3;  // beyond the table
  for (GuestRegisters registers : bad) {
    const GuestRegisters before = registers;
    const Trap trap = machine_->resume(registers);
    // Some processors only notice a bad rip once they are at CPL3.
    if (before.rip != good.rip && trap.kind == Trap::Kind::kException) continue;
    EXPECT_EQ(trap.kind, Trap::Kind::kBadContext)
        << trap.failure << std::hex << " cs " << before.cs << " ss " << before.ss;
    EXPECT_EQ(registers.rip, before.rip);
    EXPECT_EQ(registers.cs, before.cs);
  }
  // The processor is as good as before.
  const Trap trap = machine_->run(std::vector<uint8_t>{0xcc}, registers_);
  EXPECT_EQ(trap.vector, kBreakpoint) << trap.failure;
}

TEST_F(ProcessorTest, SetsGsBases) {
  ASSERT_TRUE(machine_->processor().set_msr(kMsrGsBase, 0x1000).ok());
  ASSERT_TRUE(machine_->processor().set_msr(kMsrKernelGsBase, 0x2000).ok());
  // rdgsbase %rax; int3
  machine_->run(std::vector<uint8_t>{0xf3, 0x48, 0x0f, 0xae, 0xc8, 0xcc}, registers_);
  EXPECT_EQ(registers_.rax, 0x1000u);
}

TEST_F(ProcessorTest, MovingToAnotherRootKeepsTheSegmentBases) {
  ASSERT_TRUE(machine_->processor().set_msr(kMsrGsBase, 0x1000).ok());
  machine_->processor().move_to_root(machine_->root());
  EXPECT_EQ(machine_->processor().hardware_root(), machine_->root());
  machine_->run(std::vector<uint8_t>{0xf3, 0x48, 0x0f, 0xae, 0xc8, 0xcc}, registers_);
  EXPECT_EQ(registers_.rax, 0x1000u);
}

TEST_F(ProcessorTest, KickEndsAnEndlessLoop) {
  std::atomic<bool> kicked{false};
  std::thread kicker([&] {
    while (!machine_->processor().in_guest()) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    kicked = true;
    machine_->processor().kick();
  });
  // inc %rax; jmp back
  const Trap trap = machine_->run(std::vector<uint8_t>{0x48, 0xff, 0xc0, 0xeb, 0xfb}, registers_);
  kicker.join();
  EXPECT_EQ(trap.kind, Trap::Kind::kKicked) << trap.failure;
  EXPECT_TRUE(kicked);
  EXPECT_GT(registers_.rax, 0u);
  EXPECT_GE(registers_.rip, ScratchMachine::kCode);
  EXPECT_LT(registers_.rip, ScratchMachine::kCode + 5);
}

TEST_F(ProcessorTest, AttentionAskedBeforeTheEntryIsNotLost) {
  machine_->processor().ask_attention();
  // jmp to itself: without the request this would never end.
  const Trap trap = machine_->run(std::vector<uint8_t>{0xeb, 0xfe}, registers_);
  EXPECT_EQ(trap.kind, Trap::Kind::kKicked) << trap.failure;
  EXPECT_EQ(registers_.rip, ScratchMachine::kCode);
  machine_->processor().attention_given();
  const Trap next = machine_->run(std::vector<uint8_t>{0xcc}, registers_);
  EXPECT_EQ(next.vector, kBreakpoint) << next.failure;
}

TEST_F(ProcessorTest, KicksLoseNoWork) {
  // 1: inc %rax; cmp %rcx,%rax; jne 1b; int3: the count is exact however often it is interrupted.
  const std::vector<uint8_t> code{0x48, 0xff, 0xc0, 0x48, 0x39, 0xc8, 0x75, 0xf8, 0xcc};
  std::atomic<bool> done{false};
  std::thread kicker([&] {
    while (!done) {
      machine_->processor().kick();
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  registers_.rcx = 300'000'000;
  Trap trap = machine_->run(code, registers_);
  unsigned kicks = 0;
  while (trap.kind == Trap::Kind::kKicked) {
    ++kicks;
    trap = machine_->resume(registers_);
  }
  done = true;
  kicker.join();
  ASSERT_EQ(trap.kind, Trap::Kind::kException) << trap.failure;
  EXPECT_EQ(trap.vector, kBreakpoint)
      << std::hex << "error " << trap.error_code << " address " << trap.cr2 << " rip "
      << registers_.rip << " rax " << registers_.rax << " rcx " << registers_.rcx;
  EXPECT_EQ(registers_.rax, 300'000'000u);
  EXPECT_GT(kicks, 0u);
}

// A kick at the very moment of a breakpoint: KVM then has it pending and does not say so.
TEST_F(ProcessorTest, KicksLoseNoBreakpoint) {
  // 1: dec %rax; jne 1b; int3; ud2: whoever loses the breakpoint gets the other.
  const std::vector<uint8_t> code{0x48, 0xff, 0xc8, 0x75, 0xfb, 0xcc, 0x0f, 0x0b};
  std::atomic<bool> done{false};
  std::thread kicker([&] {
    while (!done) {
      machine_->processor().kick();
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  });
  unsigned kicked = 0;
  unsigned lost = 0;
  for (unsigned round = 0; round < 5000 && lost == 0; ++round) {
    registers_.rax = 1 + round % 512;
    Trap trap = machine_->run(code, registers_);
    while (trap.kind == Trap::Kind::kKicked) {
      ++kicked;
      trap = machine_->resume(registers_);
    }
    if (trap.kind != Trap::Kind::kException || trap.vector != kBreakpoint) ++lost;
  }
  done = true;
  kicker.join();
  EXPECT_EQ(lost, 0u) << "after " << kicked << " kicks";
  EXPECT_GT(kicked, 0u);
}

TEST_F(ProcessorTest, TouchedAndFlushedEntriesAreVisible) {
  for (unsigned round = 0; round < 50; ++round) {
    const unsigned frame = round % ScratchMachine::kDataFrames;
    machine_->set_data_frame(frame);
    if (!traits_.host_writes_visible) {
      ASSERT_TRUE(machine_->touch_data_entry().ok());
    }
    machine_->flush();
    registers_.rsi = ScratchMachine::kData;
    machine_->run(std::vector<uint8_t>{0x48, 0x8b, 0x06, 0xcc}, registers_);
    ASSERT_EQ(registers_.rax, frame + 1) << "round " << round;
  }
}

// A touch writes back nothing that it did not find: changes that the host makes to the entry at the
// same time all survive.
TEST_F(ProcessorTest, TouchesLoseNoConcurrentUpdate) {
  constexpr uint64_t kSoftwareBit = uint64_t{1} << 52;
  constexpr unsigned kUpdates = 1 << 22;
  std::atomic<bool> done{false};
  std::thread updater([&] {
    std::atomic_ref<uint64_t> entry(*machine_->data_entry());
    // Bits 52..58 count modulo 128; each step must find what the one before it left.
    uint64_t expected = entry.load();
    for (unsigned i = 0; i < kUpdates; ++i) {
      const uint64_t next =
          (expected & ~(uint64_t{127} << 52)) | ((expected + kSoftwareBit) & (uint64_t{127} << 52));
      if (!entry.compare_exchange_strong(expected, next)) {
        ADD_FAILURE() << "update " << i << " was lost: found " << std::hex << expected;
        break;
      }
      expected = next;
    }
    done = true;
  });
  const std::vector<uint64_t> touches(256, machine_->data_entry_address());
  unsigned rounds = 0;
  while (!done || rounds == 0) {
    ASSERT_TRUE(machine_->processor().touch(touches).ok());
    ++rounds;
  }
  updater.join();
}

}  // namespace
}  // namespace vmm
