// Who decides which turn goes on, instead of chance: for searches of interleavings
// (docs/explore.md).
#pragma once

#include <cstdint>
#include <span>

#include "accelerator/device_step.h"
#include "guest_abi/yield_points.h"

namespace vmm {

// X(name, what the turn is about to do, or has just done). Those of the guest kernel first, by the
// numbers of kernel::YieldPoint.
#define VMM_SCHEDULE_POINTS(X)                                        \
  GUEST_ABI_YIELD_POINTS(X)                                           \
  X(access, "a program's access")                                     \
  X(enter, "enters the guest")                                        \
  X(leave, "has left the guest")                                      \
  X(piece, "the hypervisor is between two steps")                     \
  X(compare_exchange, "the hypervisor changes an entry")              \
  X(flush, "the hypervisor flushes")                                  \
  X(kick, "another vCPU has been flushed")                            \
  X(device_fetched, "has a command, and has looked at nothing")       \
  X(device_translated, "has found its entries, and accessed nothing") \
  X(device_faulted, "has reported a fault")                           \
  X(device_accessed, "has accessed, and not said so")                 \
  X(device_ended, "has reported the end of a command")                \
  X(relax, "waits for others in a loop")                              \
  X(domain_lock, "the hypervisor is busy for another vCPU")           \
  X(wait, "waits to be woken")                                        \
  X(end, "has ended")

enum class PointKind : uint8_t {
#define VMM_SCHEDULE_POINT_ENUMERATOR(name, text) name,
  VMM_SCHEDULE_POINTS(VMM_SCHEDULE_POINT_ENUMERATOR)
#undef VMM_SCHEDULE_POINT_ENUMERATOR
};

constexpr PointKind device_point(DeviceStep step) {
  return static_cast<PointKind>(static_cast<uint8_t>(PointKind::device_fetched) +
                                static_cast<uint8_t>(step));
}
static_assert(device_point(DeviceStep::kTranslated) == PointKind::device_translated);
static_assert(device_point(DeviceStep::kFaulted) == PointKind::device_faulted);
static_assert(device_point(DeviceStep::kAccessed) == PointKind::device_accessed);
static_assert(device_point(DeviceStep::kEnded) == PointKind::device_ended);

// Whether a turn at such a point has nothing to do until others have done something.
constexpr bool gives_way(PointKind kind) {
  return kind >= PointKind::relax;
}

struct SchedulePoint {
  PointKind kind = PointKind::enter;
  uint64_t about = 0;                      // an address; 0: none
  std::span<const uint64_t> callers = {};  // return addresses, innermost first, 0: no more
};

class SchedulePolicy {
 public:
  // Before, everything is as without a policy.
  virtual bool active() const = 0;
  // Turn `running` is at a point; which turn goes on. Bit i of `able`: turn i can; not 0.
  virtual unsigned choose(const SchedulePoint& point, unsigned running, uint32_t able) = 0;
  // No turn can go on, and no time will come at which one can.
  virtual void stuck() = 0;

 protected:
  ~SchedulePolicy() = default;
};

}  // namespace vmm
