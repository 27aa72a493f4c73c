#include "stats/phase_attribution.h"

namespace vmm {
namespace {

uint32_t checked_phase(uint32_t phase) {
  return phase < guest_abi::kMaxPhases ? phase : 0;
}
uint32_t checked_operation(uint32_t operation) {
  return operation < guest_abi::kOperationCount ? operation : 0;
}

}  // namespace

void PhaseAttribution::attribute(const Counters& now, uint32_t phase, uint32_t operation) {
  const auto current = counter_words(now);
  const auto last = counter_words(last_);
  // A trap changes a handful of words: the bucket is looked up once and touched only there.
  uint64_t* to = nullptr;
  for (size_t i = 0; i < kCounterWords; ++i) {
    if (current[i] == last[i]) continue;
    if (to == nullptr) to = counter_words(bucket(phase, operation).counters).data();
    to[i] += current[i] - last[i];
    last[i] = current[i];
  }
}

void PhaseAttribution::record_multicall(uint64_t entry_count, uint32_t phase, uint32_t operation) {
  bucket(phase, operation).multicall_sizes.record(entry_count);
}

const PhaseAttribution::Bucket* PhaseAttribution::find(uint32_t phase, uint32_t operation) const {
  return buckets_[checked_phase(phase)][checked_operation(operation)].get();
}

PhaseAttribution::Bucket PhaseAttribution::phase_total(uint32_t phase) const {
  Bucket total;
  for (const auto& found : buckets_[checked_phase(phase)]) {
    if (!found) continue;
    total.counters += found->counters;
    total.multicall_sizes += found->multicall_sizes;
  }
  return total;
}

PhaseAttribution::Bucket PhaseAttribution::operation_total(uint32_t operation) const {
  Bucket total;
  for (const auto& row : buckets_) {
    const auto& found = row[checked_operation(operation)];
    if (!found) continue;
    total.counters += found->counters;
    total.multicall_sizes += found->multicall_sizes;
  }
  return total;
}

PhaseAttribution::Bucket& PhaseAttribution::bucket(uint32_t phase, uint32_t operation) {
  auto& place = buckets_[checked_phase(phase)][checked_operation(operation)];
  if (!place) place = std::make_unique<Bucket>();
  return *place;
}

}  // namespace vmm
