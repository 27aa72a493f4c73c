// The protocols that keep a fault of the accelerator apart from what changes the address space in
// between, on an address space of the real memory manager: each step of the race by itself.
#include <gtest/gtest.h>

#include <map>

#include "accelerator/contexts.h"
#include "guest_abi/accelerator.h"
#include "guest_abi/syscall.h"
#include "mm/user_page.h"
#include "mm_fake_machine.h"

namespace kernel {
namespace {

unsigned closed = 0;

}  // namespace

// The driver's part.
void accelerator_context_closed(uint32_t) {
  ++closed;
}

namespace test {
namespace {

using guest_abi::AcceleratorOp;

constexpr uint64_t kPage = 0x1000;
constexpr uint64_t kReadWrite = guest_abi::kProtRead | guest_abi::kProtWrite;

class ProtocolTest : public testing::TestWithParam<NotifierProtocol> {
 protected:
  ProtocolTest() {
    Options options;
    options.notifier_protocol = GetParam();
    machine_.start(options);
    closed = 0;
    machine_.accelerator = [this](const uint64_t* args) { return device(args); };
    mm_ = mm_create();
    mm_activate(*mm_, 0);
    at_ = static_cast<uint64_t>(sys_mmap(*mm_, 0, 8 * kPage, kReadWrite, 0));
    uint32_t number = 0;
    EXPECT_EQ(context_of(*mm_, number), 0);
    context_ = context_get(number);
    mm_put(*mm_);  // the reference that came with it
  }
  ~ProtocolTest() override {
    if (mm_ != nullptr) {
      end();
    }
    machine_.accelerator = nullptr;
  }

  void end() {
    mm_deactivate(0);
    mm_put(*mm_);
    mm_ = nullptr;
  }

  // The device, by its calls.
  int64_t device(const uint64_t* args) {
    switch (static_cast<AcceleratorOp>(args[1])) {
      case AcceleratorOp::kEstablish:
        entries_[args[3]] = args[5] != 0;
        return refuses_ ? -12 : 0;
      case AcceleratorOp::kInvalidate:
        entries_.erase(entries_.lower_bound(args[3]), entries_.lower_bound(args[3] + args[4]));
        return 0;
      case AcceleratorOp::kClose:
        entries_.clear();
        return 0;
      default:
        return 0;
    }
  }

  // The first half of an answer: from here the page is in hand.
  Page& look_up(SecondaryFault& fault, uint64_t address, Access access = Access::kWrite) {
    fault.address = address;
    protocol_.begin(*context_, fault);
    Page* page = nullptr;
    EXPECT_EQ(get_user_page(*mm_, address, access, page), FaultResult::kResolved);
    return *page;
  }
  Establish establish(SecondaryFault& fault, Page& page, bool write = true) {
    const Establish done = protocol_.establish(*context_, fault, page, write);
    if (done != Establish::kDone) {
      frame_put(page);
    }
    return done;
  }
  void answer(uint64_t address, Access access = Access::kWrite) {
    SecondaryFault fault;
    Page& page = look_up(fault, address, access);
    EXPECT_EQ(establish(fault, page, access == Access::kWrite), Establish::kDone);
  }
  bool recalls() const { return GetParam() == NotifierProtocol::kRecall; }

