#include "trace/trace.h"

#include <algorithm>
#include <utility>

#include "abi/xen.h"
#include "absl/strings/str_cat.h"
#include "base/errno.h"
#include "guest_abi/accounting.h"
#include "stats/phase_name.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::MmuCounters;
using pvmmu::PageType;

// The tracks of vCPU n are 2n+1 and 2n+2; viewers give 0 a meaning of its own.
constexpr unsigned trap_track(unsigned vcpu) {
  return 2 * vcpu + 1;
}
constexpr unsigned work_track(unsigned vcpu) {
  return 2 * vcpu + 2;
}
constexpr unsigned accelerator_track(unsigned vcpus) {
  return 2 * vcpus + 1;
}

// The arguments that say what is asked; others as they stand.
void describe_arguments(TraceEvent& event, uint64_t number, const uint64_t (&arguments)[6]) {
  switch (number) {
    case __HYPERVISOR_mmu_update:
    case __HYPERVISOR_mmuext_op:
    case __HYPERVISOR_multicall:
      event.hex("list", arguments[0]).number("count", static_cast<uint32_t>(arguments[1]));
      break;
    case __HYPERVISOR_update_va_mapping:
      event.hex("va", arguments[0]).hex("entry", arguments[1]).hex("flags", arguments[2]);
      break;
    default:
      event.hex("arg1", arguments[0]).hex("arg2", arguments[1]);
  }
}

}  // namespace

Trace::Trace(OutputFile file, absl::string_view name, const nlohmann::ordered_json& facts,
             unsigned vcpus, std::vector<std::string> phase_labels)
    : file_(std::move(file), facts),
      phase_labels_(std::move(phase_labels)),
      accelerator_(file_, accelerator_track(vcpus), [this] { return now(); }) {
  for (unsigned vcpu = 0; vcpu < vcpus; ++vcpu) {
    tracks_.push_back({.traps = TraceTrack(file_, trap_track(vcpu)),
                       .work = TraceTrack(file_, work_track(vcpu)),
                       .ops_before = {}});
  }
  name_tracks(name);
}

void Trace::name_tracks(absl::string_view run) {
  TraceEvent process(TraceEvent::Kind::kMetadata, 0, 0);
  file_.add(std::move(process.name("process_name").text("name", run)).finish());
  for (unsigned vcpu = 0; vcpu < tracks_.size(); ++vcpu) {
    tracks_[vcpu].traps.name(absl::StrCat("vCPU ", vcpu));
    tracks_[vcpu].work.name(absl::StrCat("vCPU ", vcpu, ": phase, operation"));
  }
}

// The device has a thread of its own.
uint64_t Trace::now() {
  const uint64_t time = clock_ == nullptr ? 0 : clock_->now();
  uint64_t last = last_.load();
  uint64_t next = 0;
  do {
    next = std::max(time, last + 1);
  } while (!last_.compare_exchange_weak(last, next));
  return next;
}

void Trace::start(Clock& clock, const MmuCounters& vmm_account) {
  clock_ = &clock;
  vmm_account_ = &vmm_account;
}

void Trace::stop() {
  for (VcpuTracks& tracks : tracks_) {
    tracks.traps.end_all(now());
    tracks.work.end_all(now());
  }
  accelerator_.stop();
  clock_ = nullptr;
}

absl::Status Trace::close(int exit_code, bool partial) {
  file_.add(std::move(TraceEvent(TraceEvent::Kind::kRunInstant, 0, now())
                          .name("end of run")
                          .category("run")
                          .number("exit_code", exit_code)
                          .flag("partial", partial))
                .finish());
  return file_.close();
}

// --- a vCPU ---

void Trace::left_guest(unsigned vcpu) {
  tracks_[vcpu].traps.begin_unnamed(now());
}

void Trace::guest_may_go_on(unsigned vcpu) {
  tracks_[vcpu].ops_before.clear();
  tracks_[vcpu].traps.end_all(now());
}

void Trace::interrupted(unsigned vcpu) {
  TraceTrack& track = tracks_[vcpu].traps;
  track.add(std::move(track.instant(now()).name("interrupted").category("exit")));
}

void Trace::trap(unsigned vcpu, TrapCause cause) {
  TraceTrack& track = tracks_[vcpu].traps;
  track.add(std::move(track.begin(now()).name(trap_cause_name(cause)).category("trap")));
}

void Trace::hypercall_begins(unsigned vcpu, bool in_multicall, uint64_t number,
                             const uint64_t (&arguments)[6], uint64_t mmu_ops) {
  VcpuTracks& tracks = tracks_[vcpu];
  tracks.ops_before.push_back(mmu_ops);
  TraceEvent event = tracks.traps.begin(now());
  event.name(hypercall_name(hypercall_slot(number)))
      .category(in_multicall ? "multicall_entry" : "hypercall");
  describe_arguments(event, number, arguments);
  tracks.traps.add(std::move(event));
}

