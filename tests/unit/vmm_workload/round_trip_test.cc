// The printer's text means what the script meant.
#include "run_script.h"
#include "workload/parser.h"
#include "workload/printer.h"

namespace vmm {
namespace {

constexpr char kEveryStatement[] = R"(region d 8
region e 4 after d
var x = 1 + 2 * (3 - x2)
x = -x / 3 % 2 == !x || x != 3 && x <= 5
map d rw
map d[0..4] none shared
map e[1] rx expect EINVAL
map e rw file
map e r device expect EINVAL
protect d r
protect_naive d rwx
unmap d[0]
dontneed d
clear_refs d
swap_out d
swap_out d[0..2] expect ENOMEM
writeback d
move d[0..2] to e[1]
move d to e expect EFAULT
populate d phase "populate"
populate d expect ENOMEM
read d
write d page + 1
check d[2..3] d[1]
fill d 3
verify d 3
add d random(5)
fault read d
fault write d[0]
crash read d[1]
crash write d[1]
fork {
  exit 3
}
fork expect ENOMEM {
}
exec {
  exit 3
}
exec expect ENOMEM {
}
wait
wait status 3
wait expect ECHILD
thread {
  yield
}
join
sleep 3
spin 10
relax
repeat 3 {
  for i in 0..x {
    while young(d) > 0 {
      if try_read(d[0]) {
        expect present(d[0]) && dirty(d[1]) && swapped(d[2]) && page_dirty(d[3])
      } else {
        expect try_write(d[0], 1) == vcpus
      }
    }
  }
}
phase "one"
phase "two" {
}
pin_test 12
pin_test 12 phases "pin" "unpin"
print "text"
print "text" x
)";

TEST(RoundTrip, EveryStatementPrintsAsItIsWritten) {
  const auto text = format_workload(kEveryStatement, "t.wl");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, kEveryStatement);
}

TEST(RoundTrip, ParenthesesAreKeptWhereTheyMatter) {
  for (const char* expression :
       {"a - (b - c)", "(a - b) * c", "a - b - c", "(a || b) && c", "!(a == b)", "-(a + b)",
        "a * (b % c)", "(a < b) == (c < d)", "!!a", "a + (b * c)"}) {
    const auto once = parse_script(std::string("x = ") + expression, "t.wl");
    ASSERT_TRUE(once.ok()) << once.status();
    const std::string printed = print_script(*once);
    const auto twice = parse_script(printed, "t.wl");
    ASSERT_TRUE(twice.ok()) << twice.status();
    EXPECT_EQ(print_script(*twice), printed);
  }
  EXPECT_EQ(*format_workload("x = a-(b-c)*(d)", "t.wl"), "x = a - (b - c) * d\n");
}

// Line by line, so that the two programs agree in every byte.
TEST(RoundTrip, BuiltinScriptsCompileToTheSameOps) {
  for (const BuiltinWorkload& builtin : builtin_workloads()) {
    const std::string name(builtin.name);
    const auto first = format_workload(builtin.text, name);
    ASSERT_TRUE(first.ok()) << first.status();
    const auto original = compile_workload(builtin.text, name);
    const auto printed = compile_workload(*first, name);
    ASSERT_TRUE(original.ok() && printed.ok());
    const interpreter::Program a(original->data());
    const interpreter::Program b(printed->data());
    ASSERT_EQ(a.op_count(), b.op_count()) << name;
    for (uint32_t i = 0; i < a.op_count(); ++i) {
      EXPECT_EQ(a.op(i).code, b.op(i).code);
      EXPECT_EQ(a.op(i).imm, b.op(i).imm);
      EXPECT_STREQ(a.text(a.op(i).text), b.text(b.op(i).text));
    }
  }
}

TEST(RoundTrip, ListingHasEveryOp) {
  const auto program = compile_workload("print \"hi\"", "t.wl");
  const auto listing = list_program(*program);
  ASSERT_TRUE(listing.ok());
  EXPECT_THAT(*listing, testing::HasSubstr("print"));
  EXPECT_THAT(*listing, testing::HasSubstr("end"));
}

}  // namespace
}  // namespace vmm
