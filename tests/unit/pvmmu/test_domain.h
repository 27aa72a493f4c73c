// A small domain on a FakePlatform, for every test of the MMU.
//
//   frames 0..14    the hypervisor's         frame 15   shared (as shared_info)
//   frames 16..63   data, mapped writable    frames 64..  free: mapped read-only, type none
//   the five frames of its own tables come from the top, mapped read-only
// Frame n is mapped at address_of(n). vCPU 0 runs on root(); the others on nothing.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fake_platform.h"
#include "pvmmu/mmu.h"

namespace pvmmu::testing {

inline constexpr uint64_t kFlagsRo = kPtePresent | kPteUser | kPteAccessed;
inline constexpr uint64_t kFlagsRw = kFlagsRo | kPteWritable | kPteDirty;

// The commands of mmu_update that change an entry.
inline constexpr unsigned kTableCommands[] = {MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD,
                                              MMU_PT_UPDATE_NO_TRANSLATE};

inline uint64_t entry_of(Mfn frame, uint64_t flags) {
  return (frame.raw() << kPageShift) | flags;
}

// Collects what an audit finds, as text.
class CollectingSink final : public AuditSink {
 public:
  std::span<AuditTally> tallies(size_t frame_count) override {
    tallies_.resize(frame_count);
    return tallies_;
  }
  void difference(const AuditDifference& found) override {
    text += "frame " + std::to_string(found.frame.raw()) + ": " + found.what + " believed " +
            std::to_string(found.believed) + " counted " + std::to_string(found.counted) + "\n";
  }
  std::string text;

 private:
  std::vector<AuditTally> tallies_;
};

class DomainTest : public ::testing::Test {
 protected:
  static constexpr size_t kFrames = 256;
  static constexpr unsigned kVcpus = 2;  // unless a test wants more
  static constexpr uint64_t kBase = 0x40000000;
  static constexpr Mfn kShared{15};
  static constexpr Mfn kRequests{20};  // eight frames for arrays
  static constexpr Mfn kDone{30};
  static constexpr Mfn kBitmap{31};
  static constexpr Mfn kData{40};

  explicit DomainTest(MmuConfig config = {}, unsigned vcpus = kVcpus);
  void TearDown() override;

  static LinearAddr address_of(Mfn frame) { return LinearAddr(kBase + frame.raw() * kPageSize); }
  // The entry that maps address_of(frame).
  Maddr mapping_of(Mfn frame) const { return Maddr(l1_, frame.raw() * 8); }
  Mfn root() const { return l4_; }
  // A frame of type none that nothing but the read-only map uses.
  Mfn take_frame() { return Mfn(next_free_++); }

  uint64_t get(Mfn frame, unsigned slot) { return platform.cell(frame, slot).load(); }
  void set(Mfn frame, unsigned slot, uint64_t value) { platform.cell(frame, slot).store(value); }
  const PageInfo& info(Mfn frame) { return mmu.page_info(frame); }

  // The hypercalls, with arrays placed in guest memory. done() is what the last one wrote there.
  int64_t update(std::vector<::mmu_update> requests, uint32_t foreigndom = DOMID_SELF);
  int64_t update(Maddr place, uint64_t value, unsigned command = MMU_NORMAL_PT_UPDATE);
  int64_t ext(std::vector<::mmuext_op> operations, uint32_t foreigndom = DOMID_SELF);
  int64_t ext(unsigned command, Mfn frame);
  static ::mmuext_op operation(unsigned command, uint64_t arg1, uint64_t arg2 = 0);
  uint32_t done();

  // A table of that level over none frames: L1 maps `frame` read-only in slot 0, the others hold
  // one table of the level below. Not promoted. The path is top first.
  std::vector<Mfn> build_tables(PtLevel top, Mfn frame);
  void audit_agrees();
  // Hangs tables of the hypervisor below slots 256 and 257 of root(): frame 2 at L3, 3 at L2 and 4
  // at L1, for walks that no table of the guest leads to. USER is in the entries down to L2.
  void open_hypervisor_slots();
  // The linear address that these three slots, below slot 256, lead to.
  static LinearAddr hypervisor_address(uint64_t l3, uint64_t l2 = 0, uint64_t l1 = 0) {
    return LinearAddr((uint64_t{0xffff8000} << 32) | l3 << 30 | l2 << 21 | l1 << 12);
  }

  FakePlatform platform;
  std::vector<PageInfo> frame_table{kFrames};
  Mmu mmu;
  MmuCounters counters;
  Refusal refusal;
  Call call{VcpuId{0}, counters, refusal, true};

 private:
  void build();

  Mfn l4_{255}, l3_{254}, l2_{253}, l1_{252};
  uint64_t next_free_ = 64;
};

// Promises that the last call was refused with this error under this rule.
#define EXPECT_REFUSED(result, wanted_errno, wanted_rule)             \
  do {                                                                \
    EXPECT_EQ((result), return_value(Errno::wanted_errno));           \
    EXPECT_EQ(refusal.error, Errno::wanted_errno);                    \
    EXPECT_STREQ(kRuleTags[static_cast<unsigned>(refusal.rule)],      \
                 kRuleTags[static_cast<unsigned>(Rule::wanted_rule)]) \
        << refusal.reason;                                            \
  } while (false)

}  // namespace pvmmu::testing
