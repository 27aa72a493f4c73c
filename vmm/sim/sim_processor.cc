#include "sim/sim_processor.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "pvmmu/walk.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::PageType;

constexpr unsigned kPageFaultVector = 14;
// How often a random processor does what it need not, in accesses.
constexpr uint64_t kAccessesPerSpuriousFault = 200;
constexpr uint64_t kAccessesPerEviction = 50;
constexpr uint64_t kAccessesPerWalkAhead = 10;
constexpr uint64_t kPagesAhead = 8;

static_assert(sizeof(GuestRegisters) == sizeof(kernel::sim::Registers));
static_assert(offsetof(GuestRegisters, rip) == offsetof(kernel::sim::Registers, rip));
static_assert(offsetof(GuestRegisters, rdi) == offsetof(kernel::sim::Registers, rdi));
static_assert(offsetof(GuestRegisters, ss) == offsetof(kernel::sim::Registers, ss));

}  // namespace

SimProcessor::SimProcessor(unsigned id, const SimOptions& options, MachineMemory& memory,
                           Mfn idle_root, Scheduler& scheduler, SimGuest& guest)
    : id_(id),
      options_(options),
      memory_(memory),
      idle_root_(idle_root),
      scheduler_(scheduler),
      guest_(guest),
      walker_(memory),
      tlb_(options.tlb),
      random_(options.tlb.seed + id) {}

Trap SimProcessor::run(GuestRegisters& registers, EntryPlan plan) {
  if (!scheduler_.before_entry(*turn_)) return {};
  // Somebody had a turn meanwhile, and there is something to look at first.
  if (attention_asked_) return {};
  if (plan.root != root_) {
    root_ = plan.root;
    tlb_.flush_all();
  }
  std::memcpy(&registers_, &registers, sizeof(registers_));
  slice_ = scheduler_.slice();
  if (thread_ == nullptr) thread_ = &guest_.first_thread(id_, registers);
  guest_.resume(id_, registers_, *thread_);
  turn_->fiber().switch_to(thread_->fiber);
  std::memcpy(&registers, &registers_, sizeof(registers_));
  scheduler_.after_exit(*turn_, relaxes_);
  return std::move(trap_);
}

void SimProcessor::leave(GuestThread& thread, kernel::sim::Cause cause, uint64_t address,
                         uint32_t error_code) {
  using kernel::sim::Cause;
  thread_ = &thread;
  trap_ = {};
  relaxes_ = cause == Cause::kPause && !must_leave();
  if (!failure_.empty()) {
    trap_.kind = Trap::Kind::kFailed;
    trap_.failure = failure_;
  } else if (cause == Cause::kSyscall) {
    trap_.kind = Trap::Kind::kSyscall;
  } else if (cause == Cause::kPageFault) {
    trap_.kind = Trap::Kind::kException;
    trap_.vector = kPageFaultVector;
    trap_.error_code = error_code;
    trap_.cr2 = address;
  }
  thread.fiber.switch_to(turn_->fiber());
}

void SimProcessor::at_point(const SchedulePoint& point) {
  GuestThread& thread = guest_.running_thread();
  scheduler_.at_point(*turn_, thread.fiber, point);
  guest_.resume(id_, registers_, thread);
}

uint64_t* SimProcessor::access(LinearAddr address, bool write, uint32_t& error_code) {
  if (behaves_at_random() && misbehave(address, write, error_code)) return nullptr;
  Tlb::Translation found;
  if (const Tlb::Translation* known = tlb_.find(address);
      known != nullptr && (!write || (known->writable && known->dirty))) {
    found = *known;
  } else if (known != nullptr && !known->writable) {
    // The remembered translation forbids it; the processor need not look again, but forgets it.
    tlb_.forget(address);
    error_code = pvmmu::kFaultUser | pvmmu::kFaultPresent | pvmmu::kFaultWrite;
    return nullptr;
  } else {
    const PageWalk walked = walk(address, write);
    if (!walked.ok) {
      error_code = walked.fault_code;
      return nullptr;
    }
    tlb_.remember(address, walked.translation);
    found = walked.translation;
  }
  if (write) check_store(address, found.frame);
  return reinterpret_cast<uint64_t*>(memory_.frame(found.frame) + address.offset());
}

