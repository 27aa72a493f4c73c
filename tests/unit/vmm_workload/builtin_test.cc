// The scripts that are part of the binary compile and hold in the fake kernel.
#include "run_script.h"

namespace vmm {
namespace {

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const BuiltinWorkload& builtin : builtin_workloads()) {
    result.emplace_back(builtin.name);
  }
  return result;
}

TEST(Builtin, TheList) {
  EXPECT_THAT(names(), testing::ElementsAre(
                           "age-swap", "cow-reuse", "cow-storm", "device-copy", "device-frame",
                           "device-race", "device-recall", "dirty-race", "dirty-race-naive",
                           "everything", "exec-like", "fork-copy", "fork-exit", "hello",
                           "mmap-munmap", "mprotect-kinds", "mprotect-storm", "mremap", "pin-512",
                           "populate-512", "threads-shootdown", "write-notify", "zap"));
  EXPECT_EQ(find_workload("no-such"), nullptr);
}

class EachBuiltin : public testing::TestWithParam<std::string> {};

TEST_P(EachBuiltin, HasASummaryAndRuns) {
  const BuiltinWorkload* builtin = find_workload(GetParam());
  ASSERT_NE(builtin, nullptr);
  EXPECT_FALSE(builtin->summary().empty());
  const auto program = compile_workload(builtin->text, builtin->name);
  ASSERT_TRUE(program.ok()) << program.status();
  FakeKernel kernel(*program);
  EXPECT_EQ(kernel.run(5'000'000), 0) << kernel.console;
}

INSTANTIATE_TEST_SUITE_P(Shipped, EachBuiltin, testing::ValuesIn(names()),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(Builtin, DirtyRaceNaiveFailsOnAKernelThatLosesNothing) {
  const BuiltinWorkload* naive = find_workload("dirty-race-naive");
  ASSERT_NE(naive, nullptr);
  FakeKernel good(*compile_workload(naive->text, naive->name));
  good.vcpu_count = 2;
  EXPECT_EQ(good.run(5'000'000), 1);
  EXPECT_THAT(good.console, testing::HasSubstr("lost"));
}

TEST(Builtin, DirtyRaceFailsOnAKernelThatLosesDirtyBits) {
  // The same script, but with the naive call that the fake then makes lossy.
  std::string text(find_workload("dirty-race")->text);
  const size_t at = text.find(" protect ");
  ASSERT_NE(at, std::string::npos);
  FakeKernel good(*compile_workload(text, "good"));
  EXPECT_EQ(good.run(5'000'000), 0) << good.console;
  for (size_t found = at; found != std::string::npos; found = text.find(" protect ", found + 1)) {
    text.replace(found, 9, " protect_naive ");
  }
  FakeKernel bad(*compile_workload(text, "bad"));
  bad.loses_dirty_bits = true;
  EXPECT_EQ(bad.run(5'000'000), 1);
}

}  // namespace
}  // namespace vmm
