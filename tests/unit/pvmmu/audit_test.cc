// The recount finds every kind of disagreement; and who uses a frame can be listed.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

class AuditTest : public DomainTest {
 protected:
  void TearDown() override {}  // these tests break things on purpose

  std::string audit() {
    CollectingSink sink;
    const bool agrees = mmu.audit(sink);
    EXPECT_EQ(agrees, sink.text.empty());
    return sink.text;
  }
  PageInfo& page(Mfn frame) { return frame_table[frame.raw()]; }
  bool finds(const std::string& what) {
    const std::string found = audit();
    return found.find(what) != std::string::npos;
  }
};

TEST_F(AuditTest, ASoundDomainAgrees) {
  EXPECT_EQ(audit(), "");
}

TEST_F(AuditTest, FindsWrongCounts) {
  ++page(kData).type_count;
  EXPECT_TRUE(finds("frame 40: type count believed 2 counted 1"));
  --page(kData).type_count;
  --page(kData).total_count;
  EXPECT_TRUE(finds("frame 40: total count believed 0 counted 1"));
  ++page(kData).total_count;
  page(root()).linear_count = 1;
  EXPECT_TRUE(finds("same-level count"));
  page(root()).linear_count = 0;
  EXPECT_EQ(audit(), "");
}

TEST_F(AuditTest, FindsALeakedTable) {
  PageInfo& leaked = page(Mfn(200));
  leaked.type = PageType::kL1;
  leaked.type_count = 1;
  leaked.validation = Validation::kWhole;
  leaked.validated_entries = 512;
  EXPECT_TRUE(finds("frame 200: type believed"));
}

TEST_F(AuditTest, FindsALostPin) {
  page(root()).pinned = false;
  EXPECT_TRUE(finds("frame 255: type count"));
}

TEST_F(AuditTest, FindsAWritableMappingOfATable) {
  const uint64_t entry = get(mapping_of(root()).frame(), 255);
  set(mapping_of(root()).frame(), 255, entry | kPteWritable);
  EXPECT_TRUE(finds("frame 255: used as two types"));
}

TEST_F(AuditTest, FindsBadEntries) {
  const Mfn l1 = mapping_of(kData).frame();
  const uint64_t good = get(l1, kData.raw() & 511);
  for (const uint64_t bit : {kPtePageSize, kPteGlobal}) {
    set(l1, kData.raw() & 511, good | bit);
    EXPECT_TRUE(finds("bits of an entry"));
  }
  set(l1, kData.raw() & 511, good & ~kPteUser);
  EXPECT_TRUE(finds("bits of an entry"));
  set(l1, kData.raw() & 511, entry_of(Mfn(2), kFlagsRo));
  EXPECT_TRUE(finds("an entry's frame is not the domain's"));
  set(l1, kData.raw() & 511, good);
  set(root(), 257, entry_of(kData, kFlagsRw));
  EXPECT_TRUE(finds("a hypervisor slot"));
  set(root(), 257, FakePlatform::kHypervisorEntry);
  EXPECT_EQ(audit(), "");
}

TEST_F(AuditTest, FindsAnEntryThatLeadsOutOfMemory) {
  const Mfn l1 = mapping_of(kData).frame();
  set(l1, kData.raw() & 511, entry_of(Mfn(kFrames), kFlagsRo));
  EXPECT_TRUE(finds("frame 256: an entry's frame is not the domain's"));
}

TEST_F(AuditTest, FindsPinsAndReferencesWhereTheyCannotBe) {
  page(kData).pinned = true;
  EXPECT_TRUE(finds("frame 40: pinned without being a table"));
  page(kData).pinned = false;
  const Mfn gdt = take_frame();
  ASSERT_EQ(mmu.get_descriptor_table(call, gdt), 0);
  page(gdt).pinned = true;
  EXPECT_TRUE(finds("frame 64: pinned without being a table"));
  page(gdt).pinned = false;
  page(gdt).external_count = 0;
  EXPECT_TRUE(finds("frame 64: type believed 6 counted 0"));
  page(gdt).external_count = 1;
  page(root()).external_count = 1;
  EXPECT_TRUE(finds("frame 255: the VMM's reference on a table"));
  page(root()).external_count = 0;
  EXPECT_EQ(audit(), "");
}

TEST_F(AuditTest, FindsTablesThatAreNotWhole) {
  const Mfn l3 = mmu.walk(root(), address_of(kData), Access{}).steps[1].table;
  page(l3).validation = Validation::kValidated;
  EXPECT_TRUE(finds("frame 254: a table not whole"));
  page(l3).validation = Validation::kWhole;
  page(root()).validation = Validation::kValidated;
  EXPECT_TRUE(finds("frame 255: base pointer"));
  page(root()).validation = Validation::kWhole;
  page(kData).validation = Validation::kWhole;
  EXPECT_TRUE(finds("frame 40: validated"));
  page(kData).validation = Validation::kUnvalidated;
  EXPECT_EQ(audit(), "");
}

TEST_F(AuditTest, FindsWorkThatNobodyDoes) {
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  page(table).validation = Validation::kUnvalidated;
  EXPECT_TRUE(finds("frame 64: a table that nobody validates"));
  page(table).in_progress = true;
  page(table).type_count = 2;
  EXPECT_TRUE(finds("frame 64: users of a table in progress"));
  page(table).in_progress = false;
  page(table).type_count = 1;
  page(table).validation = Validation::kWhole;
  page(kData).in_progress = true;
  EXPECT_TRUE(finds("frame 40: in progress without being a table"));
  page(kData).in_progress = false;
  page(table).validated_entries = 7;
  EXPECT_TRUE(finds("frame 64: validated entries believed 7 counted 512"));
  page(table).validated_entries = kEntriesPerTable;
  EXPECT_EQ(audit(), "");
}

