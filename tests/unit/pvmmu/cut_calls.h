// Calls that are made in pieces, for tests of what a cut leaves and what may come in between.
#pragma once

#include <cstring>
#include <vector>

#include "test_domain.h"

namespace pvmmu::testing {

class CutCallsTest : public DomainTest {
 protected:
  using DomainTest::DomainTest;
  // Every call stops after so many steps; 0: never.
  void cut_every(uint32_t steps) {
    if (steps == 0) {
      platform.allow = nullptr;
    } else {
      platform.allow = [steps](bool, uint64_t made) -> uint32_t {
        return made < steps ? static_cast<uint32_t>(steps - made) : 0;
      };
    }
  }
  // Places the operation in guest memory and makes the first piece of the call.
  int64_t begin(unsigned command, Mfn frame) {
    const ::mmuext_op made = operation(command, frame.raw());
    std::memcpy(platform.bytes(Maddr(kRequests, 0)), &made, sizeof made);
    return go_on();
  }
  int64_t go_on() {
    return mmu.mmuext_op(call, address_of(kRequests), 1, LinearAddr(0), DOMID_SELF);
  }
  // Pieces until the end, with a recount after each. Fails if there is no end.
  int64_t to_the_end(int64_t result, unsigned* pieces = nullptr) {
    unsigned made = 1;
    for (; result == kPreempted && made < 5'000; ++made) {
      audit_agrees();
      if (HasFailure()) return result;
      result = go_on();
    }
    if (pieces != nullptr) *pieces = made;
    audit_agrees();
    return result;
  }
  // An L4 tree with several tables on each level, a same-level entry, an entry without USER, and
  // present entries in the last slots. Returns the tables, root first.
  std::vector<Mfn> build_wide_tree(Mfn data) {
    const auto first = build_tables(PtLevel::kL4, data);
    const auto second = build_tables(PtLevel::kL3, data);
    set(first[0], 511, entry_of(second[0], kFlagsRo));
    set(first[0], 5, entry_of(first[0], kFlagsRo));
    set(first[1], 511, entry_of(second[1], kFlagsRo));
    set(first[2], 9, entry_of(second[2], kFlagsRo & ~kPteUser));
    set(second[2], 7, entry_of(data, kFlagsRo));
    std::vector<Mfn> tables = first;
    tables.insert(tables.end(), second.begin(), second.end());
    return tables;
  }
  std::vector<uint64_t> contents(const std::vector<Mfn>& frames) {
    std::vector<uint64_t> words;
    for (const Mfn frame : frames) {
      for (unsigned slot = 0; slot < kEntriesPerTable; ++slot) words.push_back(get(frame, slot));
    }
    return words;
  }
  void restore(const std::vector<Mfn>& frames, const std::vector<uint64_t>& words) {
    for (size_t i = 0; i < frames.size(); ++i) {
      for (unsigned slot = 0; slot < kEntriesPerTable; ++slot) {
        set(frames[i], slot, words[i * kEntriesPerTable + slot]);
      }
    }
  }
};

}  // namespace pvmmu::testing
