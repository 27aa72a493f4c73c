// What a vCPU counts: its hypercalls by number, and their results by errno.
#pragma once

#include <stdint.h>

namespace random_hostile {

struct Tally {
  static constexpr unsigned kNumbers = 64;
  static constexpr unsigned kErrnos = 128;

  uint64_t rounds = 0;
  uint64_t calls[kNumbers + 1] = {};  // the last: all numbers beyond
  uint64_t good = 0;
  uint64_t refused[kErrnos + 1] = {};  // the last: results that are no errno of Xen's
  uint64_t traps = 0;                  // that ended a guarded access
  uint64_t trees = 0;                  // pinned or run on, of those built by this vCPU
  uint64_t user_entries = 0;
  uint64_t violations = 0;  // what the hypervisor must refuse, and did not

  void count(uint64_t number, int64_t result);
  void add(const Tally& more);
  uint64_t call_count() const;
  void print() const;
};

}  // namespace random_hostile
