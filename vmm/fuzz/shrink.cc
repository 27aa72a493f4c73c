#include "fuzz/shrink.h"

#include <algorithm>
#include <utility>

#include "fuzz/oracle.h"
#include "workload/printer.h"

namespace vmm::fuzz {
namespace {

using Kind = Statement::Kind;
using List = std::vector<Statement>;

// Statements are numbered in the order in which they are printed.
void remove_from(List& list, size_t first, size_t end, size_t& number) {
  List kept;
  for (Statement& s : list) {
    const size_t own = number++;
    const bool gone = own >= first && own < end;
    if (gone) {
      number += statement_count(s.body) + statement_count(s.otherwise);
      continue;
    }
    remove_from(s.body, first, end, number);
    remove_from(s.otherwise, first, end, number);
    kept.push_back(std::move(s));
  }
  list = std::move(kept);
}

Statement* find_in(List& list, size_t wanted, size_t& number, List** holder, size_t* place) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (number++ == wanted) {
      *holder = &list;
      *place = i;
      return &list[i];
    }
    for (List* inner : {&list[i].body, &list[i].otherwise}) {
      if (Statement* found = find_in(*inner, wanted, number, holder, place)) return found;
    }
  }
  return nullptr;
}

class Shrinker {
 public:
  Shrinker(Script script, const StillFails& still_fails, const GiveUp& give_up)
      : best_(std::move(script)), still_fails_(still_fails), give_up_(give_up) {}

  Script run() {
    bool smaller = true;
    while (smaller && !give_up_()) {
      smaller = remove_statements();
      smaller = unwrap_blocks() || smaller;
      smaller = simplify_statements() || smaller;
    }
    return std::move(best_);
  }

