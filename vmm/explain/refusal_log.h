// The refusals of one run: which are kept, which are only counted.
//
// A refusal is like another if rule, operation, reason and kind of frame are the same. Of each kind
// the first few are kept and the others counted, so that a guest that asks the same in vain for
// ever floods nobody. The guest cannot make up kinds: all of their parts are the hypervisor's own.
//
// Guarded by the domain's lock.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "explain/refusal_record.h"

namespace vmm {

struct RefusalLimits {
  unsigned of_each_kind = 4;
  unsigned in_all = 32;
};

struct KeptRefusal {
  RefusalRecord record;
  uint64_t alike = 0;  // of its kind, itself included
};

struct RefusalReport {
  std::vector<KeptRefusal> records;  // in the order they happened; the first is refusal 1
  uint64_t dropped = 0;              // that happened but were not kept
  // A line for each kind of which some were not kept; for standard error.
  std::string summary;
};

class RefusalLog {
 public:
  // Takes each explanation that is kept, as it happens; may be empty.
  using Printer = std::function<void(std::string_view line)>;

  explicit RefusalLog(RefusalLimits limits = {}, Printer print = {})
      : limits_(limits), print_(std::move(print)) {}

  // Costs a look at every table of the machine if the refusal is kept, else nothing.
  void add(const FrameSource& frames, unsigned vcpu, const pvmmu::Refusal& refusal,
           absl::FunctionRef<AskedFor()> asked);
  RefusalReport report() const;

 private:
  struct Kind {
    pvmmu::Refusal example;
    uint64_t count = 0;
    uint64_t kept = 0;
  };
  size_t kind_of(const pvmmu::Refusal& refusal);

  const RefusalLimits limits_;
  Printer print_;
  std::vector<Kind> kinds_;
  struct Entry {
    RefusalRecord record;
    size_t kind;
  };
  std::vector<Entry> kept_;
  uint64_t dropped_ = 0;
};

}  // namespace vmm
