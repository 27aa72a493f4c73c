// Statements with blocks, and the checks at the end.
#include <algorithm>
#include <utility>

#include "fuzz/generator.h"

namespace vmm::fuzz {

using Kind = Statement::Kind;

namespace {

constexpr unsigned kDeepest = 4;

}  // namespace

// What the child does: some statements, and perhaps an end of its own.
void Generator::child_body(List& body) {
  if (chance(7)) return exec(body);
  fill(body, 1 + static_cast<unsigned>(random_.below(8)));
  add(body, make_statement(Kind::kJoin));
  while (oracle_.live_children() != 0 && add(body, make_statement(Kind::kWait))) {
  }
  const uint64_t end = random_.below(10);
  if (end < 3) {
    Statement s = make_statement(Kind::kExit);
    s.values = {number_expression(random_.below(100))};
    add(body, std::move(s));
  } else if (end < 5) {
    add(body, make_statement(chance(50) ? Kind::kCrashRead : Kind::kCrashWrite, one_page(false)));
  }
}

void Generator::exec(List& body) {
  if (!oracle_.enter_exec()) return;
  Statement s = make_statement(Kind::kExec);
  s.has_body = true;
  map(s.body);
  fill(s.body, 1 + static_cast<unsigned>(random_.below(5)));
  while (oracle_.live_children() != 0 && add(s.body, make_statement(Kind::kWait))) {
  }
  if (!oracle_.ended()) oracle_.leave_exec();
  body.push_back(std::move(s));
}

// Most are waited for at once; else the parent goes on beside it.
void Generator::fork(List& list) {
  if (depth_ >= kDeepest) return;
  const bool settled = chance(70);
  Statement s = make_statement(Kind::kFork);
  s.has_body = true;
  const Oracle before = oracle_;
  if (!oracle_.enter_fork(settled)) return;
  ++depth_;
  child_body(s.body);
  --depth_;
  if (oracle_.live_children() != 0) {
    oracle_ = before;
    return;
  }
  oracle_.leave_fork();
  if (!oracle_.children_agree()) {
    oracle_ = before;
    return;
  }
  list.push_back(std::move(s));
  if (left_ != 0) --left_;
  if (!settled) {
    // Something stands between, so that it is seen that the two run side by side.
    add(list, make_statement(Kind::kYield));
    fill(list, 1 + static_cast<unsigned>(random_.below(4)));
  }
  add(list, make_statement(Kind::kWait));
}

// Some threads on pages of their own, and counters that all of them add to.
void Generator::threads(List& list) {
  if (depth_ >= kDeepest || oracle_.in_thread() || oracle_.live_children() != 0) return;
  const unsigned count = 1 + static_cast<unsigned>(random_.below(3));
  const PageRange counter = one_page(true);
  for (unsigned i = 0; i < count; ++i) {
    if (!oracle_.enter_thread()) break;
    Statement s = make_statement(Kind::kThread);
    s.has_body = true;
    ++depth_;
    fill(s.body, 1 + static_cast<unsigned>(random_.below(5)));
    Statement added = make_statement(Kind::kAdd, counter);
    added.values = {number_expression(i + 1)};
    add(s.body, std::move(added));
    --depth_;
    oracle_.leave_thread();
    list.push_back(std::move(s));
  }
  fill(list, static_cast<unsigned>(random_.below(3)));
  add(list, make_statement(Kind::kJoin));
}

// The body is written as if it ran once; where its turns would differ, the oracle cuts them.
void Generator::loop(List& list) {
  if (depth_ >= kDeepest) return;
  Statement s = make_statement(chance(50) ? Kind::kRepeat : Kind::kFor);
  s.has_body = true;
  const Oracle before = oracle_;
  ++depth_;
  fill(s.body, 1 + static_cast<unsigned>(random_.below(4)));
  --depth_;
  oracle_ = before;
  s.values = {number_expression(2 + random_.below(4))};
  if (s.kind == Kind::kFor) {
    const RegionPlace& region = some_region();
    s.values = {number_expression(0), number_expression(std::min(region.count, 6u))};
    s.name = fresh_name("i");
    Statement written =
        make_statement(Kind::kWrite, page_of(region.name, variable_expression(s.name)));
    written.values = {operation(Operator::kMul, variable_expression(s.name), some_value())};
    s.body.insert(s.body.begin(), std::move(written));
  }
  if (!add(list, std::move(s))) oracle_ = before;
}

// A while loop that counts down.
void Generator::turns(List& list) {
  Statement counter = make_statement(Kind::kVar);
  counter.name = fresh_name("n");
  counter.values = {number_expression(1 + random_.below(4))};
  Statement less = make_statement(Kind::kAssign);
  less.name = counter.name;
  less.values = {
      operation(Operator::kSub, variable_expression(counter.name), number_expression(1))};
  Statement written = make_statement(Kind::kWrite, one_page(true));
  written.values = {variable_expression(counter.name)};
  Statement s = make_statement(Kind::kWhile);
  s.has_body = true;
  s.values = {
      operation(Operator::kGreater, variable_expression(counter.name), number_expression(0))};
  s.body = {std::move(written), make_statement(Kind::kRelax), std::move(less)};
  Statement scope = make_statement(Kind::kRepeat);
  scope.has_body = true;
  scope.values = {number_expression(1)};
  scope.body = {std::move(counter), std::move(s)};
  const Oracle before = oracle_;
  if (!add_block(list, std::move(scope))) oracle_ = before;
}

void Generator::condition(List& list) {
  if (depth_ >= kDeepest) return;
  const PageRange page = one_page(true);
  Expression word;
  word.kind = Expression::Kind::kWord;
  word.pages = page;
  Statement s = make_statement(Kind::kIf);
  s.has_body = true;
  s.values = {operation(Operator::kEqual, operation(Operator::kMod, word, number_expression(2)),
                        number_expression(0))};
  const Oracle before = oracle_;
  ++depth_;
  fill(s.body, 1 + static_cast<unsigned>(random_.below(3)));
  oracle_ = before;
  fill(s.otherwise, 1 + static_cast<unsigned>(random_.below(3)));
  --depth_;
  oracle_ = before;
  if (s.body.empty() || !add(list, std::move(s))) oracle_ = before;
}

void Generator::phase(List& list) {
  if (depth_ >= kDeepest) return;
  Statement s = make_statement(Kind::kPhase);
  s.has_body = true;
  s.text = some_label();
  ++depth_;
  fill(s.body, 1 + static_cast<unsigned>(random_.below(4)));
  --depth_;
  list.push_back(std::move(s));
}

// All pages that can be read hold what they should.
void Generator::check_everything(List& list) {
  const std::vector<RegionPlace> regions = oracle_.regions();
  for (const RegionPlace& region : regions) {
    for (uint32_t page = 0; page < region.count; ++page) {
      if (!oracle_.space()[region.first + page].readable()) continue;
      uint32_t end = page + 1;
      while (end < region.count && oracle_.space()[region.first + end].readable()) ++end;
      Statement s = make_statement(Kind::kCheck, pages_of(region.name, page, end));
      s.values = {number_expression(0)};
      if (!add(list, std::move(s))) return;
      const PageRange& checked = *list.back().pages;
      page = static_cast<uint32_t>(checked.bounds.back().number) -
             (checked.extent == PageRange::Extent::kRange ? 1 : 0);
    }
  }
}

// What the entries say, in one number for each region: the same in all runs on one vCPU.
void Generator::print_entries(List& list) {
  constexpr uint64_t kMostPages = 40;
  const std::vector<RegionPlace> regions = oracle_.regions();
  for (const RegionPlace& region : regions) {
    const std::string sum = fresh_name("bits"), index = fresh_name("i");
    Statement start = make_statement(Kind::kVar);
    start.name = sum;
    start.values = {number_expression(0)};
    Statement loop = make_statement(Kind::kFor);
    loop.has_body = true;
    loop.name = index;
    loop.values = {number_expression(0),
                   number_expression(std::min<uint64_t>(region.count, kMostPages))};
    Statement more = make_statement(Kind::kAssign);
    more.name = sum;
    Expression value = variable_expression(sum);
    for (const Function asked :
         {Function::kPresent, Function::kWritable, Function::kDirty, Function::kSwapped}) {
      value = operation(Operator::kAdd, operation(Operator::kMul, value, number_expression(3)),
                        call_expression(asked, page_of(region.name, variable_expression(index))));
    }
    more.values = {std::move(value)};
    loop.body = {std::move(more)};
    Statement shown = make_statement(Kind::kPrint);
    shown.text = std::string(kOneVcpuLine) + region.name;
    shown.values = {variable_expression(sum)};
    add(list, std::move(start));
    add(list, std::move(loop));
    add(list, std::move(shown));
  }
}

}  // namespace vmm::fuzz
