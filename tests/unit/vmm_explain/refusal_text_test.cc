// Real refusals of the MMU, explained: the frame, its type, its users, the rule, the way out.
#include "explain/advice.h"
#include "explain/refusal_json.h"
#include "explain_test.h"

namespace vmm {
namespace {

using namespace pvmmu;
using namespace pvmmu::testing;

class RefusalTextTest : public ExplainTest {
 protected:
  static std::string hex(Mfn frame) { return json_hex(frame.raw()); }
  // The last request as mmu_update had it.
  static AskedFor stored(Maddr place, uint64_t value) { return {.place = place, .value = value}; }
  // An L1 table that is pinned and hangs in the domain's tables, by slot 1 of its L2 table.
  Mfn hang_up_pinned_table() {
    const Mfn table = take_frame();
    EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE, table), 0);
    EXPECT_EQ(update(Maddr(Mfn(253), 8), entry_of(table, kFlagsRw)), 0);
    return table;
  }
};

TEST_F(RefusalTextTest, AWritableMappingOfATable) {
  const Mfn table = hang_up_pinned_table();
  const Maddr place = mapping_of(table);
  ASSERT_EQ(update({{mapping_of(kData).raw(), entry_of(kData, kFlagsRw)},
                    {place.raw(), entry_of(table, kFlagsRw)}}),
            return_value(Errno::kEBUSY));
  EXPECT_EQ(
      text(stored(place, entry_of(table, kFlagsRw))),
      "frame 0x40 is an L1 table, pinned, used as such by slot 1 of L2 table 0xfd, mapped "
      "read-only by slot 64 of L1 table 0xfc (type count 2, total count 3); mmu_update request 1 "
      "of vCPU 0 asked for a writable mapping of it in slot 64 of L1 table 0xfc, linear "
      "0x40040000: 0x40067 (frame 0x40, writable, user, accessed, dirty). Refused with EBUSY: a "
      "writable mapping of a frame that must not be written. Rule I3: no page table is writable "
      "through any translation of the guest. Chain: frame 0x40 <- slot 1 of L2 table 0xfd <- "
      "slot 1 of L3 table 0xfe <- slot 0 of L4 table 0xff <- a pin and the kernel base pointer of "
      "vCPU 0. Instead: unpin frame 0x40 (MMUEXT_UNPIN_TABLE) and drop the entry in slot 1 of L2 "
      "table 0xfd first, or map it read-only.");
}

TEST_F(RefusalTextTest, ATableOfAPageThatIsMappedWritable) {
  ASSERT_LT(ext(MMUEXT_PIN_L2_TABLE, kData), 0);
  const std::string found = text({.frame = kData});
  EXPECT_TRUE(contains(found,
                       "frame 0x28 is a writable page, used as such by slot 40 of L1 table "
                       "0xfc (type count 1, total count 1); MMUEXT_PIN_L2_TABLE request 0"));
  EXPECT_TRUE(contains(found, "asked to pin it as an L2 table"));
  EXPECT_TRUE(contains(found,
                       "Instead: drop or write-protect the mapping in slot 40 of L1 table "
                       "0xfc (linear 0x40028000) first."));
}

TEST_F(RefusalTextTest, ATableAtAnotherLevel) {
  ASSERT_LT(ext(MMUEXT_PIN_L1_TABLE, root()), 0);
  EXPECT_TRUE(contains(text({.frame = root()}),
                       "Instead: unpin frame 0xff (MMUEXT_UNPIN_TABLE) and put vCPU 0 on another "
                       "kernel table (MMUEXT_NEW_BASEPTR) first."));
}

TEST_F(RefusalTextTest, APinThatIsThereAndOneThatIsNot) {
  ASSERT_LT(ext(MMUEXT_PIN_L4_TABLE, root()), 0);
  EXPECT_EQ(advice(record()), "leave out this second pin");
  ASSERT_LT(ext(MMUEXT_UNPIN_TABLE, kData), 0);
  EXPECT_EQ(advice(record()), "unpin only frames that an MMUEXT_PIN_Ln_TABLE has pinned");
  EXPECT_TRUE(contains(text(), "asked to unpin it."));
}

// The entry that stops a promotion is deep below the table that was to be pinned.
TEST_F(RefusalTextTest, AnEntryFoundInValidation) {
  const std::vector<Mfn> tables = build_tables(PtLevel::kL3, take_frame());
  set(tables[2], 9, entry_of(Mfn(2), kFlagsRo));
  ASSERT_LT(ext(MMUEXT_PIN_L3_TABLE, tables[0]), 0);
  const RefusalRecord found = record({.frame = tables[0]});
  EXPECT_TRUE(found_in_validation(found));
  EXPECT_TRUE(contains(explanation(found),
                       "frame 0x2 is the hypervisor's; MMUEXT_PIN_L3_TABLE request 0 of vCPU 0 "
                       "asked to pin frame " +
                           hex(tables[0]) + " as an L3 table, where slot 9 of L1 table " +
                           hex(tables[2]) + " is 0x2025 (frame 0x2, user, accessed). Refused"));
}