 private:
  // Takes the candidate if it fails too, and is another script.
  bool try_script(Script candidate) {
    Oracle oracle;
    if (give_up_() || !oracle.correct(candidate)) return false;
    if (print_script(candidate) == print_script(best_) || !still_fails_(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }

  bool remove_statements() {
    bool any = false;
    for (size_t size = std::max<size_t>(statement_count(best_) / 2, 1);; size /= 2) {
      for (size_t first = 0; first < statement_count(best_);) {
        Script candidate = best_;
        size_t number = 0;
        remove_from(candidate, first, first + size, number);
        if (try_script(std::move(candidate))) {
          any = true;
        } else {
          first += size;
        }
      }
      if (size == 1) return any;
    }
  }

  // Calls change(statement, list, place) for each statement of a copy; takes what fails too.
  template <typename Change>
  bool change_each(Change change) {
    bool any = false;
    for (size_t wanted = 0; wanted < statement_count(best_); ++wanted) {
      Script candidate = best_;
      size_t number = 0, place = 0;
      List* holder = nullptr;
      Statement* s = find_in(candidate, wanted, number, &holder, &place);
      if (!change(*s, *holder, place)) continue;
      if (try_script(std::move(candidate))) {
        any = true;
        --wanted;  // perhaps more of the same
      }
    }
    return any;
  }

  bool unwrap_blocks() {
    const auto replace = [](List& list, size_t place, List inner) {
      const auto at = list.erase(list.begin() + static_cast<ptrdiff_t>(place));
      list.insert(at, std::make_move_iterator(inner.begin()), std::make_move_iterator(inner.end()));
      return true;
    };
    const bool any = change_each([&replace](Statement& s, List& list, size_t place) {
      return s.has_body && replace(list, place, std::move(s.body));
    });
    return change_each([&replace](Statement& s, List& list, size_t place) {
             return !s.otherwise.empty() && replace(list, place, std::move(s.otherwise));
           }) ||
           any;
  }

  bool simplify_statements() {
    bool any = change_each([](Statement& s, List&, size_t) { return first_half(s); });
    any = change_each([](Statement& s, List&, size_t) { return without_first(s); }) || any;
    any = change_each([](Statement& s, List&, size_t) { return smaller_number(s); }) || any;
    any = change_each([](Statement& s, List&, size_t) { return simpler_value(s); }) || any;
    any = change_each([](Statement& s, List&, size_t) { return apart(s); }) || any;
    for (const Script& candidate :
         {with_pages_lower(1), with_pages_lower(8), with_pages_lower(64)}) {
      any = try_script(candidate) || any;
    }
    return change_each([](Statement& s, List&, size_t) { return plainer(s); }) || any;
  }

  static bool is_number(const Expression& e) { return e.kind == Expression::Kind::kNumber; }

  static bool first_half(Statement& s) {
    if (!s.pages || s.pages->extent != PageRange::Extent::kRange) return false;
    std::vector<Expression>& bounds = s.pages->bounds;
    if (!is_number(bounds[0]) || !is_number(bounds[1])) return false;
    const uint64_t first = bounds[0].number, end = bounds[1].number;
    if (end <= first) return false;
    const uint64_t half = first + (end - first) / 2;
    if (half == first) {
      s.pages->extent = PageRange::Extent::kOne;
      bounds.pop_back();
    } else {
      bounds[1].number = half;
    }
    return true;
  }

  static bool without_first(Statement& s) {
    if (!s.pages || s.pages->extent != PageRange::Extent::kRange) return false;
    std::vector<Expression>& bounds = s.pages->bounds;
    if (!is_number(bounds[0]) || !is_number(bounds[1])) return false;
    if (bounds[0].number + 1 >= bounds[1].number) return false;
    ++bounds[0].number;
    return true;
  }

  // Sizes of regions, turns of loops, statuses.
  static bool smaller_number(Statement& s) {
    switch (s.kind) {
      case Kind::kRegion:
      case Kind::kRepeat:
      case Kind::kFor:
      case Kind::kPinTest:
      case Kind::kSleep:
      case Kind::kSpin:
      case Kind::kExit:
        break;
      default:
        return false;
    }
    Expression& number = s.values.back();
    if (!is_number(number) || number.number <= 1) return false;
    number.number = number.number > 8 ? number.number / 2 : number.number - 1;
    return true;
  }

  static bool simpler_value(Statement& s) {
    const bool valued = s.kind == Kind::kWrite || s.kind == Kind::kFill || s.kind == Kind::kAdd ||
                        s.kind == Kind::kVar;
    if (!valued) return false;
    if (is_number(s.values[0]) && s.values[0].number < 10) return false;
    s.values[0] = number_expression(1);
    return true;
  }

  static bool apart(Statement& s) {
    if (s.kind != Kind::kRegion || s.after.empty()) return false;
    s.after.clear();
    return true;
  }

  static void lower(List& list, uint64_t by) {
    for (Statement& s : list) {
      for (std::optional<PageRange>* range : {&s.pages, &s.target}) {
        if (!*range) continue;
        for (Expression& bound : (*range)->bounds) {
          if (is_number(bound)) bound.number -= std::min(bound.number, by);
        }
      }
      for (Expression& value : s.values) lower(value, by);
      lower(s.body, by);
      lower(s.otherwise, by);
    }
  }

  static void lower(Expression& e, uint64_t by) {
    if (e.pages && !e.pages->bounds.empty() && is_number(e.pages->bounds[0])) {
      for (Expression& bound : e.pages->bounds) bound.number -= std::min(bound.number, by);
    }
    for (Expression& operand : e.operands) lower(operand, by);
  }

  // All pages that are named, nearer to the start of their regions.
  Script with_pages_lower(uint64_t by) const {
    Script candidate = best_;
    lower(candidate, by);
    return candidate;
  }

  static bool plainer(Statement& s) {
    if (s.kind == Kind::kPopulate && !s.text.empty()) {
      s.text.clear();
      return true;
    }
    if (s.kind == Kind::kFill || s.kind == Kind::kAdd) {
      s.kind = Kind::kWrite;
      return true;
    }
    if (s.kind == Kind::kMap && s.backing != 0) {
      s.backing = 0;
      return true;
    }
    return false;
  }

  Script best_;
  const StillFails& still_fails_;
  const GiveUp& give_up_;
};

}  // namespace

size_t statement_count(const Script& script) {
  size_t count = 0;
  for (const Statement& s : script) {
    count += 1 + statement_count(s.body) + statement_count(s.otherwise);
  }
  return count;
}

Script shrink(Script script, const StillFails& still_fails, const GiveUp& give_up) {
  return Shrinker(std::move(script), still_fails, give_up).run();
}

}  // namespace vmm::fuzz
