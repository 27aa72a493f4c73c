// The simulated processor against page tables that change under it.
#include "sim/sim_processor.h"

#include <gtest/gtest.h>

#include <functional>

#include "pvmmu/walk.h"
#include "small_tables.h"

namespace vmm {
namespace {

using kernel::sim::Cause;
using pvmmu::Mfn;
using pvmmu::PageType;

// The guest is one function on one stack.
class OneThread final : public SimGuest {
 public:
  GuestThread& first_thread(unsigned, const GuestRegisters&) override {
    current = this;
    thread_.fiber.prepare(stack_.base(), stack_.size(), [] {
      current->body();
      ADD_FAILURE() << "the guest's code ran to its end";
    });
    return thread_;
  }
  GuestThread& running_thread() override { return thread_; }
  void resume(unsigned, kernel::sim::Registers& live, GuestThread&) override { registers = &live; }

  std::function<void()> body;
  kernel::sim::Registers* registers = nullptr;

 private:
  static OneThread* current;
  HostPages stack_ = *HostPages::create(256 << 10);
  GuestThread thread_;
};

OneThread* OneThread::current = nullptr;

class SimProcessorTest : public testing::Test {
 protected:
  void make(const SimTlb& tlb) {
    for (pvmmu::PageInfo& page : frames_) {
      page.owner = pvmmu::FrameOwner::kDomain;
      page.type = PageType::kWritable;
    }
    frames_[SmallTables::kL1.raw()].type = PageType::kL1;
    frames_[SmallTables::kOtherL1.raw()].type = PageType::kL1;
    processor_ = std::make_unique<SimProcessor>(0, SimOptions{tlb, 1}, tables_.memory(), Mfn(0),
                                                scheduler_, guest_);
    processor_->set_frames(frames_);
    processor_->set_turn(*turn_);
  }
  // Runs the guest until it leaves, as the vCPU's loop does.
  Trap run() { return processor_->run(registers_, EntryPlan{SmallTables::kRoot, false, {}}); }
  // The vCPU's loop is `hypervisor`, with the guest at `guest`.
  void play(std::function<void()> guest, std::function<void()> hypervisor) {
    guest_.body = std::move(guest);
    turn_->start(std::move(hypervisor));
    scheduler_.drive([] { return false; });
  }
  void leave() { processor_->leave(guest_.running_thread(), Cause::kSyscall, 0, 0); }
  // What the guest finds at the start of a page: the number of the frame, or the fault.
  std::string read(uint64_t page) { return access(page, false); }
  std::string write(uint64_t page) { return access(page, true); }
  std::string access(uint64_t page, bool is_write) {
    uint32_t code = 0;
    const auto address = SmallTables::kBase + page * pvmmu::kPageSize;
    const uint64_t* word = processor_->access(address, is_write, code);
    return word == nullptr ? "fault " + std::to_string(code) : std::to_string(*word);
  }
  void map(uint64_t page, Mfn frame, uint64_t flags = SmallTables::kLink) {
    tables_.leaf(page) = SmallTables::link_to(frame, flags);
    *reinterpret_cast<uint64_t*>(tables_.memory().frame(frame)) = frame.raw();
  }

  static constexpr SimTlb kNone{SimTlb::Kind::kNone, 0};
  static constexpr SimTlb kFull{SimTlb::Kind::kFull, 0};

