// Pieces of statements.
#include <utility>

#include "absl/strings/str_cat.h"
#include "fuzz/generator.h"
#include "guest_abi/syscall.h"

namespace vmm::fuzz {

Statement make_statement(Statement::Kind kind) {
  Statement s;
  s.kind = kind;
  return s;
}

Statement make_statement(Statement::Kind kind, PageRange pages) {
  Statement s = make_statement(kind);
  s.pages = std::move(pages);
  return s;
}

PageRange page_of(const std::string& region, Expression index) {
  return {region, PageRange::Extent::kOne, {std::move(index)}};
}

PageRange pages_of(const std::string& region, uint32_t first, uint32_t end) {
  return {region, PageRange::Extent::kRange, {number_expression(first), number_expression(end)}};
}

Expression variable_expression(const std::string& name) {
  Expression e;
  e.kind = Expression::Kind::kVariable;
  e.name = name;
  return e;
}

Expression call_expression(Function function) {
  Expression e;
  e.kind = Expression::Kind::kCall;
  e.function = function;
  return e;
}

Expression call_expression(Function function, PageRange pages) {
  Expression e = call_expression(function);
  e.pages = std::move(pages);
  return e;
}

Expression operation(Operator op, Expression left, Expression right) {
  Expression e;
  e.kind = Expression::Kind::kOperator;
  e.op = op;
  e.operands = {std::move(left), std::move(right)};
  return e;
}

const RegionPlace& Generator::some_region() {
  return oracle_.regions()[random_.below(oracle_.regions().size())];
}

// Mostly short ranges, and now and then across the border of two page tables. `mapped`: where
// something is, if that is found soon.
PageRange Generator::some_pages(bool mapped) {
  constexpr uint32_t kTable = 512;
  const RegionPlace& region = some_region();
  uint32_t first = 0;
  for (unsigned tries = 0; tries < 6; ++tries) {
    first = static_cast<uint32_t>(random_.below(region.count));
    if (region.count > kTable && chance(70)) {
      first = kTable - 6 + static_cast<uint32_t>(random_.below(10));
    }
    if (!mapped || oracle_.space()[region.first + first].mapped) break;
  }
  if (chance(6) && region.count <= kTable) return {region.name, PageRange::Extent::kAll, {}};
  if (chance(35)) return page_of(region.name, number_expression(first));
  const uint32_t most = region.count - first;
  uint32_t count = 1 + static_cast<uint32_t>(random_.below(chance(75) ? 8 : 40));
  if (region.count > kTable && chance(6)) count = most;
  return pages_of(region.name, first, first + std::min(count, most));
}

PageRange Generator::one_page(bool mapped) {
  PageRange pages = some_pages(mapped);
  if (pages.bounds.empty()) pages.bounds = {number_expression(0)};
  pages.bounds.resize(1);
  if (pages.bounds[0].number == some_region().count) pages.bounds[0].number = 0;
  pages.extent = PageRange::Extent::kOne;
  return pages;
}

uint64_t Generator::some_protection() {
  using guest_abi::kProtExec, guest_abi::kProtRead, guest_abi::kProtWrite;
  const uint64_t number = random_.below(20);
  if (number < 11) return kProtRead | kProtWrite;
  if (number < 15) return kProtRead;
  if (number < 17) return 0;
  return number < 18 ? kProtRead | kProtExec : kProtRead | kProtWrite | kProtExec;
}

// Values differ, so that a mix-up of pages shows.
Expression Generator::some_value() {
  value_ += 1 + random_.below(9);
  const uint64_t number = value_ * 1000;
  switch (random_.below(8)) {
    case 0:
    case 1:
      return number_expression(number);
    case 2: {
      Expression e = call_expression(Function::kRandom);
      e.operands = {number_expression(1 + random_.below(1000))};
      return operation(Operator::kAdd, e, number_expression(number));
    }
    case 3: {
      Expression e;
      e.kind = Expression::Kind::kWord;
      e.pages = one_page(true);
      return operation(Operator::kAdd, e, number_expression(number));
    }
    default:
      return page_expression(1 + random_.below(20), number);
  }
}

// A workload has room for 30.
std::string Generator::some_label() {
  constexpr unsigned kMostLabels = 12;
  if (labels_ < kMostLabels) ++labels_;
  return absl::StrCat("part ", 1 + random_.below(labels_));
}

std::string Generator::fresh_name(const char* prefix) {
  return absl::StrCat(prefix, ++names_);
}

}  // namespace vmm::fuzz
