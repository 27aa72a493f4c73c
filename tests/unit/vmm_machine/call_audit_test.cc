// --audit=call on the real machine: a count that goes wrong while the guest runs ends it after the
// call in which it did, with a report.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "domain/guest_image.h"
#include "machine/domain.h"
#include "machine/kvm_engine.h"
#include "probe/kvm_probe.h"

namespace vmm {
namespace {

class CallAuditTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto traits = probe_kvm();
    if (!traits.ok()) GTEST_SKIP() << "no usable /dev/kvm: " << traits.status().message();
    options_.traits = *traits;
    options_.memory_mib = 16;
    options_.timeout_seconds = 60;
  }

  // Runs the guest that prints lines; `on_console` is called for each, with the domain's lock held.
  RunResult run(std::function<void(Domain&)> on_console) {
    std::ifstream file(HELLO_GUEST, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    const auto image = parse_guest_image(std::as_bytes(std::span(bytes)), "hello");
    EXPECT_TRUE(image.ok()) << image.status();
    std::unique_ptr<Domain> domain;
    options_.console = [&](std::string_view) { on_console(*domain); };
    auto engine = KvmEngine::create();
    if (!engine.ok()) {
      ADD_FAILURE() << engine.status();
      return {};
    }
    auto created = Domain::create(options_, *std::move(engine), *image, {});
    EXPECT_TRUE(created.ok()) << created.status();
    domain = *std::move(created);
    return domain->run();
  }

  // Makes the frame table say that the guest's root is used once more than it is.
  static void break_a_count(Domain& domain) {
    const pvmmu::Mfn root = domain.mmu().kernel_base_pointer(pvmmu::VcpuId{0});
    ++const_cast<pvmmu::PageInfo&>(domain.mmu().page_info(root)).total_count;
  }

  RunOptions options_;
};

TEST_F(CallAuditTest, ASoundGuestRunsToItsEnd) {
  options_.audit = AuditPolicy::kEveryCall;
  const RunResult result = run([](Domain&) {});
  EXPECT_EQ(result.end, RunResult::End::kShutdown);
  EXPECT_TRUE(result.audited);
  EXPECT_TRUE(result.audit_differences.empty());
  EXPECT_EQ(result.audit_report, "");
}

TEST_F(CallAuditTest, TheGuestStopsAfterTheCallThatWentWrong) {
  options_.audit = AuditPolicy::kEveryCall;
  unsigned lines = 0;
  const RunResult result = run([&](Domain& domain) {
    if (lines++ == 0) break_a_count(domain);
  });
  EXPECT_EQ(result.end, RunResult::End::kDisagreed);
  EXPECT_EQ(lines, 1u);
  ASSERT_EQ(result.audit_differences.size(), 1u);
  EXPECT_NE(result.audit_differences[0].find("total count is 4, but 3 by recount"),
            std::string::npos)
      << result.audit_differences[0];
  for (const char* part :
       {"*** the audit found types or counts that disagree with memory after console_io(",
        " of vCPU 0; ", "is an L4 table, pinned, used as such by the kernel base pointer of vCPU 0",
        "last hypercalls of vCPU 0, oldest first\n", "console_io             (0"}) {
    EXPECT_NE(result.audit_report.find(part), std::string::npos) << result.audit_report;
  }
}

TEST_F(CallAuditTest, WithoutItTheEndFindsOut) {
  unsigned lines = 0;
  const RunResult result = run([&](Domain& domain) {
    if (lines++ == 0) break_a_count(domain);
  });
  EXPECT_EQ(result.end, RunResult::End::kShutdown);
  EXPECT_EQ(result.audit_differences.size(), 1u);
  EXPECT_NE(result.audit_report.find("after the end of the run;"), std::string::npos);
  EXPECT_GT(lines, 1u);
}

}  // namespace
}  // namespace vmm
