// update_va_mapping: finds the entry by the address, and flushes as its flags say.
#include "test_domain.h"

namespace pvmmu::testing {
namespace {

class UpdateVaMappingTest : public DomainTest {
 protected:
  int64_t map(LinearAddr va, uint64_t value, uint64_t flags = UVMF_NONE) {
    refusal = Refusal{};
    platform.history.clear();
    return mmu.update_va_mapping(call, va, value, flags);
  }
  std::vector<Event> flushes() const {
    std::vector<Event> found;
    for (const Event& event : platform.history) {
      if (event.kind == Event::Kind::kFlush) found.push_back(event);
    }
    return found;
  }
};

TEST_F(UpdateVaMappingTest, ChangesTheEntryThatMapsTheAddress) {
  const Mfn data = take_frame();
  ASSERT_EQ(map(address_of(kData), entry_of(data, kPtePresent | kPteWritable)), 0);
  EXPECT_EQ(get(mapping_of(kData).frame(), kData.raw() & 511),
            entry_of(data, kPtePresent | kPteWritable | kPteUser));
  EXPECT_EQ(info(data).type, PageType::kWritable);
  EXPECT_TRUE(flushes().empty());
  ASSERT_EQ(map(address_of(kData) + 0x123, 0), 0);                  // the offset does not matter
  ASSERT_EQ(map(address_of(kData), entry_of(kData, kFlagsRw)), 0);  // a hole can be filled
  EXPECT_EQ(counters.ops_va_mapping, 3u);
}

TEST_F(UpdateVaMappingTest, FlushFlags) {
  const uint64_t value = entry_of(kData, kFlagsRw);
  const LinearAddr va = address_of(kData);
  set(kBitmap, 0, 2);
  const uint64_t bitmap = address_of(kBitmap).raw();
  const struct {
    uint64_t flags;
    VcpuMask vcpus;
    bool all;
  } cases[] = {{UVMF_TLB_FLUSH | UVMF_LOCAL, 1, true}, {UVMF_TLB_FLUSH | UVMF_ALL, 3, true},
               {UVMF_TLB_FLUSH | bitmap, 2, true},     {UVMF_INVLPG | UVMF_LOCAL, 1, false},
               {UVMF_INVLPG | UVMF_ALL, 3, false},     {UVMF_INVLPG | bitmap, 2, false}};
  for (const auto& one : cases) {
    ASSERT_EQ(map(va, value, one.flags), 0);
    ASSERT_EQ(flushes().size(), 1u);
    EXPECT_EQ(flushes()[0].vcpus, one.vcpus);
    EXPECT_EQ(flushes()[0].flush.all, one.all);
    if (!one.all) {
      EXPECT_EQ(flushes()[0].flush.address, va);
    }
  }
  ASSERT_EQ(map(va, value, 3), 0);  // no such kind of flush: none, as in Xen
  EXPECT_TRUE(flushes().empty());
}

TEST_F(UpdateVaMappingTest, ABadBitmapIsAnErrorAfterTheChange) {
  const Mfn data = take_frame();
  EXPECT_REFUSED(map(address_of(kData), entry_of(data, kFlagsRo), UVMF_TLB_FLUSH | 0x1000), kEFAULT,
                 kAnyInput);
  EXPECT_EQ(info(data).total_count, 2u);
}

TEST_F(UpdateVaMappingTest, AddressesWithoutAnL1Table) {
  for (const uint64_t va :
       {uint64_t{0}, uint64_t{0x80000000}, uint64_t{0x800000000000}, uint64_t{0xffff800000000000},
        uint64_t{0xffff808000000000}, ~uint64_t{0}}) {
    EXPECT_REFUSED(map(LinearAddr(va), entry_of(kData, kFlagsRo)), kEINVAL, kAnyInput);
  }
}

TEST_F(UpdateVaMappingTest, RefusedValuesChangeNothing) {
  const LinearAddr va = address_of(kData);
  const uint64_t before = get(mapping_of(kData).frame(), kData.raw() & 511);
  EXPECT_REFUSED(map(va, entry_of(root(), kFlagsRw), UVMF_TLB_FLUSH | UVMF_ALL), kEBUSY,
                 kNoWritableTable);
  EXPECT_REFUSED(map(va, entry_of(Mfn(1), kFlagsRo)), kEBUSY, kEntryBits);
  EXPECT_REFUSED(map(va, entry_of(Mfn(kFrames), kFlagsRo)), kEPERM, kEntryTarget);
  EXPECT_REFUSED(map(va, entry_of(kData, kFlagsRo | kPtePageSize)), kEINVAL, kEntryBits);
  EXPECT_EQ(get(mapping_of(kData).frame(), kData.raw() & 511), before);
  EXPECT_EQ(refusal.address, va);
  EXPECT_STREQ(refusal.operation, "update_va_mapping");
}

TEST_F(UpdateVaMappingTest, TheUsersTablesInUserMode) {
  Call user_call{VcpuId{0}, counters, refusal, false};
  EXPECT_EQ(mmu.update_va_mapping(user_call, address_of(kData), 0, 0), -22);  // it has none
}

// Through a same-level entry the walk ends one level early: at an L2 table in the place of an L1.
TEST_F(UpdateVaMappingTest, NotThroughASameLevelEntry) {
  const Mfn l4 = root();
  ASSERT_EQ(update(Maddr(l4, 300 * 8), entry_of(l4, kFlagsRo)), 0);
  const LinearAddr through((uint64_t{0xffff} << 48) | (uint64_t{300} << 39) | (uint64_t{0} << 30) |
                           (uint64_t{1} << 21));
  EXPECT_REFUSED(map(through, entry_of(kData, kFlagsRw)), kEINVAL, kEntryTarget);
}

}  // namespace
}  // namespace pvmmu::testing
