#include "random_hostile/tally.h"

#include "runtime/console.h"

namespace random_hostile {

using test_guest::Line;

void Tally::count(uint64_t number, int64_t result) {
  ++calls[number < kNumbers ? number : kNumbers];
  if (result >= 0) {
    ++good;
  } else {
    ++refused[result > -int64_t{kErrnos} ? static_cast<unsigned>(-result) : kErrnos];
  }
}

void Tally::add(const Tally& more) {
  rounds += more.rounds;
  for (unsigned i = 0; i <= kNumbers; ++i) calls[i] += more.calls[i];
  good += more.good;
  for (unsigned i = 0; i <= kErrnos; ++i) refused[i] += more.refused[i];
  traps += more.traps;
  trees += more.trees;
  user_entries += more.user_entries;
  violations += more.violations;
}

uint64_t Tally::call_count() const {
  uint64_t sum = 0;
  for (const uint64_t count : calls) sum += count;
  return sum;
}

void Tally::print() const {
  test_guest::print(
      "random-hostile: rounds ", static_cast<int64_t>(rounds), ", hypercalls ",
      static_cast<int64_t>(call_count()), ", good ", static_cast<int64_t>(good), ", traps ",
      static_cast<int64_t>(traps), ", trees ", static_cast<int64_t>(trees), ", user entries ",
      static_cast<int64_t>(user_entries), ", violations ", static_cast<int64_t>(violations));
  Line errors;
  errors.add("random-hostile: refused by errno:");
  for (unsigned i = 0; i <= kErrnos; ++i) {
    if (refused[i] == 0) continue;
    errors.add(" ").add(int64_t{i}).add(":").add(static_cast<int64_t>(refused[i]));
  }
  errors.print();
  Line numbers;
  numbers.add("random-hostile: calls by number:");
  for (unsigned i = 0; i <= kNumbers; ++i) {
    if (calls[i] == 0) continue;
    numbers.add(" ").add(int64_t{i}).add(":").add(static_cast<int64_t>(calls[i]));
  }
  numbers.print();
}

}  // namespace random_hostile
