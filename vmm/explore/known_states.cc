#include "explore/known_states.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace vmm::explore {
namespace {

constexpr uint64_t kSlots = uint64_t{1} << 23;
constexpr size_t kBytes = kSlots * sizeof(uint64_t);
constexpr uint64_t kMostProbes = 64;
constexpr uint64_t kLowBits = 15;

}  // namespace

absl::StatusOr<KnownStates> KnownStates::create() {
  void* base = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return absl::ErrnoToStatus(errno, "mmap of the table of states");
  return KnownStates(static_cast<std::atomic<uint64_t>*>(base));
}

KnownStates::KnownStates(KnownStates&& other) noexcept
    : slots_(std::exchange(other.slots_, nullptr)) {}

KnownStates::~KnownStates() {
  if (slots_ != nullptr) munmap(slots_, kBytes);
}

bool KnownStates::know(uint64_t state, unsigned switches_left) {
  const uint64_t key = state & ~kLowBits;
  const uint64_t mine = key | (switches_left + 1);
  for (uint64_t probe = 0; probe < kMostProbes; ++probe) {
    std::atomic<uint64_t>& slot = slots_[(state / (kLowBits + 1) + probe) % kSlots];
    uint64_t seen = slot.load(std::memory_order_relaxed);
    while (seen == 0 || (seen & ~kLowBits) == key) {
      if (seen >= mine) return true;
      if (slot.compare_exchange_weak(seen, mine, std::memory_order_relaxed)) return false;
    }
  }
  return false;
}

}  // namespace vmm::explore