  FakeMachine& machine_ = FakeMachine::instance();
  const ProtocolOps& protocol_ =
      GetParam() == NotifierProtocol::kRecall ? kRecallProtocol : kSequenceProtocol;
  Mm* mm_ = nullptr;
  AcceleratorContext* context_ = nullptr;
  uint64_t at_ = 0;
  std::map<uint64_t, bool> entries_;  // by address: may it write?
  bool refuses_ = false;
};

TEST_P(ProtocolTest, AFaultThatNobodyDisturbsEstablishes) {
  SecondaryFault fault;
  Page& page = look_up(fault, at_);
  EXPECT_EQ(page.references, 2u);
  EXPECT_EQ(establish(fault, page), Establish::kDone);
  EXPECT_TRUE(entries_.at(at_));
  EXPECT_EQ(page.references, recalls() ? 2u : 1u);
}

// The race of 2008: the page is in hand, the entry goes and the device is told, and only then the
// driver establishes.
TEST_P(ProtocolTest, WhatWasZappedInBetweenIsNotEstablished) {
  SecondaryFault fault;
  Page& page = look_up(fault, at_);
  ASSERT_EQ(sys_munmap(*mm_, at_, kPage), 0);
  EXPECT_EQ(page.references, 1u) << "only the lookup's";
  EXPECT_EQ(establish(fault, page), Establish::kRetry);
  EXPECT_TRUE(entries_.empty());
}

TEST_P(ProtocolTest, NorWhatWasProtectedCopiedMovedOrCleaned) {
  const auto disturbed_by = [this](auto change) {
    SecondaryFault fault;
    Page& page = look_up(fault, at_);
    change();
    return establish(fault, page) == Establish::kRetry && entries_.empty();
  };
  EXPECT_TRUE(disturbed_by([this] {
    ASSERT_EQ(sys_mprotect(*mm_, at_, kPage, guest_abi::kProtRead), 0);
    ASSERT_EQ(sys_mprotect(*mm_, at_, kPage, kReadWrite), 0);
  }));
  EXPECT_TRUE(disturbed_by([this] { ASSERT_EQ(sys_clear_refs(*mm_, at_, kPage), 0); }));
  EXPECT_TRUE(disturbed_by([this] {
    Mm* child = mm_fork(*mm_);
    machine_.write(*mm_, at_, 1);
    mm_put(*child);
  }));
  EXPECT_TRUE(disturbed_by([this] {
    ASSERT_GT(sys_mremap(*mm_, at_, kPage, uint64_t{1} << 40), 0);
    ASSERT_GT(sys_mremap(*mm_, uint64_t{1} << 40, kPage, at_), 0);
  }));
}

TEST_P(ProtocolTest, APageThatIsCopiedInBetweenIsNotEstablished) {
  machine_.write(*mm_, at_, 5);
  Mm* child = mm_fork(*mm_);
  SecondaryFault fault;
  Page& page = look_up(fault, at_, Access::kRead);
  machine_.write(*mm_, at_, 6);  // breaks copy-on-write
  EXPECT_EQ(establish(fault, page, false), Establish::kRetry);
  mm_put(*child);
}

// Counting invalidations makes a fault elsewhere start again; marking does not.
TEST_P(ProtocolTest, WhatHappensElsewhereMattersToTheCountAlone) {
  SecondaryFault fault;
  Page& page = look_up(fault, at_);
  ASSERT_EQ(sys_munmap(*mm_, at_ + 4 * kPage, kPage), 0);
  EXPECT_EQ(establish(fault, page), recalls() ? Establish::kDone : Establish::kRetry);
}

TEST_P(ProtocolTest, AFaultDuringARangeStartsAgainOrWaits) {
  protocol_.range_start(*context_, at_, at_ + kPage);
  SecondaryFault fault;
  Page& page = look_up(fault, at_);
  protocol_.range_end(*context_, at_, at_ + kPage);
  EXPECT_EQ(establish(fault, page), Establish::kRetry);
  if (!recalls()) {
    protocol_.range_start(*context_, at_, at_ + kPage);
    SecondaryFault inside, outside;
    Page& in = look_up(inside, at_);
    Page& out = look_up(outside, at_ + kPage);
    EXPECT_EQ(establish(inside, in), Establish::kRetry);
    EXPECT_EQ(establish(outside, out), Establish::kDone);
    protocol_.range_end(*context_, at_, at_ + kPage);
  }
}

TEST_P(ProtocolTest, AnInvalidationTakesEntryAndReference) {
  answer(at_);
  answer(at_ + kPage);
  Page* page = nullptr;
  ASSERT_EQ(get_user_page(*mm_, at_, Access::kRead, page), FaultResult::kResolved);
  EXPECT_EQ(page->references, recalls() ? 3u : 2u);
  ASSERT_EQ(sys_munmap(*mm_, at_, kPage), 0);
  EXPECT_EQ(page->references, 1u);
  frame_put(*page);
  EXPECT_EQ(entries_.size(), 1u);
  EXPECT_EQ(remote_pages_in_use(), recalls() ? 1u : 0u);
}

TEST_P(ProtocolTest, APageHasOneReferenceForAllUses) {
  answer(at_, Access::kRead);
  answer(at_, Access::kRead);
  answer(at_);
  Page* page = nullptr;
  ASSERT_EQ(get_user_page(*mm_, at_, Access::kRead, page), FaultResult::kResolved);
  EXPECT_EQ(page->references, recalls() ? 3u : 2u);
  frame_put(*page);
  EXPECT_EQ(remote_pages_in_use(), recalls() ? 1u : 0u);
}

TEST_P(ProtocolTest, WhatTheDeviceRefusesLeavesNothing) {
  refuses_ = true;
  SecondaryFault fault;
  Page& page = look_up(fault, at_);
  EXPECT_EQ(establish(fault, page), Establish::kFailed);
  EXPECT_EQ(page.references, 1u);
  EXPECT_EQ(remote_pages_in_use(), 0u);
}

TEST_P(ProtocolTest, AFaultThatIsGivenUpIsForgotten) {
  SecondaryFault fault;
  frame_put(look_up(fault, at_));
  protocol_.give_up(*context_, fault);
  EXPECT_EQ(context_->faults, nullptr);
}

TEST_P(ProtocolTest, TheEndGivesEverythingBack) {
  for (unsigned i = 0; i < 8; ++i) {
    answer(at_ + i * kPage);
  }
  EXPECT_EQ(contexts_in_use(), 1u);
  end();
  EXPECT_EQ(closed, 1u);
  EXPECT_EQ(contexts_in_use(), 0u);
  EXPECT_EQ(remote_pages_in_use(), 0u);
  EXPECT_EQ(context_get(context_->id), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Both, ProtocolTest,
                         testing::Values(NotifierProtocol::kSequence, NotifierProtocol::kRecall),
                         [](const auto& protocol) {
                           return std::string(
                               protocol.param == NotifierProtocol::kRecall ? "recall" : "sequence");
                         });

}  // namespace
}  // namespace test
}  // namespace kernel
