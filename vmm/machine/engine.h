// What a domain runs on: memory, processors, time, and what the loops of vCPUs run on.
//
// The kvm engine is the product; the simulator (vmm/sim) runs the built-in guest's sources in this
// process. Everything above is the same for both: what a trap means, hypercalls, the MMU, events,
// and all that is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "accelerator/accelerator.h"
#include "domain/domain_builder.h"
#include "hypercalls/services.h"
#include "machine/device_thread.h"
#include "machine/domain_mutex.h"
#include "machine/machine_memory.h"
#include "machine/monitor_space.h"
#include "machine/processor.h"
#include "machine/vcpu_thread.h"
#include "pvmmu/page_info.h"

namespace vmm {

// Timers that can be asked, and ended.
class TimerService : public Timers {
 public:
  // Whether any deadline is set.
  virtual bool any_armed() = 0;
  // No timer fires afterwards.
  virtual void stop() = 0;
};

// A domain that is about to run. What it refers to outlives the engine's use of it.
struct BuiltDomain {
  const GuestImage& image;
  const DomainStart& start;
  MachineMemory& memory;
  MonitorSpace& monitor;
  pvmmu::Mfn shared_info;
  std::span<const pvmmu::PageInfo> frames;  // the MMU's frame table, to look at
};

// Steps of the hypervisor's work on page tables between which processors that need nothing of it
// may act. The domain's lock is held.
enum class WorkPoint : uint8_t {
  kCompareExchange,  // an entry is about to be changed
  kFlush,            // translations are about to be flushed
  kKick,             // another vCPU's have been
};
class WorkPoints {
 public:
  virtual void at(WorkPoint point) = 0;

 protected:
  ~WorkPoints() = default;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // --- Building, in this order -----------------------------------------------------------------
  // Frames that extend_space() will take from the monitor's.
  virtual uint64_t extra_monitor_frames() const { return 0; }
  virtual absl::StatusOr<MachineMemory> create_memory(uint64_t frame_count) = 0;
  // May add to the hypervisor's slots, before the domain gets its frames.
  virtual absl::Status extend_space(MachineMemory&, MonitorSpace&) { return absl::OkStatus(); }
  // The domain's frames, still all zero: pfn i is p2m[i].
  virtual void place_domain(MachineMemory&, std::span<const pvmmu::Mfn>) {}
  virtual absl::StatusOr<std::unique_ptr<Processor>> create_processor(unsigned id,
                                                                      MonitorSpace& monitor) = 0;
  // Once there are processors. `expired` is called with no lock held.
  virtual absl::Status start_time(unsigned vcpu_count, std::function<void(VcpuId)> expired) = 0;
  virtual absl::Status prepare(const BuiltDomain&) { return absl::OkStatus(); }
  virtual std::unique_ptr<VcpuThread> create_thread(unsigned id) = 0;
  // While the vCPUs run.
  virtual absl::StatusOr<std::unique_ptr<DeviceThread>> create_device_thread() = 0;

  // --- Running ---------------------------------------------------------------------------------
  virtual Clock& clock() = 0;
  virtual TimerService& timers() = 0;
  // Whether others want the domain's lock, which is held, while a vCPU works for long.
  virtual bool others_wait(DomainMutex& lock) { return lock.inner().contended(); }
  // How many steps of long work may be made until that is asked again; `steps` were made so far.
  // A step is a few dozen nanoseconds: others wait some ten microseconds at most.
  virtual uint32_t steps_between_looks(uint64_t steps) const {
    constexpr uint32_t kSteps = 256;
    (void)steps;
    return kSteps;
  }
  // Who waits in the place of vCPUs that want the domain's lock, and who is told of the
  // hypervisor's work; null: nobody.
  virtual LockWaiter* lock_waiter() { return nullptr; }
  virtual WorkPoints* work_points() { return nullptr; }
  // The vCPU lets them have it.
  virtual void let_others_in(unsigned, DomainMutex& lock) {
    lock.unlock();
    lock.lock();
  }
  // What is wrong with an access that the accelerator is about to make, or has an entry for, as far
  // as this engine can see; empty: nothing. By the device, without a lock.
  virtual bool watches_accelerator() const { return false; }
  virtual std::string objection_to(const DeviceAccess&) { return {}; }
  // Runs the vCPUs that were started, if they do not run by themselves, until none is left or
  // over() says so; asks that now and then.
  virtual void drive(const std::function<bool()>&) {}
};

}  // namespace vmm
