#include "report/crash_report.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "abi/xen.h"
#include "domain/guest_image.h"

namespace vmm {
namespace {

using testing::Test;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(HypercallRing, KeepsTheLastSixteenInOrder) {
  HypercallRing ring;
  EXPECT_TRUE(ring.last().empty());
  for (uint64_t i = 0; i < 20; ++i) {
    ring.begin(i, {i});
    if (i != 19) ring.end(static_cast<int64_t>(i));
  }
  const auto records = ring.last();
  ASSERT_EQ(records.size(), 16u);
  EXPECT_EQ(records.front().number, 4u);
  EXPECT_EQ(records.back().number, 19u);
  EXPECT_FALSE(records.back().completed);
  EXPECT_TRUE(records.front().completed);
}

// A stack of frames, as a guest's memory.
class FakeStack {
 public:
  void frame(uint64_t at, uint64_t caller, uint64_t return_address) {
    words_[at] = caller;
    words_[at + 8] = return_address;
  }
  std::vector<uint64_t> walk(uint64_t rbp, unsigned limit = 32) const {
    GuestRegisters registers{};
    registers.rbp = rbp;
    return walk_frame_pointers(
        registers,
        [this](uint64_t address, void* to, size_t size) {
          for (size_t i = 0; i < size; i += 8) {
            const auto word = words_.find(address + i);
            if (word == words_.end()) return false;
            std::memcpy(static_cast<char*>(to) + i, &word->second, 8);
          }
          return true;
        },
        limit);
  }

 private:
  std::map<uint64_t, uint64_t> words_;
};

TEST(FramePointers, FollowsTheChainToItsEnd) {
  FakeStack stack;
  stack.frame(0x1000, 0x1100, 0xa);
  stack.frame(0x1100, 0x1200, 0xb);
  stack.frame(0x1200, 0, 0);
  EXPECT_EQ(stack.walk(0x1000), (std::vector<uint64_t>{0xa, 0xb}));
}

TEST(FramePointers, StopsAtLoopsNonsenseAndTheLimit) {
  FakeStack stack;
  stack.frame(0x1000, 0x1100, 0xa);
  stack.frame(0x1100, 0x1000, 0xb);
  EXPECT_EQ(stack.walk(0x1000).size(), 2u);  // a loop
  EXPECT_TRUE(stack.walk(0x1001).empty());   // unaligned
  EXPECT_TRUE(stack.walk(0x0000'9000'0000'0000).empty());
  EXPECT_TRUE(stack.walk(0x5000).empty());  // not mapped
  EXPECT_EQ(stack.walk(0x1000, 1).size(), 1u);
}

GuestImage image_with_symbols() {
  GuestImage image;
  image.symbols.push_back({.address = 0x1000, .size = 0x100, .name = "_ZN6kernel4forkEv"});
  image.symbols.push_back({.address = 0x1100, .size = 0x10, .name = "entry"});
  return image;
}

TEST(CrashReport, NamesPlacesFaultAndHypercalls) {
  const GuestImage image = image_with_symbols();
  CrashInfo crash;
  crash.reason = "no handler for the page fault\x1b[2J";
  crash.vcpu = 1;
  crash.registers.rip = 0x1012;
  crash.registers.r12 = 0xdeadbeef;
  crash.has_fault = true;
  crash.fault_address = 0x7000;
  crash.fault_code = 7;
  crash.backtrace = {0x1100, 0x999999};
  crash.hypercalls = {{.number = __HYPERVISOR_mmu_update, .result = -16, .completed = true},
                      {.number = 0x1234567, .completed = false}};
  const std::string text = crash_report(crash, &image);
  EXPECT_TRUE(contains(text, "no handler for the page fault\\x1b[2J")) << text;
  EXPECT_TRUE(contains(text, "vCPU 1, kernel mode, at 0x0000000000001012  kernel::fork()+0x12"))
      << text;
  EXPECT_TRUE(contains(text, "fault at 0x7000: write in user mode")) << text;
  EXPECT_TRUE(contains(text, "r12 00000000deadbeef")) << text;
  // The return address is the byte behind the function that called.
  EXPECT_TRUE(contains(text, "0x0000000000001100  kernel::fork()+0xff")) << text;
  EXPECT_TRUE(contains(text, "0x0000000000999999\n")) << text;
  EXPECT_TRUE(contains(text, "= -EBUSY")) << text;
  EXPECT_TRUE(contains(text, "number 0x1234567")) << text;
  EXPECT_TRUE(contains(text, "= not completed")) << text;
}

TEST(CrashReport, WorksWithoutAnImage) {
  CrashInfo crash;
  crash.reason = "triple fault";
  crash.registers.rip = 0x1012;
  EXPECT_TRUE(contains(crash_report(crash, nullptr), "at 0x0000000000001012\n"));
}

}  // namespace
}  // namespace vmm
