// Every hypercall that is not about page tables, traps or segments, behind one entry by number:
// event channels, sched_op, vcpu_op, timers, console_io, xen_version, memory_op, vm_assist,
// physdev_op, grant tables (refused).
//
// Arguments are copied from the guest once, checked, and then only the copy is used. Bad pointers
// are -EFAULT, unknown operations -ENOSYS, counts are bounded. Nothing the guest passes makes the
// VMM stop, loop or write outside the guest's memory.
//
// Threads: handle() may run on all vCPU threads at once. Locks, none of them nested except
// EventChannels -> VcpuPlaces: EventChannels::mutex_, VcpuPlaces::mutex_, RunStates::mutex_,
// ConsoleRing::mutex_ (held while Console::write runs). No other service is called with a lock
// held.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "hypercalls/console_ring.h"
#include "hypercalls/event_channels.h"
#include "hypercalls/pv_clock.h"
#include "hypercalls/run_state.h"
#include "hypercalls/services.h"
#include "hypercalls/vcpu_places.h"

namespace vmm {

// What happens to the calling vCPU after its hypercall; `result` goes to rax in every case.
struct HypercallOutcome {
  enum class Action : uint8_t {
    kContinue,
    kYield,     // let others run
    kBlock,     // until an upcall is due (upcalls are already unmasked), or until `deadline`
    kPoll,      // like kBlock, but it ends when one of the polled ports is pending:
                // Hypercalls::poll_done
    kDown,      // VCPUOP_down on the caller itself
    kShutdown,  // the whole domain, with `shutdown_reason` (SHUTDOWN_*)
  };
  int64_t result = 0;
  Action action = Action::kContinue;
  unsigned shutdown_reason = 0;
  std::optional<uint64_t> deadline = {};  // system time, for kPoll
};

struct HypercallConfig {
  unsigned vcpu_count = 1;
  uint64_t domain_pages = 0;
  uint64_t machine_frames = 0;             // max_mfn + 1
  pvmmu::LinearAddr m2p_start;             // what XENMEM_machphys_mapping answers
  uint64_t m2p_bytes = 0;                  // mapped there
  pvmmu::Mfn m2p_first_frame;              // the frames of the m2p follow each other
  std::optional<pvmmu::Mfn> console_ring;  // start_info.console.domU.mfn, drained on send and yield
};

class Hypercalls {
 public:
  // shared_info must be zero; initialises its time and masks upcalls.
  Hypercalls(const HypercallConfig& config, const Services& services, shared_info_t& shared_info);
  ~Hypercalls();

  // nullopt: not one of these hypercalls, or -ENOSYS for reasons the caller wants to count.
  std::optional<HypercallOutcome> handle(VcpuId vcpu, GuestAccess& access, unsigned number,
                                         const uint64_t (&arguments)[6]);

  EventChannels& events() { return events_; }
  VcpuPlaces& places() { return places_; }
  PvClock& clock() { return clock_; }
  RunStates& run_states() { return run_states_; }
  uint32_t console_port() const { return console_port_; }  // for start_info

  void timer_expired(VcpuId vcpu);  // raises VIRQ_TIMER
  // For a vCPU in kPoll, by its own thread: is one of the ports pending? It is notified when that
  // may have changed. The vCPU's next hypercall ends the poll.
  bool poll_done(VcpuId vcpu);
  unsigned iopl(VcpuId vcpu) const;  // virtual, 0..3
  uint64_t assists() const;          // VMASST bits
  void drain_console();              // what is left in the ring, at the end of a run

 private:
  enum class Stage : uint8_t { kAbsent, kStarting, kReady };  // of VCPUOP_initialise
  struct VcpuData {
    std::atomic<unsigned> iopl{0};
    std::atomic<Stage> stage{Stage::kAbsent};
    bool polling = false;               // likewise
    std::vector<evtchn_port_t> polled;  // only the vCPU's own thread touches it
  };
  struct Caller {
    VcpuId vcpu;
    GuestAccess& access;
  };

  HypercallOutcome dispatch(const Caller& caller, unsigned number, const uint64_t (&arguments)[6]);
  HypercallOutcome sched_op(const Caller& caller, unsigned command, pvmmu::LinearAddr argument);
  HypercallOutcome sched_op_compat(const Caller& caller, unsigned command, uint64_t argument);
  void end_poll(VcpuId vcpu);
  HypercallOutcome poll(const Caller& caller, pvmmu::LinearAddr argument);
  HypercallOutcome block(const Caller& caller);
  HypercallOutcome vcpu_op(const Caller& caller, unsigned command, uint64_t number,
                           pvmmu::LinearAddr argument);
  int64_t initialise_vcpu(const Caller& caller, VcpuId target, pvmmu::LinearAddr argument);
  int64_t register_info(const Caller& caller, VcpuId target, pvmmu::LinearAddr argument);
  int64_t run_state(const Caller& caller, unsigned command, VcpuId target,
                    pvmmu::LinearAddr argument);
  void publish_run_state(VcpuId vcpu, GuestAccess& access);
  int64_t singleshot(const Caller& caller, pvmmu::LinearAddr argument);
  int64_t set_timer_op(const Caller& caller, uint64_t deadline);
  int64_t console_io(const Caller& caller, unsigned command, uint32_t count,
                     pvmmu::LinearAddr buffer);
  int64_t xen_version(const Caller& caller, unsigned command, pvmmu::LinearAddr argument);
  int64_t memory_op(const Caller& caller, unsigned command, pvmmu::LinearAddr argument);
  int64_t machphys_mfn_list(const Caller& caller, pvmmu::LinearAddr argument);
  int64_t memory_map(const Caller& caller, pvmmu::LinearAddr argument);
  int64_t vm_assist(unsigned command, uint32_t type);
  int64_t physdev_op(const Caller& caller, unsigned command, pvmmu::LinearAddr argument);

  bool exists(uint64_t vcpu) const { return vcpu < config_.vcpu_count; }

  const HypercallConfig config_;
  Services services_;
  VcpuPlaces places_;
  EventChannels events_;
  PvClock clock_;
  RunStates run_states_;
  std::optional<ConsoleRing> console_ring_;
  uint32_t console_port_ = 0;
  std::vector<VcpuData> vcpus_;
  std::atomic<uint64_t> assists_{0};
};

}  // namespace vmm
