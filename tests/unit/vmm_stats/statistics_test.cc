#include "stats/statistics.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "abi/xen.h"
#include "stats/stats_output.h"
#include "stats/varying_paths.h"

namespace vmm {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kPopulate = static_cast<uint32_t>(guest_abi::Operation::kPopulate);
constexpr uint32_t kLabel = guest_abi::kFirstLabelPhase;

// Two vCPUs that did some work in the phase "populate".
class StatisticsTest : public testing::Test {
 protected:
  StatisticsTest() {
    facts_.guest = "built-in";
    facts_.workload = "populate-512";
    facts_.mode = "batched";
    facts_.kvm = "host";
    facts_.batch_entries = 32;
    facts_.batch_argument_bytes = 512;
    facts_.phase_labels = {"populate"};
    set_vcpus(2);
  }

  void set_vcpus(unsigned count) {
    facts_.vcpus = count;
    attributions_.clear();
    vcpus_.clear();
    for (unsigned i = 0; i < count; ++i) {
      attributions_.push_back(std::make_unique<PhaseAttribution>());
      vcpus_.push_back(make_vcpu(*attributions_.back(), i));
    }
  }

  static VcpuStatistics make_vcpu(PhaseAttribution& attribution, unsigned id) {
    VcpuStatistics vcpu;
    Counters& counters = vcpu.counters;
    counters.trap(TrapCause::kSyscall) = 5;
    attribution.attribute(counters, guest_abi::kPhaseMain, 0);
    counters.trap(TrapCause::kHypercall) = 17;
    counters.hypercall(__HYPERVISOR_mmu_update) = 17;
    counters.mmu.ops_mmu_update = 512;
    counters.mmu.refusals_by_errno[XEN_EBUSY] = 2;
    counters.exit(ExitReason::kMonitor) = 22;
    attribution.attribute(counters, kLabel, kPopulate);
    attribution.record_multicall(31, kLabel, kPopulate);
    vcpu.attribution = &attribution;
    vcpu.accounting.emplace();
    vcpu.accounting->phases[kLabel].callbacks = 10 + id;
    vcpu.accounting->phases[kLabel].max_locks_held = 15 + id;
    vcpu.operations.emplace();
    vcpu.operations->operations[kPopulate].callbacks = 10 + id;
    return vcpu;
  }

  Json json() const { return statistics_json(facts_, vcpus_); }

