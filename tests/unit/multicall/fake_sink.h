// A hypervisor that obeys and remembers: every hypercall, every call inside a multicall, every
// request in an argument array, in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "multicall/queue.h"

namespace multicall {

struct SeenCall {
  uint64_t op;
  std::vector<uint64_t> args;
};

class FakeSink {
 public:
  int64_t call(uint64_t op, const uint64_t (&args)[6]) {
    ++hypercalls;
    if (op != __HYPERVISOR_multicall) {
      return take(op, args);
    }
    if (multicall_result != 0) {
      return multicall_result;
    }
    auto* entries = reinterpret_cast<multicall_entry_t*>(args[0]);
    multicall_sizes.push_back(static_cast<unsigned>(args[1]));
    for (uint64_t i = 0; i < args[1]; ++i) {
      entries[i].result = static_cast<uint64_t>(take(entries[i].op, entries[i].args));
    }
    return 0;
  }
  uint64_t mask_events() { return masked++; }
  void restore_events(uint64_t saved) { masked = saved; }
  void entry_failed(const FailedEntry& entry) { failures.push_back(entry); }
  void flushed(FlushReason reason, unsigned) { ++flushes[reason]; }
  void callback_ran() { ++callbacks; }
  uint64_t linear_address(const void* place) { return reinterpret_cast<uint64_t>(place); }

  unsigned hypercalls = 0;
  std::vector<unsigned> multicall_sizes;
  std::vector<SeenCall> calls;  // each call, in or out of a multicall
  std::vector<std::pair<uint64_t, uint64_t>> updates;
  std::vector<mmuext_op_t> operations;
  std::vector<FailedEntry> failures;
  std::map<FlushReason, unsigned> flushes;
  std::map<uint64_t, int64_t> result_of_op;  // what is not 0
  int64_t multicall_result = 0;
  unsigned callbacks = 0;
  uint64_t masked = 0;

 private:
  template <typename Args>
  int64_t take(uint64_t op, const Args& args) {
    calls.push_back({op, {args, args + 6}});
    if (op == __HYPERVISOR_mmu_update) {
      const auto* requests = reinterpret_cast<const mmu_update_t*>(args[0]);
      std::for_each(requests, requests + args[1],
                    [&](const mmu_update_t& u) { updates.emplace_back(u.ptr, u.val); });
    } else if (op == __HYPERVISOR_mmuext_op) {
      const auto* first = reinterpret_cast<const mmuext_op_t*>(args[0]);
      operations.insert(operations.end(), first, first + args[1]);
    }
    const auto found = result_of_op.find(op);
    return found == result_of_op.end() ? 0 : found->second;
  }
};

static_assert(HypercallSink<FakeSink>);

}  // namespace multicall