TEST_F(RefusalTextTest, TablesThatLeadBackToThemselves) {
  const std::vector<Mfn> tables = build_tables(PtLevel::kL3, take_frame());
  set(tables[1], 0, entry_of(tables[0], kFlagsRw));  // the L2 table names the L3 table
  ASSERT_LT(ext(MMUEXT_PIN_L3_TABLE, tables[0]), 0);
  const RefusalRecord found = record({.frame = tables[0]});
  EXPECT_EQ(found.frame_now().type, PageType::kL3);  // as it was when the request was refused
  EXPECT_EQ(advice(found), "take out the entry that leads back to frame " + hex(tables[0]) +
                               ", which was being validated itself");
}

TEST_F(RefusalTextTest, FramesThatAreNotTheDomains) {
  ASSERT_LT(update(mapping_of(kData), entry_of(Mfn(1000), kFlagsRw)), 0);
  EXPECT_TRUE(contains(text(), "frame 0x3e8 does not exist (the machine has 256 frames); "));
  EXPECT_EQ(advice(record()), "name a frame of the domain: its p2m list holds them all");
  // Frame 55 is the domain's page 129, and so on: n * 7 modulo 256.
  ASSERT_LT(update(mapping_of(kData), entry_of(Mfn(8), kFlagsRw)), 0);
  EXPECT_TRUE(contains(text(), "frame 0x8 is the hypervisor's; "));
  const Mfn meant((8 * 183) % 256);  // 7 * 183 is 1 modulo 256
  EXPECT_EQ(advice(record()),
            "translate page numbers to machine frames first (p2m): as a pfn 0x8, this is frame " +
                hex(meant));
  ASSERT_LT(ext(MMUEXT_PIN_L1_TABLE, kInvalidMfn), 0);
  EXPECT_TRUE(contains(text({.frame = kInvalidMfn}), "frame 0xffffffffffffffff does not exist"));
}

TEST_F(RefusalTextTest, BitsOfEntries) {
  ASSERT_LT(update(mapping_of(kData), entry_of(kData, kFlagsRw | kPtePageSize | kPteCacheDisable)),
            0);
  EXPECT_EQ(advice(record()), "clear PCD, PAT");
  ASSERT_LT(update(Maddr(Mfn(253), 8), entry_of(take_frame(), kFlagsRw | kPtePageSize)), 0);
  EXPECT_EQ(advice(record()), "clear PS (there are no superpages: map 4 KiB pages by an L1 table)");
  ASSERT_LT(update(Maddr(root(), 256 * 8), 0), 0);
  EXPECT_EQ(advice(record()), "leave slots 256 to 271 of L4 tables to the hypervisor");
  EXPECT_TRUE(contains(text(stored(Maddr(root(), 256 * 8), 0)),
                       "asked to change slot 256 of L4 table 0xff, linear 0xffff800000000000: 0 "
                       "(empty). Refused"));
}

TEST_F(RefusalTextTest, ASameLevelEntry) {
  ASSERT_LT(update(Maddr(root(), 5 * 8), entry_of(root(), kFlagsRw)), 0);
  EXPECT_EQ(advice(record()), "leave Writable out of an entry for a table of its own level");
}