TEST_F(AuditTest, NeedsRoomForATallyOfEachFrame) {
  class ShortSink final : public AuditSink {
   public:
    std::span<AuditTally> tallies(size_t) override { return {}; }
    void difference(const AuditDifference&) override { FAIL() << "nothing was counted"; }
  };
  ShortSink sink;
  EXPECT_FALSE(mmu.audit(sink));
}

TEST_F(AuditTest, FindsAWritableSameLevelEntryAndAChain) {
  const Mfn a = take_frame(), b = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, b), 0);
  ASSERT_EQ(ext(MMUEXT_PIN_L4_TABLE, a), 0);
  ASSERT_EQ(update(Maddr(a, 0), entry_of(b, kFlagsRo)), 0);
  EXPECT_EQ(audit(), "");
  set(a, 0, entry_of(b, kFlagsRw));
  EXPECT_TRUE(finds("a writable same-level entry"));
  set(a, 0, entry_of(b, kFlagsRo));
  set(b, 0, entry_of(a, kFlagsRo));
  EXPECT_TRUE(finds("a chain of same-level entries"));
}

TEST_F(AuditTest, ReferencesForADeviceAreWhatItHasEntriesFor) {
  ASSERT_EQ(mmu.get_for_device(call, "pvmmu_op", kData), 0);
  ASSERT_EQ(mmu.get_for_device(call, "pvmmu_op", kData), 0);
  platform.device_entries = {kData};
  EXPECT_TRUE(finds("references for a device"));
  platform.device_entries = {kData, kData};
  EXPECT_EQ(audit(), "");
  platform.device_entries = {kData, Mfn(kData.raw() + 1)};
  EXPECT_TRUE(finds("references for a device"));
  platform.device_entries = {kData, kData, kInvalidMfn};
  EXPECT_TRUE(finds("an entry of a device"));
  FrameUser users[4];
  ASSERT_EQ(mmu.get_writable(call, "vcpu_op", kData), 0);
  ASSERT_EQ(mmu.find_users(kData, users), 4u);
  EXPECT_EQ(users[0].kind, FrameUser::Kind::kDevice);
  EXPECT_EQ(users[1].kind, FrameUser::Kind::kDevice);
  EXPECT_EQ(users[2].kind, FrameUser::Kind::kVmm);
  mmu.put_for_device(kData);
  mmu.put_for_device(kData);
  mmu.put_writable(kData);
  platform.device_entries = {};
  EXPECT_EQ(audit(), "");
}

// What a device uses can become no table, and no table is given to a device.
TEST_F(AuditTest, AFrameInUseByADeviceStaysWritable) {
  const Mfn frame = take_frame();
  ASSERT_EQ(mmu.get_for_device(call, "pvmmu_op", frame), 0);
  EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE, frame), -EINVAL);
  mmu.put_for_device(frame);
  EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE, frame), 0);
  EXPECT_EQ(mmu.get_for_device(call, "pvmmu_op", frame), -EINVAL);
  EXPECT_EQ(call.refusal.rule, Rule::kOneType);
}

TEST_F(AuditTest, ListsTheUsersOfAFrame) {
  const Mfn table = take_frame();
  ASSERT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
  FrameUser users[8];
  ASSERT_EQ(mmu.find_users(table, users), 2u);
  EXPECT_EQ(users[0].kind, FrameUser::Kind::kPin);
  EXPECT_EQ(users[1].kind, FrameUser::Kind::kEntry);
  EXPECT_EQ(users[1].table, mapping_of(table).frame());
  EXPECT_EQ(users[1].slot, table.raw());
  ASSERT_EQ(mmu.find_users(root(), users), 3u);
  EXPECT_EQ(users[1].kind, FrameUser::Kind::kKernelBasePointer);
  EXPECT_EQ(mmu.find_users(root(), std::span(users, 1)), 3u);  // more than fit
  EXPECT_EQ(mmu.find_users(kInvalidMfn, users), 0u);
}

TEST_F(AuditTest, ListsUserBasePointersAndReferencesOfTheVmm) {
  const Mfn user = take_frame();
  ASSERT_EQ(ext(MMUEXT_NEW_USER_BASEPTR, user), 0);
  FrameUser users[4];
  ASSERT_EQ(mmu.find_users(user, users), 2u);  // and the read-only map
  EXPECT_EQ(users[0].kind, FrameUser::Kind::kUserBasePointer);
  EXPECT_EQ(users[0].vcpu, 0u);
  ASSERT_EQ(mmu.get_writable(call, "vcpu_op", kData), 0);
  ASSERT_EQ(mmu.get_writable(call, "vcpu_op", kData), 0);
  ASSERT_EQ(mmu.find_users(kData, users), 3u);
  EXPECT_EQ(users[0].kind, FrameUser::Kind::kVmm);
  EXPECT_EQ(users[1].kind, FrameUser::Kind::kVmm);
  EXPECT_EQ(users[2].kind, FrameUser::Kind::kEntry);
}

}  // namespace
}  // namespace pvmmu::testing
