// Processes and threads.
#include "run_script.h"

namespace vmm {
namespace {

using guest_abi::Syscall;

TEST(Processes, ForkCopiesPrivateAndSharesSharedPages) {
  run_script(
      "region p 1\nregion s 1\nmap p rw\nmap s rw shared\nwrite p 1\nwrite s 1\n"
      "fork {\n check p 1\n write p 2\n write s 2\n check p 2\n}\nwait\n"
      "check p 1\ncheck s 2\n");
}

TEST(Processes, VariablesAreCopied) {
  EXPECT_EQ(
      run_script("var x = 1\nfork { x = x + 1; print \"child\" x }\nwait\nprint \"parent\" x"),
      "child 2\nparent 1\n");
}

TEST(Processes, StatusOfAChild) {
  run_script("fork { exit 7 }\nwait status 7\nfork { }\nwait\nwait expect ECHILD");
  EXPECT_THAT(run_failing("fork { exit 7 }\nwait"),
              testing::HasSubstr("t.wl:2: wait: got 7, expected 0"));
}

TEST(Processes, ForksNest) {
  const auto kernel =
      load_script("fork {\n fork { exit 3 }\n wait status 3\n exit 4\n}\nwait status 4");
  EXPECT_EQ(kernel->run(), 0) << kernel->console;
  EXPECT_EQ(kernel->process_count(), 3u);
}

TEST(Processes, ACrashEndsTheProcess) {
  run_script(
      "region d 1\nfork { crash read d }\nwait status 139\n"
      "fork { map d r; crash write d[0] }\nwait status 139\n");
  EXPECT_THAT(run_failing("region d 1\nmap d rw\ncrash write d"),
              testing::HasSubstr("t.wl:3: crash write d: the access did not fault"));
}

TEST(Processes, TheFirstProcessExitsTheGuest) {
  const auto kernel = load_script("exit 5\nprint \"never\"");
  EXPECT_EQ(kernel->run(), 5);
  EXPECT_EQ(kernel->console, "");
}

TEST(Processes, AFailingForkFailsUnlessExpected) {
  auto kernel = load_script("fork { }\n");
  kernel->refused[Syscall::kFork] = -12;
  EXPECT_EQ(kernel->run(), 1);
  EXPECT_THAT(kernel->console, testing::HasSubstr("t.wl:1: fork: got -12 (ENOMEM)"));
  kernel = load_script("fork expect ENOMEM { }\nprint \"on\"");
  kernel->refused[Syscall::kFork] = -12;
  EXPECT_EQ(kernel->run(), 0);
  EXPECT_EQ(kernel->console, "on\n");
  EXPECT_THAT(run_failing("fork expect ENOMEM { }"), testing::HasSubstr("expected -12 (ENOMEM)"));
}

TEST(Threads, ShareMemoryAndCopyVariables) {
  run_script(
      "region d 1\nmap d rw\nvar x = 5\nthread { x = 6; write d x }\njoin\n"
      "expect x == 5\ncheck d 6\n");
}

TEST(Threads, TalkThroughPages) {
  const auto kernel = load_script(
      "region go 1\nregion done 1\nmap go rw\nmap done rw\n"
      "thread {\n for i in 1..20 {\n  while go[0] != i { relax }\n  write done i\n }\n}\n"
      "for i in 1..20 {\n write go i\n while done[0] != i { relax }\n}\njoin\n");
  EXPECT_EQ(kernel->run(), 0) << kernel->console;
}

TEST(Threads, TheEndJoinsThem) {
  EXPECT_EQ(run_script("thread { repeat 5 { yield }\n print \"late\" }"), "late\n");
  EXPECT_EQ(run_script("fork { thread { repeat 9 { yield }\n print \"late\" }\n exit 3 }\n"
                       "wait status 3"),
            "late\n");
}

TEST(Threads, NestAndAreJoinedByTheirCreator) {
  EXPECT_EQ(
      run_script("thread {\n thread { yield; yield; print \"inner\" }\n}\njoin\nprint \"all\""),
      "inner\nall\n");
}

TEST(Threads, ThereAreOnlySoMany) {
  run_script(
      "repeat 7 { thread { repeat 30 { yield } } }\nthread expect EAGAIN { }\njoin\n"
      "repeat 20 { thread { }\n join }");
  EXPECT_THAT(run_failing("repeat 8 { thread { repeat 30 { yield } } }"),
              testing::HasSubstr("t.wl:1: thread: got -11 (EAGAIN), expected 0"));
}

TEST(Threads, ARefusedThreadFreesItsSlot) {
  const auto kernel = load_script("repeat 20 { thread expect ENOMEM { } }");
  kernel->refused[Syscall::kThreadCreate] = -12;
  EXPECT_EQ(kernel->run(), 0) << kernel->console;
}

TEST(Threads, StayWithTheParentAtFork) {
  run_script(
      "region d 1\nmap d rw shared\nthread { repeat 9 { yield }\n write d 1 }\n"
      "fork { exit 0 }\nwait\njoin\ncheck d 1");
}

TEST(Threads, AForkFromAThread) {
  EXPECT_EQ(run_script("thread {\n fork { thread { print \"in\" }\n join\n print \"child\" }\n"
                       " wait\n}\njoin\nprint \"end\""),
            "in\nchild\nend\n");
}

}  // namespace
}  // namespace vmm