TEST_F(RefusalTextTest, ADescriptor) {
  const Mfn page = take_frame();
  set(page, 3, 0x0010'ec00'0008'1000);  // a call gate
  refusal = Refusal{};
  ASSERT_LT(mmu.get_descriptor_table(call, page), 0);
  const std::string found = text({.frame = page});
  EXPECT_TRUE(contains(found, "where descriptor 3 is 0x10ec0000081000."));
  EXPECT_TRUE(contains(found, "no gates"));
  EXPECT_EQ(refusal_json(record(), 1)["slot"], 3);
  EXPECT_EQ(refusal_json(record(), 1)["entry"], "0x10ec0000081000");
}

TEST_F(RefusalTextTest, APageThatTheVmmWrites) {
  refusal = Refusal{};
  ASSERT_LT(mmu.get_writable(call, "VCPUOP_register_vcpu_info", root()), 0);
  const std::string found = text({.frame = root()});
  EXPECT_TRUE(contains(found, "frame 0xff is an L4 table, pinned, "));
  EXPECT_TRUE(contains(found,
                       "VCPUOP_register_vcpu_info of vCPU 0 asked the hypervisor to write to it. "
                       "Refused with EINVAL: "));
  EXPECT_TRUE(contains(found, "Instead: unpin frame 0xff"));
}

TEST_F(RefusalTextTest, AStoreToATable) {
  refusal = Refusal{};
  const LinearAddr place(address_of(mapping_of(kData).frame()).raw() + 8 * kData.raw());
  const WriteOperation store{.operand = entry_of(root(), kFlagsRw)};
  ASSERT_EQ(mmu.emulate_write(call, root(), place, store).status,
            EmulationResult::Status::kRefused);
  EXPECT_TRUE(contains(text(),
                       "emulated write of vCPU 0 asked, by a store to linear 0x400fc140, "
                       "for a writable mapping of it in slot 40 of L1 table 0xfc: 0xff067"));
}

TEST_F(RefusalTextTest, ArgumentsThatNobodyCanRead) {
  refusal = Refusal{};
  ASSERT_LT(mmu.mmu_update(call, LinearAddr(0x1000), 1, LinearAddr(0), DOMID_SELF), 0);
  EXPECT_EQ(text(),
            "mmu_update request 0 of vCPU 0 was asked for, linear 0x1000. Refused with "
            "EFAULT: the request cannot be read. Rule I9: whatever the guest passes is "
            "answered with an error at worst. Instead: map linear 0x1000 before the "
            "hypervisor has to read it.");
  ASSERT_LT(update(std::vector<::mmu_update>{}, 7u), 0);
  EXPECT_EQ(advice(record()), "pass DOMID_SELF: the domain is alone here");
  refusal = Refusal{};
  ASSERT_LT(mmu.update_va_mapping(call, LinearAddr(0x5000), 0, 0), 0);
  EXPECT_EQ(advice(record()), "enter tables down to L1 for the address first (mmu_update)");
}

TEST_F(RefusalTextTest, AsJson) {
  const Mfn table = hang_up_pinned_table();
  ASSERT_LT(update(mapping_of(table), entry_of(table, kFlagsRw)), 0);
  const auto json = refusal_json(record(), 3);
  EXPECT_EQ(json["rule"], "I3");
  EXPECT_EQ(json["rule_text"], "no page table is writable through any translation of the guest");
  EXPECT_EQ(json["errno"], "EBUSY");
  EXPECT_EQ(json["operation"], "mmu_update");
  EXPECT_EQ(json["request"], 0);
  EXPECT_EQ(json["level"], 1);
  EXPECT_EQ(json["slot"], 64);
  EXPECT_EQ(json["table"], "0xfc");
  EXPECT_EQ(json["entry"], "0x40067");
  EXPECT_EQ(json["frame"], "0x40");
  EXPECT_EQ(json["frame_now"]["type"], "L1 table");
  EXPECT_EQ(json["frame_now"]["pinned"], true);
  EXPECT_EQ(json["frame_now"]["type_count"], 2);
  EXPECT_EQ(json["frame_now"]["total_count"], 3);
  EXPECT_EQ(json["address"], "0x40040000");
  EXPECT_EQ(json["alike"], 3);
  ASSERT_EQ(json["chain"].size(), 4u);
  EXPECT_EQ(json["chain"][0]["users"][0]["kind"], "pin");
  EXPECT_EQ(json["chain"][0]["users"][1]["table"], "0xfd");
  EXPECT_EQ(json["chain"][0]["users"][1]["slot"], 1);
  EXPECT_EQ(json["chain"][3]["users"][1]["kind"], "kernel base pointer");
  EXPECT_EQ(json["explanation"], text());

  ASSERT_LT(update(std::vector<::mmu_update>{}, 7u), 0);
  const auto bare = refusal_json(record(), 1);
  for (const char* key : {"level", "slot", "table", "entry", "frame", "frame_now", "address"}) {
    EXPECT_TRUE(bare.contains(key) && bare[key].is_null()) << key;
  }
  EXPECT_TRUE(bare["chain"].empty());
}

TEST(RefusalLine, FitsOneLine) {
  Refusal refusal;
  refusal.rule = Rule::kNoWritableTable;
  refusal.error = Errno::kEBUSY;
  refusal.operation = "update_va_mapping";
  refusal.reason = "it must not be written";
  refusal.level = 1;
  refusal.table = Mfn(0x20);
  refusal.slot = 5;
  refusal.entry = 0x41067;
  refusal.frame = Mfn(0x41);
  refusal.now = {
      .in_range = true, .type = PageType::kL1, .pinned = true, .type_count = 1, .total_count = 2};
  EXPECT_EQ(refusal_line(refusal),
            "update_va_mapping, request 0: EBUSY: it must not be written (rule I3); slot 5 of L1 "
            "table 0x20, entry 0x41067 (frame 0x41, writable, user, accessed, dirty); frame 0x41 "
            "has type L1 table, pinned, type count 1, total count 2");
}

}  // namespace
}  // namespace vmm
