// What the hypercalls that are not about page tables need of the machine below them.
//
// Locks: the hypercalls call GuestAccess, FrameReferences, Console, Timers and VcpuControl without
// holding any lock of theirs, unless a comment here says otherwise; implementations may take
// theirs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "abi/xen.h"
#include "base/frame.h"
#include "base/linear_addr.h"

namespace pvmmu {
enum class VcpuId : uint32_t;  // defined by the MMU; only its number matters here
}

namespace vmm {

using pvmmu::VcpuId;

constexpr unsigned vcpu_index(VcpuId vcpu) {
  return static_cast<unsigned>(vcpu);
}

// Memory of the guest through the calling vCPU's current root. false = fault.
class GuestAccess {
 public:
  virtual ~GuestAccess() = default;
  virtual bool read(pvmmu::LinearAddr from, void* to, size_t size) = 0;
  virtual bool write(pvmmu::LinearAddr to, const void* from, size_t size) = 0;
};

// Frames of the domain that the VMM writes to by itself, each held by a writable type reference.
class FrameReferences {
 public:
  virtual ~FrameReferences() = default;
  // The frame's 4096 bytes, or null: not the domain's, or in use as a table. A refusal is counted
  // and recorded as that of `operation`, which the vCPU asked for.
  virtual std::byte* get_writable(pvmmu::Mfn frame, VcpuId vcpu, const char* operation) = 0;
  virtual void put_writable(pvmmu::Mfn frame) = 0;
};

class VcpuControl {
 public:
  virtual ~VcpuControl() = default;
  // The vCPU has evtchn_upcall_pending set: wake it if it blocks, make it look if it runs. Any
  // thread may call. Must not call back into the hypercalls.
  virtual void notify_event(VcpuId vcpu) = 0;
  // 0 or -errno. The caller checked the number and that the vCPU was never initialised; the context
  // is the guest's, unchecked.
  virtual int initialise(VcpuId vcpu, const vcpu_guest_context_t& context) = 0;
  virtual void up(VcpuId vcpu) = 0;    // starts to run, if initialised
  virtual void down(VcpuId vcpu) = 0;  // stops before its next entry
  virtual bool is_up(VcpuId vcpu) = 0;
};

// One moment by both clocks.
struct ClockReading {
  uint64_t system_time;  // nanoseconds, as now()
  uint64_t guest_tsc;    // what rdtsc on the vCPU reads
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual uint64_t now() = 0;  // nanoseconds of system time, from 0 at boot
  virtual ClockReading reading(VcpuId vcpu) = 0;
  virtual uint64_t tsc_hz() = 0;
  virtual uint64_t wall_nanoseconds_at_boot() = 0;  // since 1970; system time 0
};

// One deadline for each vCPU. When it passes, the owner calls Hypercalls::timer_expired.
class Timers {
 public:
  virtual ~Timers() = default;
  virtual void set_timer(VcpuId vcpu, uint64_t deadline) = 0;  // system time; may be in the past
  virtual void stop_timer(VcpuId vcpu) = 0;
};

class Console {
 public:
  virtual ~Console() = default;
  virtual void write(std::string_view bytes) = 0;  // any thread; whole calls stay together
};

// All of them; they outlive the hypercalls.
struct Services {
  FrameReferences& frames;
  VcpuControl& vcpus;
  Clock& clock;
  Timers& timers;
  Console& console;
};

}  // namespace vmm