PageWalk SimProcessor::walk(LinearAddr address, bool write) {
  if (const Tlb::Region* region = tlb_.find_region(address)) {
    check_table(region->l1_table);
    const PageWalk short_walk = walker_.walk_in(*region, address, write);
    if (short_walk.ok) return short_walk;
    // A processor faults only after a walk from the root.
    tlb_.flush_page(address);
  }
  const PageWalk walked = walker_.walk(root_, address, write);
  if (walked.ok) tlb_.remember_region(address, walked.region);
  return walked;
}

// What a processor may do at any time. True: it faults for nothing.
bool SimProcessor::misbehave(LinearAddr address, bool write, uint32_t& error_code) {
  if (random_.one_in(kAccessesPerEviction)) tlb_.evict_some(random_);
  if (random_.one_in(kAccessesPerWalkAhead)) walk_ahead(address);
  if (!random_.one_in(kAccessesPerSpuriousFault)) return false;
  error_code =
      pvmmu::kFaultUser | pvmmu::kFaultPresent | (write ? uint32_t{pvmmu::kFaultWrite} : 0);
  return true;
}

// As if a page near by were about to be read: remembers the translation, and sets Accessed.
void SimProcessor::walk_ahead(LinearAddr address) {
  const LinearAddr ahead = address.page() + random_.below(kPagesAhead) * pvmmu::kPageSize;
  if (tlb_.find(ahead) != nullptr) return;
  if (!speculates() && !walker_.was_accessed(root_, ahead)) return;
  const PageWalk walked = walk(ahead, false);
  if (walked.ok) tlb_.remember(ahead, walked.translation);
}

// The rules that the hypervisor must never let a processor break (I3).
void SimProcessor::check_table(Mfn table) {
  if (frames_[table.raw()].type == PageType::kL1 ||
      frames_[table.raw()].owner == pvmmu::FrameOwner::kHypervisor) {
    return;
  }
  fail(
      absl::StrFormat("vCPU %u walks frame 0x%x, which is no L1 table any more", id_, table.raw()));
}

void SimProcessor::check_store(LinearAddr address, Mfn frame) {
  const pvmmu::PageInfo& page = frames_[frame.raw()];
  if (page.owner == pvmmu::FrameOwner::kDomain && !is_table(page.type)) return;
  // Until the flush that comes before its contents are looked at.
  if (page.owner == pvmmu::FrameOwner::kDomain && scheduler_.explored() &&
      page.validation == pvmmu::Validation::kUnvalidated && page.validated_entries == 0) {
    return;
  }
  if (page.owner == pvmmu::FrameOwner::kShared) return;
  fail(absl::StrFormat("vCPU %u stores at 0x%x into frame 0x%x, which is %s", id_, address.raw(),
                       frame.raw(),
                       page.owner == pvmmu::FrameOwner::kHypervisor ? "the hypervisor's"
                                                                    : page_type_name(page.type)));
}

void SimProcessor::fail(std::string failure) {
  failure_ = std::move(failure);
  leave(guest_.running_thread(), kernel::sim::Cause::kPause, 0, 0);
}

absl::Status SimProcessor::set_msr(uint32_t index, uint64_t value) {
  switch (index) {
    case 0xc000'0100:
      fs_base_ = value;
      return absl::OkStatus();
    case 0xc000'0101:
      gs_base_ = value;
      return absl::OkStatus();
    case 0xc000'0102:
      kernel_gs_base_ = value;
      return absl::OkStatus();
    default:
      return absl::InvalidArgumentError("the simulated processor has no such register");
  }
}

absl::StatusOr<uint64_t> SimProcessor::msr(uint32_t index) {
  switch (index) {
    case 0xc000'0100:
      return fs_base_;
    case 0xc000'0101:
      return gs_base_;
    case 0xc000'0102:
      return kernel_gs_base_;
    default:
      return absl::InvalidArgumentError("the simulated processor has no such register");
  }
}

}  // namespace vmm
