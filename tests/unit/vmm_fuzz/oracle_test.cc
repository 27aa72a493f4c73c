#include "fuzz/oracle.h"

#include "gmock/gmock.h"
#include "scripts.h"

namespace vmm::fuzz {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(OracleTest, SaysWhatPagesHold) {
  EXPECT_EQ(corrected("region a 4\nmap a rw\nwrite a page * 10 + 3\ncheck a 0\ncheck a[2] 0\n"),
            "region a 4\nmap a rw\nwrite a page * 10 + 3\ncheck a page * 10 + 3\n"
            "check a[2] 23\n");
}

TEST(OracleTest, CutsAStatementWhereItsPagesDiffer) {
  EXPECT_THAT(corrected("region a 4\nmap a[0..2] rw\nread a\n"), HasSubstr("read a[0..2]"));
  EXPECT_THAT(corrected("region a 4\nmap a[0..2] r\nwrite a 1\n"), HasSubstr("fault write a"));
  EXPECT_THAT(corrected("region a 4\nmap a rw\nwrite a[1] 7\nwrite a[2] 3\ncheck a 0\n"),
              HasSubstr("check a[0..2] page * 7 + 0"));
}

TEST(OracleTest, SaysWhichErrorsCallsGive) {
  EXPECT_THAT(corrected("region a 4\nmap a[0..2] rw\nprotect a r\n"),
              HasSubstr("protect a r expect ENOMEM"));
  EXPECT_THAT(corrected("region a 4\nregion b 4\nmap a[0] rw\nmove a to b\n"),
              HasSubstr("move a to b expect EFAULT"));
  EXPECT_THAT(corrected("region a 80\nmap a rw device\n"), HasSubstr("device expect EINVAL"));
  EXPECT_THAT(corrected("region a 4\nmap a none\npopulate a\n"),
              HasSubstr("populate a expect EINVAL"));
  EXPECT_THAT(corrected("wait\n"), HasSubstr("wait expect ECHILD"));
  // An error that is wrong goes.
  EXPECT_THAT(corrected("region a 4\nmap a rw expect ENOMEM\n"), HasSubstr("map a rw\n"));
}

TEST(OracleTest, ProtectionAppliesUpToTheHole) {
  EXPECT_THAT(
      corrected("region a 4\nmap a rw\nunmap a[2]\nprotect a r\nwrite a[1] 1\nwrite a[3] 1\n"),
      testing::AllOf(HasSubstr("fault write a[1]"), HasSubstr("write a[3] 1")));
}

TEST(OracleTest, NeighboursAreOneMappingIfTheyAreAlike) {
  const std::string head = "region a 2\nregion b 2 after a\nregion c 4\n";
  // Through two regions at once nothing can be moved, so the border lies inside one.
  EXPECT_THAT(corrected(head + "map c[0..2] rw\nmap c[2..4] rw\nmove c to c[0]\n"),
              HasSubstr("expect EINVAL"));
  EXPECT_THAT(corrected(head + "map c[0] rw\nmap c[1] rw\nmove c[0..2] to a\n"),
              HasSubstr("move c[0..2] to a\n"));
  EXPECT_THAT(corrected(head + "map c[0] rw\nmap c[1] rw shared\nmove c[0..2] to a\n"),
              HasSubstr("expect EFAULT"));
}

TEST(OracleTest, ChildrenHaveCopiesOfPrivateMemoryAlone) {
  const std::string text = corrected(
      "region a 1\nregion b 1\nmap a rw\nmap b rw shared\nwrite a 1\nwrite b 1\n"
      "fork {\nwrite a 2\nwrite b 2\nexit 3\n}\nwait\ncheck a 0\ncheck b 0\n");
  EXPECT_THAT(text, HasSubstr("wait status 3\ncheck a 1\ncheck b 2\n"));
}

TEST(OracleTest, EntriesSayWhatIsDefined) {
  const std::string head = "region a 1\nmap a rw\nwrite a 1\n";
  EXPECT_THAT(corrected(head + "expect dirty(a[0]) == 0\n"), HasSubstr("dirty(a[0]) == 1"));
  EXPECT_THAT(corrected(head + "clear_refs a\nexpect dirty(a[0]) == 1\n"),
              HasSubstr("dirty(a[0]) == 0"));
  EXPECT_THAT(corrected(head + "swap_out a\nexpect swapped(a[0]) == 0\n"),
              HasSubstr("swapped(a[0]) == 1"));
  // Who has the page when depends on the order in which processes end.
  EXPECT_THAT(corrected(head + "fork {\nyield\n}\nswap_out a\nexpect swapped(a[0]) == 1\nwait\n"),
              HasSubstr("swapped(a[0]) < 2"));
}

TEST(OracleTest, FilesAreDirtyUntilTheyAreWrittenBack) {
  const std::string head = "region a 1\nmap a rw file\nwrite a 1\n";
  EXPECT_THAT(corrected(head + "expect page_dirty(a[0]) == 0\n"), HasSubstr("== 1"));
  EXPECT_THAT(corrected(head + "writeback a\nexpect page_dirty(a[0]) == 1\n"), HasSubstr("== 0"));
  EXPECT_THAT(corrected(head + "writeback a\nexpect dirty(a[0]) == 1\n"), HasSubstr("== 0"));
}

TEST(OracleTest, TurnsOfALoopThatWouldExpectSomethingElseAreCut) {
  EXPECT_THAT(corrected("region a 1\nmap a rw\nrepeat 5 {\nadd a 1\ncheck a 0\n}\n"),
              HasSubstr("repeat 1 {\n  add a 1\n  check a 1\n}"));
  EXPECT_THAT(corrected("region a 1\nmap a rw\nrepeat 5 {\nwrite a 7\ncheck a 0\n}\ncheck a 0\n"),
              HasSubstr("repeat 5 {\n  write a 7\n  check a 7\n}\ncheck a 7"));
}

TEST(OracleTest, RefusesWhatDependsOnTheOrderOfProcesses) {
  const std::string head = "region a 1\nmap a rw shared\n";
  EXPECT_THAT(corrected(head + "fork {\nwrite a 1\n}\nwrite a 2\nwait\n"), IsEmpty());
  EXPECT_THAT(corrected(head + "fork {\nadd a 1\n}\nadd a 2\nwait\ncheck a 0\n"),
              HasSubstr("check a 3"));
  EXPECT_THAT(corrected(head + "thread {\nwrite a 1\n}\nread a\njoin\n"), IsEmpty());
  EXPECT_THAT(corrected(head + "thread {\nwrite a 1\n}\njoin\ncheck a 0\n"),
              HasSubstr("check a 1"));
  EXPECT_THAT(corrected("fork {\nexit 1\n}\nfork {\nexit 2\n}\nwait\nwait\n"), IsEmpty());
  EXPECT_THAT(corrected("fork {\nyield\n}\n"), IsEmpty()) << "a child is left";
}

TEST(OracleTest, RefusesWhatIsNeverReached) {
  EXPECT_THAT(corrected("fork {\nexit 1\nyield\n}\nwait\n"), IsEmpty());
  EXPECT_THAT(corrected("region a 1\nfork {\nmap a rw\ncrash write a\n}\nwait\n"), IsEmpty())
      << "it does not crash";
}

}  // namespace
}  // namespace vmm::fuzz
