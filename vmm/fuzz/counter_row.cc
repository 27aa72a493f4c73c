#include "fuzz/counter_row.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace vmm::fuzz {
namespace {

// A key is phase << 24 | operation << 16 | number of the counter.
constexpr unsigned kPhaseShift = 24, kOperationShift = 16;
constexpr uint32_t kSizes = 0x8000;    // + size of the multicall
constexpr uint32_t kOfPhase = 0xa000;  // the guest's own: + word of GuestCounters
constexpr uint32_t kOfOperation = 0xb000;
static_assert(kCounterWords < kSizes && guest_abi::kMaxPhases <= 256);

constexpr const char* kGuestNames[] = {
#define VMM_NAME(name) #name,
    GUEST_ABI_COUNTERS(VMM_NAME)
#undef VMM_NAME
};
constexpr size_t kGuestWords = std::size(kGuestNames);

uint32_t key_of(uint32_t phase, uint32_t operation, uint32_t number) {
  return phase << kPhaseShift | operation << kOperationShift | number;
}

Counters without_varying(Counters counters) {
  for (unsigned i = 0; i < kTrapCauseCount; ++i) {
    const auto cause = static_cast<TrapCause>(i);
    if (!trap_cause_repeats(cause)) counters.trap(cause) = 0;
  }
  counters.exits.fill(0);
  counters.remote_kicks = counters.coherence_touches = 0;
  return counters;
}

void add_bucket(const PhaseAttribution::Bucket& bucket, uint32_t key, CounterRow& row) {
  const Counters counters = without_varying(bucket.counters);
  const auto words = counter_words(counters);
  for (uint32_t i = 0; i < kCounterWords; ++i) {
    if (words[i] != 0) row.push_back({key | i, 0, words[i]});
  }
  for (unsigned size = 0; size <= MulticallSizes::kLargestExact + 1; ++size) {
    const uint64_t count = bucket.multicall_sizes.count(size);
    if (count != 0) row.push_back({key | kSizes | size, 0, count});
  }
}

void add_guest(const guest_abi::GuestCounters& counters, uint32_t key, CounterRow& row) {
  const uint64_t words[] = {
#define VMM_WORD(name) counters.name,
      GUEST_ABI_COUNTERS(VMM_WORD)
#undef VMM_WORD
  };
  constexpr size_t kSpurious = offsetof(guest_abi::GuestCounters, spurious_faults) / 8;
  for (uint32_t i = 0; i < kGuestWords; ++i) {
    if (i != kSpurious && words[i] != 0) row.push_back({key | i, 0, words[i]});
  }
}

std::string word_name(uint32_t number) {
  if (number < kTrapCauseCount) {
    return absl::StrCat("traps.", trap_cause_name(static_cast<TrapCause>(number)));
  }
  if (number -= kTrapCauseCount; number < kHypercallSlots) {
    return absl::StrCat("hypercalls.", hypercall_name(number));
  }
  if (number -= kHypercallSlots; number < kHypercallSlots) {
    return absl::StrCat("unimplemented.", hypercall_name(number));
  }
  constexpr const char* kMmuNames[] = {
#define VMM_NAME(name) #name,
      PVMMU_MMU_COUNTERS(VMM_NAME)
#undef VMM_NAME
  };
  number += kTrapCauseCount + 2 * kHypercallSlots;
  constexpr size_t kMmu = offsetof(Counters, mmu) / sizeof(uint64_t);
  if (number >= kMmu && number - kMmu < std::size(kMmuNames)) {
    return absl::StrCat("mmu.", kMmuNames[number - kMmu]);
  }
  return absl::StrCat("counter ", number);
}

}  // namespace

CounterRow counter_row(const RunResult& result) {
  CounterRow row;
  for (const VcpuResult& vcpu : result.vcpus) {
    for (uint32_t phase = 0; phase < guest_abi::kMaxPhases; ++phase) {
      for (uint32_t operation = 0; operation < guest_abi::kOperationCount; ++operation) {
        const auto* bucket = vcpu.attribution->find(phase, operation);
        if (bucket != nullptr) add_bucket(*bucket, key_of(phase, operation, 0), row);
      }
      if (vcpu.accounting) {
        add_guest(vcpu.accounting->phases[phase], key_of(phase, 0, kOfPhase), row);
      }
    }
    for (uint32_t i = 0; vcpu.operations && i < guest_abi::kOperationCount; ++i) {
      add_guest(vcpu.operations->operations[i], key_of(0, i, kOfOperation), row);
    }
  }
  std::sort(row.begin(), row.end(),
            [](const CountedValue& one, const CountedValue& other) { return one.key < other.key; });
  return row;
}

std::string counter_name(uint32_t key) {
  const uint32_t number = key & 0xffff;
  const std::string phase = absl::StrCat(" in phase ", key >> kPhaseShift);
  const std::string operation =
      absl::StrCat(" of ", guest_abi::kOperationNames[key >> kOperationShift & 0xff]);
  if (number >= kOfOperation) {
    return absl::StrCat("guest's ", kGuestNames[number - kOfOperation], operation);
  }
  if (number >= kOfPhase) return absl::StrCat("guest's ", kGuestNames[number - kOfPhase], phase);
  if (number >= kSizes) {
    return absl::StrCat("multicalls with ", number - kSizes, " entries", operation, phase);
  }
  return absl::StrCat(word_name(number), operation, phase);
}

std::string first_difference(const CounterRow& one, const CounterRow& other) {
  const size_t common = std::min(one.size(), other.size());
  size_t at = 0;
  while (at < common && one[at] == other[at]) ++at;
  if (at == common && one.size() == other.size()) return "";
  const uint32_t key = std::min(at < one.size() ? one[at].key : UINT32_MAX,
                                at < other.size() ? other[at].key : UINT32_MAX);
  const auto value = [key, at](const CounterRow& row) {
    return at < row.size() && row[at].key == key ? row[at].value : 0;
  };
  return absl::StrCat(counter_name(key), ": ", value(one), " and ", value(other));
}

}  // namespace vmm::fuzz
