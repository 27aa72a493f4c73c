// The trace points of a run, typed, and the tracks that they end up on (docs/trace.md).
//
// Each vCPU has two tracks: its traps, with the hypercalls and what the MMU did in them, and the
// phase and operation that its kernel is in. An event is written where its counter is raised, so
// the trace and the statistics of a run agree.
//
// Time is the domain's clock, made to grow from event to event by at least a nanosecond: nothing in
// the trace depends on anything else, and one that goes by virtual time repeats byte by byte.
//
// Locks: between start() and stop() every function but failed() is called with the domain's lock
// held, which also orders the vCPUs' events in the file. What the accelerator does is ordered by
// its own mutex, and comes from its own thread. Who holds no trace pays for looking at a null
// pointer.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hypercalls/services.h"
#include "nlohmann/json.hpp"
#include "pvmmu/mmu_events.h"
#include "stats/counters.h"
#include "stats/stats_output.h"
#include "trace/accelerator_trace.h"
#include "trace/trace_file.h"
#include "trace/trace_track.h"

namespace vmm {

class Trace final : public pvmmu::MmuEvents {
 public:
  // `name` is the run's in a viewer, `facts` what the trace says of it.
  Trace(OutputFile file, absl::string_view name, const nlohmann::ordered_json& facts,
        unsigned vcpus, std::vector<std::string> phase_labels);

  // --- the run as a whole ---
  // What the MMU counts in `vmm_account` was not done for a request of the guest.
  void start(Clock& clock, const pvmmu::MmuCounters& vmm_account);
  // The vCPUs have ended: ends what is open. The clock may go.
  void stop();
  // How the run ended; completes the file.
  absl::Status close(int exit_code, bool partial);
  // Whether a write failed; any thread.
  bool failed() const { return file_.failed(); }

  // The accelerator's part, for as long as this is there.
  AcceleratorEvents& accelerator() { return accelerator_; }

  // --- a vCPU ---
  // Whose thread holds the lock: the MMU's events are its.
  void set_current(unsigned vcpu) { current_ = vcpu; }
  // It left the guest; trap() or hypercall_begins() will say why, guest_may_go_on() that all is
  // done.
  void left_guest(unsigned vcpu);
  void guest_may_go_on(unsigned vcpu);
  void interrupted(unsigned vcpu);
  void trap(unsigned vcpu, TrapCause cause);
  // `mmu_ops`: how many requests the vCPU has carried out so far.
  void hypercall_begins(unsigned vcpu, bool in_multicall, uint64_t number,
                        const uint64_t (&arguments)[6], uint64_t mmu_ops);
  void hypercall_ends(unsigned vcpu, int64_t result, uint64_t mmu_ops);
  void upcall(unsigned vcpu);
  // It waits, because it is down or has nothing to do, and goes on.
  void waits(unsigned vcpu, bool up);
  void goes_on(unsigned vcpu);
  // What its kernel is doing, as seen at a trap.
  void doing(unsigned vcpu, uint32_t phase, uint32_t operation);

  // --- MmuEvents ---
  void pinned(const pvmmu::MmuCounters& account, pvmmu::Mfn frame, pvmmu::PageType type) override;
  void unpinned(const pvmmu::MmuCounters& account, pvmmu::Mfn frame, pvmmu::PageType type) override;
  void promoted(const pvmmu::MmuCounters& account, pvmmu::Mfn frame, pvmmu::PageType type) override;
  void promotion_failed(const pvmmu::MmuCounters& account, pvmmu::Mfn frame,
                        pvmmu::PageType type) override;
  void demoted(const pvmmu::MmuCounters& account, pvmmu::Mfn frame, pvmmu::PageType type) override;
  void flushed(const pvmmu::MmuCounters& account, pvmmu::VcpuMask vcpus,
               pvmmu::TlbFlush what) override;
  void flush_avoided(const pvmmu::MmuCounters& account) override;
  void write_emulated(const pvmmu::MmuCounters& account, pvmmu::Mfn table,
                      pvmmu::LinearAddr address, unsigned width) override;
  void refused(const pvmmu::MmuCounters& account, const pvmmu::Refusal& refusal) override;

 private:
  struct VcpuTracks {
    TraceTrack traps;
    TraceTrack work;
    std::vector<uint64_t> ops_before;  // of the hypercalls that are open
    uint32_t phase = 0;
    uint32_t operation = 0;
  };

  uint64_t now();
  void name_tracks(absl::string_view run);
  // A mark of the current vCPU for something that the MMU did.
  TraceEvent mmu_event(absl::string_view name, absl::string_view category,
                       const pvmmu::MmuCounters& account);
  void add_mmu_event(TraceEvent event) { tracks_[current_].traps.add(std::move(event)); }
  void type_event(absl::string_view name, const pvmmu::MmuCounters& account, pvmmu::Mfn frame,
                  pvmmu::PageType type);

  TraceFile file_;
  const std::vector<std::string> phase_labels_;
  std::vector<VcpuTracks> tracks_;
  AcceleratorTrace accelerator_;
  unsigned current_ = 0;
  Clock* clock_ = nullptr;
  std::atomic<uint64_t> last_{0};
  const pvmmu::MmuCounters* vmm_account_ = nullptr;
};

}  // namespace vmm
