#include "fuzz/generator.h"

#include <algorithm>
#include <utility>

namespace vmm::fuzz {

using Kind = Statement::Kind;

const std::vector<Generator::Choice>& Generator::choices() {
  static const std::vector<Choice> kChoices = {
      {8, &Generator::map},        {4, &Generator::unmap},
      {11, &Generator::protect},   {5, &Generator::populate},
      {4, &Generator::drop},       {7, &Generator::swap_out},
      {4, &Generator::write_back}, {4, &Generator::clear_refs},
      {6, &Generator::move},       {6, &Generator::read},
      {16, &Generator::write},     {13, &Generator::check},
      {1, &Generator::fill_pages}, {1, &Generator::verify},
      {4, &Generator::count_up},   {9, &Generator::ask},
      {3, &Generator::try_access}, {9, &Generator::device},
      {2, &Generator::print},      {1, &Generator::wait_for_nobody},
      {2, &Generator::pause},      {1, &Generator::variable},
      {1, &Generator::pin},        {1, &Generator::truth},
      {6, &Generator::fork},       {2, &Generator::threads},
      {3, &Generator::loop},       {1, &Generator::turns},
      {2, &Generator::condition},  {1, &Generator::phase},
  };
  return kChoices;
}

// Most are a few pages; now and then one reaches into a second table, or a third.
void Generator::regions(List& list) {
  const unsigned count = 2 + static_cast<unsigned>(random_.below(3));
  for (unsigned i = 0; i < count; ++i) {
    Statement s = make_statement(Kind::kRegion);
    uint64_t pages = 4 + random_.below(24);
    if (chance(12)) pages = 512 + random_.below(520);
    const std::string before = oracle_.regions().empty() ? "" : oracle_.regions().back().name;
    if (chance(30)) s.after = before;
    s.name = std::string(1, static_cast<char>('a' + i));
    s.values = {number_expression(pages)};
    add(list, std::move(s));
  }
}

// So that most of what follows finds something.
void Generator::map_regions(List& list) {
  const std::vector<RegionPlace> regions = oracle_.regions();
  for (const RegionPlace& region : regions) {
    constexpr uint64_t kMost = 64;  // of a device
    Statement s = make_statement(Kind::kMap, {region.name, PageRange::Extent::kAll, {}});
    if (region.count > kMost) s.pages = pages_of(region.name, 490, 490 + kMost);
    if (chance(75)) map_as(list, std::move(s));
  }
}

void Generator::fill(List& list, unsigned count) {
  unsigned total = 0;
  for (const Choice& choice : choices()) total += choice.weight;
  // Tries that come to nothing are not statements, but must not go on for ever.
  for (unsigned tries = 4 * count; tries != 0 && count != 0 && left_ != 0; --tries) {
    if (oracle_.ended()) return;
    uint64_t number = random_.below(total);
    const auto* choice = choices().data();
    while (number >= choice->weight) number -= (choice++)->weight;
    const unsigned before = left_;
    (this->*choice->make)(list);
    count -= std::min(count, before - left_);
  }
}

Script Generator::make() {
  Script script;
  regions(script);
  // The checks at the end are an eighth.
  left_ = options_.operations - options_.operations / 8;
  map_regions(script);
  while (left_ != 0) fill(script, left_);
  Statement joined = make_statement(Kind::kJoin);
  add(script, std::move(joined));
  while (oracle_.live_children() != 0 && add(script, make_statement(Kind::kWait))) {
  }
  check_everything(script);
  if (chance(30)) print_entries(script);
  return script;
}

}  // namespace vmm::fuzz