  RunFacts facts_;
  std::vector<std::unique_ptr<PhaseAttribution>> attributions_;
  std::vector<VcpuStatistics> vcpus_;
};

TEST_F(StatisticsTest, TotalsSumOverVcpusAndMaximaDoNot) {
  const Json statistics = json();
  EXPECT_EQ(statistics["schema"], "pvmmu-stats-1");
  EXPECT_EQ(statistics["batch"], "32:512");
  EXPECT_EQ(statistics["traps"]["syscall"], 10);
  EXPECT_EQ(statistics["hypercalls"]["mmu_update"]["calls"], 34);
  EXPECT_EQ(statistics["hypercalls"]["mmu_update"]["ops"], 1024);
  EXPECT_EQ(statistics["hypercalls"]["multicall"]["calls"], 0);
  EXPECT_EQ(statistics["page_table_traps"], 34);
  EXPECT_EQ(statistics["mmu"]["refusals"]["EBUSY"], 4);
  EXPECT_EQ(statistics["multicall"]["callbacks"], 21);
  EXPECT_EQ(statistics["multicall"]["max_locks_held"], 16);
  EXPECT_EQ(statistics["multicall"]["sizes"]["31"], 2);
  EXPECT_EQ(statistics["per_vcpu"].size(), 2u);
  EXPECT_EQ(statistics["per_vcpu"][1]["multicall"]["callbacks"], 11);
  EXPECT_EQ(statistics["exits"]["monitor"], 44);
  EXPECT_EQ(statistics["partial"], false);
}

TEST_F(StatisticsTest, PhasesAndOperationsAddUpToTheTotal) {
  const Json statistics = json();
  ASSERT_EQ(statistics["phases"].size(), 2u);
  EXPECT_EQ(statistics["phases"][0]["label"], "main");
  EXPECT_EQ(statistics["phases"][0]["traps"]["syscall"], 10);
  EXPECT_EQ(statistics["phases"][1]["label"], "populate");
  EXPECT_EQ(statistics["phases"][1]["page_table_traps"], 34);
  EXPECT_EQ(statistics["phases"][1]["traps"]["syscall"], 0);
  EXPECT_EQ(statistics["operations"]["populate"]["page_table_traps"], 34);
  EXPECT_EQ(statistics["operations"]["none"]["traps"]["syscall"], 10);
}

TEST_F(StatisticsTest, LabelsWithoutCountsAreListed) {
  facts_.phase_labels = {"populate", "after"};
  const Json statistics = json();
  EXPECT_EQ(statistics["phases"].back()["label"], "after");
  EXPECT_EQ(statistics["phases"].back()["page_table_traps"], 0);
}

TEST_F(StatisticsTest, GuestWithoutAccountingPagesHasZeros) {
  for (VcpuStatistics& vcpu : vcpus_) {
    vcpu.accounting.reset();
    vcpu.operations.reset();
  }
  EXPECT_EQ(json()["multicall"]["callbacks"], 0);
}

TEST_F(StatisticsTest, OneVcpuRepeatsButForWhatIsListed) {
  set_vcpus(1);
  Json one = json();
  vcpus_[0].counters.exit(ExitReason::kMonitor) += 7;
  vcpus_[0].counters.trap(TrapCause::kSpuriousFault) += 1;
  vcpus_[0].counters.coherence_touches += 3;
  attributions_[0]->attribute(vcpus_[0].counters, kLabel, kPopulate);
  facts_.wall_seconds = 1.5;
  facts_.kvm = "nested";
  Json other = json();
  EXPECT_NE(one, other);
  EXPECT_EQ(without_varying(one), without_varying(other));

  vcpus_[0].counters.trap(TrapCause::kSyscall) += 1;
  EXPECT_NE(without_varying(one), without_varying(json()));
}

TEST_F(StatisticsTest, AnAttributionElsewhereIsADifference) {
  set_vcpus(1);
  const Json one = without_varying(json());
  ++vcpus_[0].counters.upcalls;
  attributions_[0]->attribute(vcpus_[0].counters, guest_abi::kPhaseMain, 0);
  const Json main = without_varying(json());
  EXPECT_NE(one["phases"], main["phases"]);
}

TEST_F(StatisticsTest, SeveralVcpusOrATickLeaveOnlyTheSettings) {
  const Json two = without_varying(json());
  EXPECT_FALSE(two.contains("traps"));
  EXPECT_FALSE(two.contains("phases"));
  EXPECT_EQ(two["workload"], "populate-512");
  set_vcpus(1);
  EXPECT_TRUE(without_varying(json()).contains("traps"));
  facts_.tick_hz = 100;
  EXPECT_FALSE(without_varying(json()).contains("traps"));
}

TEST_F(StatisticsTest, PartialIsSaidAndVaries) {
  set_vcpus(1);
  facts_.partial = true;
  const Json statistics = json();
  EXPECT_EQ(statistics["partial"], true);
  EXPECT_FALSE(without_varying(statistics).contains("mmu"));
}

TEST_F(StatisticsTest, RefusalRecordsRepeatOnOneVcpuButForBitsThatProcessorsSet) {
  EXPECT_EQ(json()["refusal_records"], Json::array());
  EXPECT_EQ(json()["refusal_records_dropped"], 0);
  EXPECT_FALSE(json().contains("frames_at_end"));
  facts_.refusal_records = {{{"rule", "I3"}, {"entry", "0x41067"}, {"explanation", "..."}}};
  facts_.frames_at_end = {{"frame_count", 256}, {"tables", {{"0x40", "0:41067"}}}};
  EXPECT_FALSE(without_varying(json()).contains("refusal_records"));
  set_vcpus(1);
  const Json left = without_varying(json());
  EXPECT_EQ(left["refusal_records"], Json({{{"rule", "I3"}}}));
  EXPECT_EQ(left["frames_at_end"], Json({{"frame_count", 256}}));
}

TEST_F(StatisticsTest, JsonIsOneLineWhateverTheLabels) {
  facts_.phase_labels = {"bad \xff\n label"};
  const std::string text = format_statistics(json(), StatsForm::kJson);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_EQ(Json::parse(text)["schema"], "pvmmu-stats-1");
}

TEST_F(StatisticsTest, TableShowsOnlyWhatHappened) {
  const std::string text = format_statistics(json(), StatsForm::kTable);
  EXPECT_NE(text.find("populate-512"), std::string::npos);
  EXPECT_NE(text.find("mmu_update"), std::string::npos);
  EXPECT_NE(text.find("vcpu 1"), std::string::npos);
  EXPECT_EQ(text.find("divide_error"), std::string::npos);
  EXPECT_EQ(text.find("PARTIAL"), std::string::npos);
  EXPECT_EQ(format_statistics(json(), StatsForm::kNone), "");
}

}  // namespace
}  // namespace vmm