  SmallTables tables_;
  std::vector<pvmmu::PageInfo> frames_{SmallTables::kFrames};
  VirtualTime time_;
  Scheduler scheduler_{1, time_};
  std::unique_ptr<Scheduler::Turn> turn_ = *scheduler_.create_turn();
  OneThread guest_;
  GuestRegisters registers_{};
  std::unique_ptr<SimProcessor> processor_;
};

TEST_F(SimProcessorTest, RegistersAndCausesCrossBothWays) {
  make(kFull);
  bool checked = false;
  play(
      [this] {
        guest_.registers->rax = guest_.registers->rdi + 1;
        leave();
        EXPECT_EQ(guest_.registers->rax, 100u);
        processor_->leave(guest_.running_thread(), Cause::kPageFault, 0x1234000, 6);
        processor_->leave(guest_.running_thread(), Cause::kPause, 0, 0);
      },
      [this, &checked] {
        registers_.rdi = 41;
        EXPECT_EQ(run().kind, Trap::Kind::kSyscall);
        EXPECT_EQ(registers_.rax, 42u);
        registers_.rax = 100;
        const Trap fault = run();
        EXPECT_EQ(fault.kind, Trap::Kind::kException);
        EXPECT_EQ(fault.vector, 14u);
        EXPECT_EQ(fault.cr2, 0x1234000u);
        EXPECT_EQ(fault.error_code, 6u);
        EXPECT_EQ(run().kind, Trap::Kind::kKicked);
        checked = true;
      });
  EXPECT_TRUE(checked);
}

TEST_F(SimProcessorTest, KeepsAStaleTranslationUntilItIsFlushed) {
  make(kFull);
  map(0, Mfn(8));
  map(1, Mfn(9));
  std::vector<std::string> seen;
  play(
      [&] {
        for (;;) {
          seen.push_back(read(0));
          leave();
        }
      },
      [&] {
        run();
        map(0, Mfn(10));
        run();
        processor_->owe_flush_of_page(SmallTables::kBase + pvmmu::kPageSize);
        run();
        processor_->owe_flush_of_page(SmallTables::kBase);
        run();
        tables_.leaf(0) = 0;
        run();
        processor_->owe_flush();
        run();
      });
  EXPECT_EQ(seen, (std::vector<std::string>{"8", "8", "8", "10", "10", "fault 4"}));
}

TEST_F(SimProcessorTest, LoadingAnotherRootFlushes) {
  make(kFull);
  map(0, Mfn(8));
  std::vector<std::string> seen;
  play(
      [&] {
        for (;;) {
          seen.push_back(read(0));
          leave();
        }
      },
      [&] {
        run();
        map(0, Mfn(10));
        processor_->run(registers_, EntryPlan{Mfn(6), false, {}});
        run();
      });
  EXPECT_EQ(seen, (std::vector<std::string>{"8", "fault 4", "10"}));
}

TEST_F(SimProcessorTest, WalksEveryTimeWithoutATlb) {
  make(kNone);
  map(0, Mfn(8));
  std::vector<std::string> seen;
  play(
      [&] {
        seen.push_back(read(0));
        map(0, Mfn(10));
        seen.push_back(read(0));
        leave();
      },
      [&] { run(); });
  EXPECT_EQ(seen, (std::vector<std::string>{"8", "10"}));
}

TEST_F(SimProcessorTest, AWriteSetsDirtyAlsoWhereAReadWasRemembered) {
  make(kFull);
  map(0, Mfn(8));
  play(
      [&] {
        EXPECT_EQ(read(0), "8");
        EXPECT_EQ(tables_.leaf(0) & pvmmu::kPteDirty, 0u);
        EXPECT_EQ(write(0), "8");
        EXPECT_NE(tables_.leaf(0) & pvmmu::kPteDirty, 0u);
        leave();
      },
      [&] { run(); });
}

TEST_F(SimProcessorTest, AReadOnlyTranslationFaultsOnceAfterTheEntryPermits) {
  make(kFull);
  map(0, Mfn(8), pvmmu::kPtePresent | pvmmu::kPteUser);
  std::vector<std::string> seen;
  play(
      [&] {
        seen.push_back(read(0));
        map(0, Mfn(8));
        seen.push_back(write(0));
        seen.push_back(write(0));
        leave();
      },
      [&] { run(); });
  EXPECT_EQ(seen, (std::vector<std::string>{"8", "fault 7", "8"}));
}

// What must never be possible ends the machine, with the vCPU, the place and the frame.
TEST_F(SimProcessorTest, AStoreIntoATableByAStaleTranslationIsFound) {
  make(kFull);
  map(0, Mfn(8));
  std::string failure;
  play(
      [&] {
        write(0);
        leave();
        write(0);
      },
      [&] {
        run();
        tables_.leaf(0) = 0;
        frames_[8].type = PageType::kL2;  // and nobody flushed
        const Trap trap = run();
        EXPECT_EQ(trap.kind, Trap::Kind::kFailed);
        failure = trap.failure;
      });
  EXPECT_EQ(failure, "vCPU 0 stores at 0x10000000 into frame 0x8, which is L2 table");
}

TEST_F(SimProcessorTest, AWalkThroughAFrameThatIsNoTableAnyMoreIsFound) {
  make(kFull);
  map(0, Mfn(8));
  std::string failure;
  play(
      [&] {
        read(0);
        leave();
        read(1);
      },
      [&] {
        run();
        tables_.entry(SmallTables::kL2, pvmmu::PtLevel::kL2) =
            SmallTables::link_to(SmallTables::kOtherL1);
        frames_[SmallTables::kL1.raw()].type = PageType::kWritable;
        const Trap trap = run();
        EXPECT_EQ(trap.kind, Trap::Kind::kFailed);
        failure = trap.failure;
      });
  EXPECT_EQ(failure, "vCPU 0 walks frame 0x4, which is no L1 table any more");
}

TEST_F(SimProcessorTest, AttentionComesBeforeTheGuest) {
  make(kFull);
  unsigned entries = 0;
  play(
      [&] {
        for (;;) {
          ++entries;
          leave();
        }
      },
      [&] {
        processor_->ask_attention();
        EXPECT_EQ(run().kind, Trap::Kind::kKicked);
        EXPECT_EQ(entries, 0u);
        processor_->attention_given();
        EXPECT_EQ(run().kind, Trap::Kind::kSyscall);
        EXPECT_EQ(entries, 1u);
      });
}

TEST_F(SimProcessorTest, ByChanceItFaultsForNothingAndWalksAheadToAccessedPages) {
  make(SimTlb{SimTlb::Kind::kRandom, 3});
  map(0, Mfn(8));
  map(1, Mfn(9), SmallTables::kLink | pvmmu::kPteAccessed);
  map(2, Mfn(10));
  unsigned faults = 0;
  play(
      [&] {
        for (int i = 0; i < 2000; ++i) faults += read(0) == "8" ? 0 : 1;
        tables_.leaf(1) = 0;
        EXPECT_EQ(read(1), "9");  // remembered though never used
        leave();
      },
      [&] { run(); });
  EXPECT_GT(faults, 0u);
  EXPECT_LT(faults, 100u);
  EXPECT_EQ(tables_.leaf(2) & pvmmu::kPteAccessed, 0u);
}

TEST_F(SimProcessorTest, OnSpeculationItSetsAccessedAhead) {
  make(SimTlb{SimTlb::Kind::kSpeculative, 3});
  for (uint64_t page = 0; page < 8; ++page) map(page, Mfn(8));
  play(
      [&] {
        for (int i = 0; i < 2000; ++i) read(0);
        leave();
      },
      [&] { run(); });
  for (uint64_t page = 1; page < 8; ++page) {
    EXPECT_NE(tables_.leaf(page) & pvmmu::kPteAccessed, 0u) << page;
  }
}

TEST_F(SimProcessorTest, OnlyTheThreeBasesAreRegistersOfItsOwn) {
  make(kFull);
  for (const uint32_t index : {0xc000'0100u, 0xc000'0101u, 0xc000'0102u}) {
    EXPECT_TRUE(processor_->set_msr(index, index).ok());
  }
  EXPECT_EQ(*processor_->msr(0xc000'0101), 0xc000'0101u);
  EXPECT_FALSE(processor_->set_msr(0x10, 0).ok());
  EXPECT_FALSE(processor_->msr(0x10).ok());
}

}  // namespace
}  // namespace vmm
