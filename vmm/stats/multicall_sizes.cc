#include "stats/multicall_sizes.h"

#include <algorithm>

namespace vmm {

void MulticallSizes::record(uint64_t entry_count) {
  if (!bins_) bins_ = std::make_unique<Bins>();
  ++(*bins_)[std::min<uint64_t>(entry_count, kLargestExact + 1)];
}

MulticallSizes& MulticallSizes::operator+=(const MulticallSizes& more) {
  if (!more.bins_) return *this;
  if (!bins_) bins_ = std::make_unique<Bins>();
  for (unsigned bin = 0; bin < kBinCount; ++bin) (*bins_)[bin] += (*more.bins_)[bin];
  return *this;
}

}  // namespace vmm
