#include "domain/p2m.h"

#include <utility>

namespace vmm {
namespace {

// splitmix64: a full-period generator whose sequence is fixed by its definition.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  // In [0, limit), limit > 0. The bias of the remainder is harmless here.
  uint64_t below(uint64_t limit) { return next() % limit; }

 private:
  uint64_t state_;
};

}  // namespace

std::vector<pvmmu::Mfn> make_p2m(P2mOrder order, pvmmu::Mfn first, uint64_t count, uint64_t seed) {
  std::vector<pvmmu::Mfn> p2m(count);
  for (uint64_t pfn = 0; pfn < count; ++pfn) p2m[pfn] = first + pfn;
  if (order == P2mOrder::kIdentity) return p2m;
  Random random(seed);
  for (uint64_t left = count; left > 1; --left) std::swap(p2m[left - 1], p2m[random.below(left)]);
  return p2m;
}

}  // namespace vmm
