#include "sim/tlb.h"

#include <algorithm>
#include <vector>

namespace vmm {

// The map's own order is not the same in every run.
void Tlb::evict_some(Random& random) {
  std::vector<uint64_t> pages;
  for (const auto& [page, entry] : translations_.entries) {
    if (entry.age == translations_.age) pages.push_back(page);
  }
  std::sort(pages.begin(), pages.end());
  for (const uint64_t page : pages) {
    if (random.one_in(8)) translations_.entries.erase(page);
  }
  if (random.one_in(2)) ++regions_.age;
}

}  // namespace vmm
