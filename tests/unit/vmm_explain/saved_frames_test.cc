// Frames and tables written into a report and read back; damaged reports are refused or harmless.
#include "explain/saved_frames.h"

#include "explain/frame_explanation.h"
#include "explain_test.h"

namespace vmm {
namespace {

using namespace pvmmu;
using namespace pvmmu::testing;
using Json = nlohmann::ordered_json;

class SavedFramesTest : public ExplainTest {
 protected:
  Json json() {
    return SavedFrames::take(mmu, kVcpus,
                             [&](Mfn table, unsigned slot) { return get(table, slot); })
        .json();
  }
  SavedFrames saved() {
    const auto parsed = SavedFrames::parse(json());
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    return *parsed;
  }
};

TEST_F(SavedFramesTest, SaysTheSameAsTheMachine) {
  const Mfn table = take_frame();
  set(table, 3, entry_of(kData, kFlagsRw));
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  ASSERT_EQ(mmu.get_writable(call, "vcpu_op", kData), 0);
  const LiveFrames live = frames();
  const SavedFrames copy = saved();
  ASSERT_EQ(copy.frame_count(), live.frame_count());
  for (uint64_t i = 0; i < kFrames; ++i) {
    EXPECT_EQ(copy.state(Mfn(i)), live.state(Mfn(i))) << i;
    std::vector<FrameUser> one, other;
    EXPECT_EQ(copy.find_users(Mfn(i), 100, one), live.find_users(Mfn(i), 100, other)) << i;
    ASSERT_EQ(one.size(), other.size()) << i;
    for (size_t user = 0; user < one.size(); ++user) {
      EXPECT_EQ(one[user].kind, other[user].kind);
      EXPECT_EQ(one[user].table, other[user].table);
      EXPECT_EQ(one[user].slot, other[user].slot);
      EXPECT_EQ(one[user].entry, other[user].entry);
    }
  }
  mmu.put_writable(kData);
}

TEST_F(SavedFramesTest, RunsOfLikeFramesAreOneElement) {
  EXPECT_LT(json()["frames"].size(), 20u);
}

TEST_F(SavedFramesTest, ExplainsAFrame) {
  EXPECT_EQ(explain_frame(saved(), kData),
            "frame 0x28 is a writable page, used as such by slot 40 of L1 table 0xfc (type count "
            "1, total count 1)\n"
            "Users:\n"
            "  slot 40 of L1 table 0xfc: 0x28007 (frame 0x28, writable, user), linear 0x40028000\n"
            "Chain: frame 0x28 <- slot 40 of L1 table 0xfc <- slot 0 of L2 table 0xfd <- slot 1 of "
            "L3 table 0xfe <- slot 0 of L4 table 0xff <- a pin and the kernel base pointer of vCPU "
            "0\n"
            "Before it can be anything else: drop or write-protect the mapping in slot 40 of L1 "
            "table 0xfc (linear 0x40028000)\n");
  EXPECT_EQ(explain_frame(saved(), Mfn(3)), "frame 0x3 is the hypervisor's\n");
}

TEST_F(SavedFramesTest, WalksAnAddress) {
  EXPECT_EQ(explain_address(saved(), address_of(kData)),
            "linear 0x40028000 by the kernel table of vCPU 0:\n"
            "  L4 table 0xff slot 0: 0xfe067 (frame 0xfe, writable, user, accessed, dirty)\n"
            "  L3 table 0xfe slot 1: 0xfd067 (frame 0xfd, writable, user, accessed, dirty)\n"
            "  L2 table 0xfd slot 0: 0xfc067 (frame 0xfc, writable, user, accessed, dirty)\n"
            "  L1 table 0xfc slot 40: 0x28067 (frame 0x28, writable, user, accessed, dirty)\n"
            "  frame 0x28 is a writable page, used as such by slot 40 of L1 table 0xfc (type count "
            "1, total count 1)\n");
  EXPECT_TRUE(contains(explain_address(saved(), LinearAddr(0x1000)), "slot 0: 0 (empty)\n"));
  EXPECT_TRUE(contains(explain_address(saved(), LinearAddr(0xffff800000000000)),
                       "slot 256: the hypervisor's own"));
}

// Every value of a report is replaced by values that do not belong there, one at a time.
TEST_F(SavedFramesTest, DamagedReportsAreHarmless) {
  const Json good = json();
  const Json values = {nullptr,        -1,  1e9, "", "0xffffffffffffffff", "zz", Json::array(),
                       Json::object(), true};
  unsigned refused = 0;
  const Json places = good.flatten();
  for (const auto& item : places.items()) {
    for (const Json& value : values) {
      Json damaged = good;
      damaged[Json::json_pointer(item.key())] = value;
      const auto parsed = SavedFrames::parse(damaged);
      if (!parsed.ok()) {
        ++refused;
        continue;
      }
      for (uint64_t i = 0; i < parsed->frame_count(); i += 41) {
        EXPECT_NE(explain_frame(*parsed, Mfn(i)), "");
      }
      EXPECT_NE(explain_address(*parsed, address_of(kData)), "");
    }
  }
  EXPECT_GT(refused, 0u);
}

TEST_F(SavedFramesTest, MissingPartsAreNamed) {
  for (const char* key : {"frame_count", "frames", "tables", "roots"}) {
    Json damaged = json();
    damaged.erase(key);
    EXPECT_FALSE(SavedFrames::parse(damaged).ok()) << key;
  }
  EXPECT_FALSE(SavedFrames::parse(Json()).ok());
  EXPECT_FALSE(SavedFrames::parse(Json::array()).ok());
}

}  // namespace
}  // namespace vmm
