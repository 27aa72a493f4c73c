#include <algorithm>

#include "report/crash_report.h"

namespace vmm {

void HypercallRing::begin(uint64_t number, const std::array<uint64_t, 6>& arguments) {
  records_[begun_++ % kCapacity] = {.number = number, .arguments = arguments};
}

void HypercallRing::end(int64_t result) {
  if (begun_ == 0) return;
  HypercallRecord& record = records_[(begun_ - 1) % kCapacity];
  record.result = result;
  record.completed = true;
}

std::vector<HypercallRecord> HypercallRing::last() const {
  std::vector<HypercallRecord> records;
  const uint64_t count = std::min<uint64_t>(begun_, kCapacity);
  for (uint64_t i = begun_ - count; i < begun_; ++i) records.push_back(records_[i % kCapacity]);
  return records;
}

}  // namespace vmm
