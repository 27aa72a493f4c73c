// A workload that does not get what it expects says where and why, and ends the guest.
#include "run_script.h"

namespace vmm {
namespace {

using guest_abi::Syscall;

TEST(Failures, NameLineStatementAndValues) {
  EXPECT_EQ(run_failing("region d 9\nmap d rw\nwrite d 1\nwrite d[5] 2\ncheck d 1"),
            "workload failed: t.wl:5: check d 1, page 5: got 2, expected 1\n");
  EXPECT_EQ(run_failing("expect 1 == 2"),
            "workload failed: t.wl:1: expect 1 == 2: does not hold\n");
}

TEST(Failures, UnexpectedFaults) {
  EXPECT_EQ(run_failing("region d 1\nread d"),
            "workload failed: t.wl:2: read d: access to 0x10000000 raised a read fault at "
            "0x10000000 (not present)\n");
  EXPECT_THAT(run_failing("region d 1\nmap d r\nfill d 0"), testing::HasSubstr("a write fault at"));
  EXPECT_THAT(run_failing("region d 1\nvar x = d[0]"), testing::HasSubstr("a read fault at"));
}

TEST(Failures, PagesOutsideTheRegion) {
  EXPECT_EQ(run_failing("region d 4\nmap d rw\nvar i = 4\nwrite d[i] 1"),
            "workload failed: t.wl:4: write d[i] 1: the page is outside the region\n");
  EXPECT_EQ(run_failing("region d 4\nvar i = 5\nmap d[0..i] rw"),
            "workload failed: t.wl:3: map d[0..i] rw: the range is outside the region\n");
  EXPECT_THAT(run_failing("region d 4\nvar i = 3\nmap d[i..2] rw"),
              testing::HasSubstr("the range is outside the region"));
}

TEST(Failures, Arithmetic) {
  EXPECT_THAT(run_failing("var x = 0\nvar y = 1 / x"), testing::HasSubstr("division by zero"));
  EXPECT_THAT(run_failing("var x = 0\nvar y = 1 % x"), testing::HasSubstr("division by zero"));
  EXPECT_THAT(run_failing("var x = 0\nvar y = random(x)"), testing::HasSubstr("no answer"));
}

TEST(Failures, AMoveBehindTheEndOfItsRegion) {
  EXPECT_EQ(run_failing("region d 4\nregion e 4\nmap d rw\nmove d[1..4] to e[2]"),
            "workload failed: t.wl:4: move d[1..4] to e[2]: the range is outside the region\n");
}

TEST(Failures, InAnotherAddressSpace) {
  EXPECT_EQ(run_failing("exec {\n expect 0\n}"),
            "workload failed: t.wl:2: expect 0: does not hold\n");
  const auto kernel = load_script("exec {\n}");
  kernel->refused[Syscall::kExec] = -12;
  EXPECT_EQ(kernel->run(), 1);
  EXPECT_THAT(kernel->console, testing::HasSubstr("exec: got -12 (ENOMEM)"));
  const auto expecting = load_script("exec expect ENOMEM {\n}\nprint \"here\"");
  expecting->refused[Syscall::kExec] = -12;
  EXPECT_EQ(expecting->run(), 0) << expecting->console;
  EXPECT_EQ(expecting->console, "here\n");
}

TEST(Failures, InAChildEndTheGuest) {
  EXPECT_EQ(run_failing("fork {\n expect 0\n}\nwait"),
            "workload failed: t.wl:2: expect 0: does not hold\n");
}

TEST(Failures, InAThreadEndTheGuest) {
  EXPECT_EQ(run_failing("thread {\n expect 0\n}\nwhile 1 { yield }"),
            "workload failed: t.wl:2: expect 0: does not hold\n");
}

TEST(Failures, SystemCallsThatFail) {
  for (const auto& [number, text] : std::map<Syscall, std::string>{
           {Syscall::kPhase, "phase \"a\""},
           {Syscall::kPinTest, "pin_test 4"},
           {Syscall::kPteQuery, "region d 1\nexpect present(d[0])"},
           {Syscall::kTestAndClearYoung, "region d 1\nexpect young(d) == 0"},
           {Syscall::kYield, "repeat 2 { relax }"},
           {Syscall::kNanosleepTicks, "sleep 1"},
           {Syscall::kMmap, "region d 1\nmap d rw"},
           {Syscall::kPopulate, "region d 1\nmap d rw\npopulate d"}}) {
    const auto kernel = load_script(text);
    kernel->refused[number] = -22;
    EXPECT_EQ(kernel->run(), 1) << text;
    EXPECT_THAT(kernel->console, testing::HasSubstr("workload failed: t.wl:")) << text;
  }
}

TEST(Failures, APrintThatIsCutShort) {
  const auto kernel = load_script("print \"four\"\nprint \"never\"");
  kernel->refused[Syscall::kWrite] = 3;
  EXPECT_EQ(kernel->run(), 1);
}

TEST(Failures, ARefusedShutdownEndsTheProcess) {
  const auto kernel = load_script("expect 1");
  kernel->refused[Syscall::kShutdown] = -1;
  EXPECT_EQ(kernel->run(), 1);
  EXPECT_EQ(kernel->count(Syscall::kExit), 1u);
}

}  // namespace
}  // namespace vmm
