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
  Bucket& to = bucket(phase, operation);
  const auto now_time = measures_ ? std::chrono::steady_clock::now() : last_time_;
  to.time += now_time - last_time_;
  last_time_ = now_time;
  const auto sums = counter_words(to.counters);
  const auto current = counter_words(now);
  const auto last = counter_words(last_);
  for (size_t i = 0; i < kCounterWords; ++i) {
    if (current[i] == last[i]) continue;  // a trap changes a handful of them
    sums[i] += current[i] - last[i];
    last[i] = current[i];
  }
}

void PhaseAttribution::record_multicall(uint64_t entry_count, uint32_t phase, uint32_t operation) {
  bucket(phase, operation).multicall_sizes.record(entry_count);
}

const PhaseAttribution::Bucket* PhaseAttribution::find(uint32_t phase, uint32_t operation) const {
  return buckets_[checked_phase(phase)][checked_operation(operation)].get();
}

PhaseAttribution::Bucket& PhaseAttribution::Bucket::operator+=(const Bucket& more) {
  counters += more.counters;
  multicall_sizes += more.multicall_sizes;
  time += more.time;
  return *this;
}

PhaseAttribution::Bucket PhaseAttribution::phase_total(uint32_t phase) const {
  Bucket total;
  for (const auto& found : buckets_[checked_phase(phase)]) {
    if (found) total += *found;
  }
  return total;
}

PhaseAttribution::Bucket PhaseAttribution::operation_total(uint32_t operation) const {
  Bucket total;
  for (const auto& row : buckets_) {
    const auto& found = row[checked_operation(operation)];
    if (found) total += *found;
  }
  return total;
}

PhaseAttribution::Bucket& PhaseAttribution::bucket(uint32_t phase, uint32_t operation) {
  auto& place = buckets_[checked_phase(phase)][checked_operation(operation)];
  if (!place) place = std::make_unique<Bucket>();
  return *place;
}

}  // namespace vmm
