#include "explore/tape.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace vmm::explore {

struct Tape::Header {
  uint32_t switch_count;
  Switch switches[kMostSwitches];
  uint32_t turn_switch_count;
  TurnSwitch turn_switches[kMostSwitches];
  uint64_t walk;
  bool detailed;
  int switches_left;
  uint32_t most_points, point_count;
  Verdict verdict;
  alignas(64) std::byte scratch[1024];
};

absl::StatusOr<Tape> Tape::create(uint32_t most_points) {
  const size_t size = sizeof(Header) + most_points * sizeof(PassedPoint);
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return absl::ErrnoToStatus(errno, "mmap of memory shared with runs");
  Tape tape(static_cast<std::byte*>(base), size);
  tape.header().most_points = most_points;
  return tape;
}

Tape::Tape(Tape&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), size_(other.size_) {}

Tape::~Tape() {
  if (base_ != nullptr) munmap(base_, size_);
}

Tape::Header& Tape::header() const {
  return *reinterpret_cast<Header*>(base_);
}

PassedPoint* Tape::first() const {
  return reinterpret_cast<PassedPoint*>(base_ + sizeof(Header));
}

void Tape::put(const Plan& plan) {
  Header& to = header();
  to.switch_count = static_cast<uint32_t>(std::min<size_t>(plan.switches.size(), kMostSwitches));
  std::copy_n(plan.switches.begin(), to.switch_count, to.switches);
  to.turn_switch_count =
      static_cast<uint32_t>(std::min<size_t>(plan.turn_switches.size(), kMostSwitches));
  std::copy_n(plan.turn_switches.begin(), to.turn_switch_count, to.turn_switches);
  to.walk = plan.walk;
  to.detailed = plan.detailed;
  to.switches_left = plan.switches_left;
  to.point_count = 0;
  to.verdict = Verdict::kFine;
}

std::vector<PassedPoint> Tape::points() const {
  return {first(), first() + header().point_count};
}

Verdict Tape::verdict() const {
  return header().verdict;
}

std::span<const Switch> Tape::switches() const {
  return {header().switches, header().switch_count};
}

std::span<const TurnSwitch> Tape::turn_switches() const {
  return {header().turn_switches, header().turn_switch_count};
}

uint64_t Tape::walk() const {
  return header().walk;
}

bool Tape::detailed() const {
  return header().detailed;
}

int Tape::switches_left() const {
  return header().switches_left;
}

bool Tape::record(const PassedPoint& point) {
  Header& to = header();
  if (to.point_count == to.most_points) return false;
  first()[to.point_count++] = point;
  return true;
}

void* Tape::scratch() const {
  return header().scratch;
}

void Tape::end(Verdict verdict) {
  header().verdict = verdict;
}

}  // namespace vmm::explore
