// Statements without blocks.
#include <algorithm>
#include <utility>

#include "fuzz/generator.h"
#include "fuzz/shrink.h"
#include "guest_abi/syscall.h"

namespace vmm::fuzz {

using Kind = Statement::Kind;

bool Generator::add(List& list, Statement s) {
  if (!oracle_.step(s)) return false;
  list.push_back(std::move(s));
  if (left_ != 0) --left_;
  return true;
}

// As add(), of a block whose statements were not counted yet.
bool Generator::add_block(List& list, Statement s) {
  const auto count = static_cast<unsigned>(statement_count(s.body));
  if (!add(list, std::move(s))) return false;
  left_ -= std::min(left_, count);
  return true;
}

void Generator::map(List& list) {
  map_as(list, make_statement(Kind::kMap, some_pages(false)));
}

void Generator::map_as(List& list, Statement s) {
  s.protection = chance(70) ? guest_abi::kProtRead | guest_abi::kProtWrite : some_protection();
  const uint64_t number = random_.below(20);
  s.backing = number < 11   ? uint64_t{guest_abi::kMapPrivate}
              : number < 14 ? uint64_t{guest_abi::kMapShared}
              : number < 18 ? uint64_t{guest_abi::kMapFile}
                            : uint64_t{guest_abi::kMapDevice};
  add(list, std::move(s));
}

void Generator::unmap(List& list) {
  add(list, make_statement(Kind::kUnmap, some_pages(true)));
}

void Generator::protect(List& list) {
  const bool naively = chance(8) && options_.breaks_rules;
  Statement s = make_statement(naively ? Kind::kProtectNaive : Kind::kProtect, some_pages(true));
  s.protection = some_protection();
  add(list, std::move(s));
}

void Generator::populate(List& list) {
  Statement s = make_statement(Kind::kPopulate, some_pages(true));
  if (chance(20)) s.text = some_label();
  add(list, std::move(s));
}

void Generator::drop(List& list) {
  add(list, make_statement(Kind::kDontNeed, some_pages(true)));
}

void Generator::swap_out(List& list) {
  add(list, make_statement(Kind::kSwapOut, some_pages(true)));
}

void Generator::write_back(List& list) {
  add(list, make_statement(Kind::kWriteback, some_pages(true)));
}

void Generator::clear_refs(List& list) {
  add(list, make_statement(Kind::kClearRefs, some_pages(true)));
}

void Generator::move(List& list) {
  Statement s = make_statement(Kind::kMove, some_pages(true));
  PageRange target = some_pages(false);
  if (target.extent != PageRange::Extent::kAll) {
    target = page_of(target.region, target.bounds[0]);
  } else if (s.pages->extent == PageRange::Extent::kAll && s.pages->region == target.region) {
    return;
  }
  s.target = std::move(target);
  add(list, std::move(s));
}

void Generator::read(List& list) {
  add(list, make_statement(Kind::kRead, some_pages(true)));
}

void Generator::write(List& list) {
  Statement s = make_statement(Kind::kWrite, some_pages(true));
  s.values = {some_value()};
  add(list, std::move(s));
}

void Generator::check(List& list) {
  Statement s = make_statement(Kind::kCheck, some_pages(true));
  s.values = {number_expression(0)};
  add(list, std::move(s));
}

void Generator::fill_pages(List& list) {
  Statement s = make_statement(Kind::kFill, one_page(true));
  s.values = {some_value()};
  const PageRange pages = *s.pages;
  if (!add(list, std::move(s)) || chance(50)) return;
  Statement verified = make_statement(Kind::kVerify, pages);
  verified.values = {number_expression(0)};
  add(list, std::move(verified));
}

// Where a page was filled, if one is found.
void Generator::verify(List& list) {
  for (unsigned tries = 0; tries < 8; ++tries) {
    const RegionPlace& region = some_region();
    const auto page = static_cast<uint32_t>(random_.below(region.count));
    if (!oracle_.space()[region.first + page].readable()) continue;
    if (!oracle_.memory().peek(oracle_.space(), region.first + page).fill) continue;
    Statement s = make_statement(Kind::kVerify, page_of(region.name, number_expression(page)));
    s.values = {number_expression(0)};
    add(list, std::move(s));
    return;
  }
}

void Generator::count_up(List& list) {
  Statement s = make_statement(Kind::kAdd, some_pages(true));
  s.values = {number_expression(1 + random_.below(100))};
  add(list, std::move(s));
}

// What an entry says.
void Generator::ask(List& list) {
  constexpr Function kAsked[] = {Function::kPresent, Function::kWritable,  Function::kAccessed,
                                 Function::kDirty,   Function::kDirty,     Function::kSwapped,
                                 Function::kSwapped, Function::kPageDirty, Function::kHasTable};
  Statement s = make_statement(Kind::kExpect);
  const Function asked = kAsked[random_.below(std::size(kAsked))];
  s.values = {
      operation(Operator::kEqual, call_expression(asked, one_page(true)), number_expression(0))};
  add(list, std::move(s));
}

void Generator::try_access(List& list) {
  const bool write = chance(50);
  Expression tried =
      call_expression(write ? Function::kTryWrite : Function::kTryRead, one_page(true));
  if (write) tried.operands = {some_value()};
  Statement s = make_statement(Kind::kExpect);
  s.values = {operation(Operator::kEqual, std::move(tried), number_expression(0))};
  add(list, std::move(s));
}

// A command of the accelerator on one page, the wait for it, and now and then its result.
void Generator::device(List& list) {
  constexpr Kind kKinds[] = {Kind::kDeviceCopy, Kind::kDeviceFill, Kind::kDeviceFill,
                             Kind::kDeviceCas, Kind::kDeviceChecksum};
  Statement s = make_statement(kKinds[random_.below(std::size(kKinds))], one_page(true));
  if (s.kind == Kind::kDeviceCopy) s.target = one_page(true);
  if (s.kind == Kind::kDeviceFill || s.kind == Kind::kDeviceCas) s.values = {some_value()};
  if (s.kind == Kind::kDeviceCas) s.values.push_back(number_expression(random_.below(100)));
  const bool has_result = s.kind == Kind::kDeviceCas || s.kind == Kind::kDeviceChecksum;
  if (!add(list, std::move(s))) return;
  const auto expect = [&](Function function) {
    Statement asked = make_statement(Kind::kExpect);
    asked.values = {operation(Operator::kEqual, call_expression(function), number_expression(0))};
    add(list, std::move(asked));
  };
  if (chance(25)) {
    expect(Function::kDeviceError);
  } else {
    add(list, make_statement(Kind::kDeviceWait));
  }
  if (has_result) expect(Function::kDeviceResult);
}

void Generator::print(List& list) {
  Statement s = make_statement(Kind::kPrint);
  if (chance(30)) {
    s.text = std::string(kAgedLine) + "young";
    s.values = {call_expression(Function::kYoung, some_pages(true))};
  } else {
    s.text = "value";
    if (chance(80)) s.values = {some_value()};
    if (chance(20)) s.values = {call_expression(Function::kSeed)};
  }
  add(list, std::move(s));
}

void Generator::wait_for_nobody(List& list) {
  if (oracle_.live_children() == 0) add(list, make_statement(Kind::kWait));
}

void Generator::pause(List& list) {
  constexpr Kind kKinds[] = {Kind::kYield, Kind::kRelax, Kind::kSleep, Kind::kSpin, Kind::kJoin};
  Statement s = make_statement(kKinds[random_.below(std::size(kKinds))]);
  if (s.kind == Kind::kSleep || s.kind == Kind::kSpin) {
    s.values = {number_expression(1 + random_.below(3))};
  }
  add(list, std::move(s));
}

void Generator::variable(List& list) {
  Statement s = make_statement(Kind::kVar);
  s.name = fresh_name("v");
  s.values = {number_expression(random_.below(100))};
  Statement assigned = make_statement(Kind::kAssign);
  assigned.name = s.name;
  assigned.values = {operation(Operator::kMul, variable_expression(s.name), number_expression(3))};
  Statement written = make_statement(Kind::kWrite, some_pages(true));
  written.values = {operation(Operator::kAdd, variable_expression(s.name), some_value())};
  // In a block of its own: the registers of a workload are few.
  Statement scope = make_statement(Kind::kRepeat);
  scope.values = {number_expression(1)};
  scope.has_body = true;
  scope.body = {std::move(s), std::move(assigned), std::move(written)};
  const Oracle before = oracle_;
  if (!add_block(list, std::move(scope))) oracle_ = before;
}

void Generator::pin(List& list) {
  Statement s = make_statement(Kind::kPinTest);
  s.values = {number_expression(1 + random_.below(20))};
  if (chance(50)) s.text = s.second_text = some_label();
  add(list, std::move(s));
}

void Generator::truth(List& list) {
  Statement s = make_statement(Kind::kExpect);
  s.values = {chance(50) ? operation(Operator::kLess, call_expression(Function::kVcpu),
                                     call_expression(Function::kVcpuCount))
                         : operation(Operator::kGreater, call_expression(Function::kPid),
                                     number_expression(0))};
  add(list, std::move(s));
}

}  // namespace vmm::fuzz