void Trace::hypercall_ends(unsigned vcpu, int64_t result, uint64_t mmu_ops) {
  VcpuTracks& tracks = tracks_[vcpu];
  TraceEvent event = tracks.traps.end(now());
  event.number("result", result);
  event.number("ops", static_cast<int64_t>(mmu_ops - tracks.ops_before.back()));
  tracks.ops_before.pop_back();
  tracks.traps.add(std::move(event));
}

void Trace::upcall(unsigned vcpu) {
  TraceTrack& track = tracks_[vcpu].traps;
  track.add(std::move(track.instant(now()).name("upcall").category("event")));
}

void Trace::waits(unsigned vcpu, bool up) {
  TraceTrack& track = tracks_[vcpu].traps;
  track.add(std::move(track.begin(now()).name(up ? "blocked" : "down").category("wait")));
}

void Trace::goes_on(unsigned vcpu) {
  TraceTrack& track = tracks_[vcpu].traps;
  track.add(track.end(now()));
}

void Trace::doing(unsigned vcpu, uint32_t phase, uint32_t operation) {
  VcpuTracks& tracks = tracks_[vcpu];
  TraceTrack& work = tracks.work;
  const bool same_phase = work.depth() != 0 && tracks.phase == phase;
  if (same_phase && tracks.operation == operation) return;
  if (!same_phase) {
    work.end_all(now());
    // A label may be anything that can be written in a workload.
    TraceEvent event = work.begin(now());
    event.name_text(phase_name(phase_labels_, phase)).category("phase");
    work.add(std::move(event));
  } else {
    work.add(work.end(now()));
  }
  work.add(std::move(
      work.begin(now()).name(guest_abi::kOperationNames[operation]).category("operation")));
  tracks.phase = phase;
  tracks.operation = operation;
}

// --- MmuEvents ---

TraceEvent Trace::mmu_event(absl::string_view name, absl::string_view category,
                            const MmuCounters& account) {
  TraceEvent event = tracks_[current_].traps.instant(now());
  event.name(name).category(category);
  if (&account == vmm_account_) event.word("by", "vmm");
  return event;
}

void Trace::type_event(absl::string_view name, const MmuCounters& account, Mfn frame,
                       PageType type) {
  TraceEvent event = mmu_event(name, "type", account);
  event.hex("frame", frame.raw()).word("type", page_type_name(type));
  add_mmu_event(std::move(event));
}

void Trace::pinned(const MmuCounters& account, Mfn frame, PageType type) {
  type_event("pin", account, frame, type);
}

void Trace::unpinned(const MmuCounters& account, Mfn frame, PageType type) {
  type_event("unpin", account, frame, type);
}

void Trace::promoted(const MmuCounters& account, Mfn frame, PageType type) {
  type_event("promotion", account, frame, type);
}

void Trace::promotion_failed(const MmuCounters& account, Mfn frame, PageType type) {
  type_event("failed promotion", account, frame, type);
}

void Trace::demoted(const MmuCounters& account, Mfn frame, PageType type) {
  type_event("demotion", account, frame, type);
}

void Trace::flushed(const MmuCounters& account, pvmmu::VcpuMask vcpus, pvmmu::TlbFlush what) {
  TraceEvent event = mmu_event(what.all ? "flush all" : "flush page", "tlb", account);
  event.hex("vcpus", vcpus);
  if (!what.all) event.hex("address", what.address.raw());
  add_mmu_event(std::move(event));
}

void Trace::flush_avoided(const MmuCounters& account) {
  add_mmu_event(mmu_event("flush avoided", "tlb", account));
}

void Trace::write_emulated(const MmuCounters& account, Mfn table, LinearAddr address,
                           unsigned width) {
  TraceEvent event = mmu_event("emulated write", "mmu", account);
  event.hex("table", table.raw()).hex("address", address.raw()).number("width", width);
  add_mmu_event(std::move(event));
}

void Trace::refused(const MmuCounters& account, const pvmmu::Refusal& refusal) {
  TraceEvent event = mmu_event("refusal", "mmu", account);
  event.word("operation", refusal.operation)
      .word("errno", pvmmu::errno_name(refusal.error))
      .word("rule", pvmmu::kRuleTags[static_cast<unsigned>(refusal.rule)])
      .text("reason", refusal.reason);
  if (refusal.frame != pvmmu::kInvalidMfn) event.hex("frame", refusal.frame.raw());
  if (refusal.level != 0) {
    event.hex("table", refusal.table.raw())
        .number("level", refusal.level)
        .number("slot", refusal.slot)
        .hex("entry", refusal.entry);
  }
  add_mmu_event(std::move(event));
}

}  // namespace vmm
