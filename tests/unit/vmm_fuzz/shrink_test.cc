#include "fuzz/shrink.h"

#include "fuzz/generator.h"
#include "scripts.h"

namespace vmm::fuzz {
namespace {

bool contains(const Script& script, Statement::Kind kind) {
  for (const Statement& s : script) {
    if (s.kind == kind || contains(s.body, kind) || contains(s.otherwise, kind)) return true;
  }
  return false;
}

const GiveUp kNever = [] { return false; };

std::string shrunk(const std::string& text, const StillFails& still_fails) {
  return print_script(shrink(parsed(text), still_fails, kNever));
}

TEST(ShrinkTest, LeavesWhatIsNeeded) {
  const StillFails still_fails = [](const Script& script) {
    return contains(script, Statement::Kind::kSwapOut);
  };
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Script script = Generator(seed).make();
    if (!still_fails(script)) continue;
    const Script small = shrink(script, still_fails, kNever);
    // A region that another one follows stays.
    EXPECT_LE(statement_count(small), 3u) << print_script(small);
    EXPECT_TRUE(still_fails(small));
  }
}

TEST(ShrinkTest, TakesBlocksApartAndNumbersDown) {
  const StillFails still_fails = [](const Script& script) {
    return contains(script, Statement::Kind::kWrite);
  };
  EXPECT_EQ(shrunk("region a 60\nmap a rw file\nrepeat 3 {\nfork {\nwrite a[4..30] page * 7\n}\n"
                   "wait\n}\n",
                   still_fails),
            "region a 1\nmap a rw\nwrite a[0] 1\n");
}

TEST(ShrinkTest, KeepsExpectationsRight) {
  // The check must stay, and expects what is left.
  const StillFails still_fails = [](const Script& script) {
    return contains(script, Statement::Kind::kCheck);
  };
  EXPECT_EQ(shrunk("region a 2\nmap a rw\nwrite a 5\nadd a 1\ncheck a[1] 6\n", still_fails),
            "region a 1\nmap a rw\ncheck a[0] 0\n");
}

TEST(ShrinkTest, EndsWhereItIsToldTo) {
  const Script script = Generator(3).make();
  unsigned asked = 0;
  const Script same = shrink(
      script,
      [&](const Script&) {
        ++asked;
        return true;
      },
      [] { return true; });
  EXPECT_EQ(asked, 0u);
  EXPECT_EQ(print_script(script), print_script(same));
}

}  // namespace
}  // namespace vmm::fuzz
