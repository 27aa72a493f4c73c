// How many multicalls had how many entries: a histogram with one exact bin per size up to a bound.
#pragma once

#include <stdint.h>

#include <array>
#include <memory>

namespace vmm {

class MulticallSizes {
 public:
  static constexpr unsigned kLargestExact = 512;
  static constexpr unsigned kBinCount = kLargestExact + 2;  // the last bin: all that are larger

  void record(uint64_t entry_count);
  // Multicalls with exactly this many entries; bin kLargestExact + 1 has the larger ones.
  uint64_t count(unsigned bin) const { return bins_ ? (*bins_)[bin] : 0; }
  MulticallSizes& operator+=(const MulticallSizes& more);

 private:
  using Bins = std::array<uint64_t, kBinCount>;
  std::unique_ptr<Bins> bins_;  // made by the first record: most buckets never see a multicall
};

}  // namespace vmm
