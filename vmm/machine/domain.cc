#include "machine/domain.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "domain/p2m.h"
#include "explain/refusal_text.h"
#include "guest_abi/monitor.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::Pfn;

constexpr uint64_t kFramesPerMib = 256;
// Large pages of the monitor's direct map cover whole 2 MiB regions only.
constexpr uint64_t kMachineGranule = 512;
// With --explain: more than people read, and still no flood.
constexpr RefusalLimits kExplainedRefusals{.of_each_kind = 4, .in_all = 256};
// Short runs show no progress.
constexpr std::chrono::milliseconds kFirstReport{1000}, kBetweenReports{500};
constexpr unsigned kHypercallSlotSize = 32;
constexpr unsigned kHypercallPageSlots = 128;

// The domain's frames as the domain builder sees them.
class BuildMemory final : public DomainMemory {
 public:
  BuildMemory(MachineMemory& memory, const std::vector<Mfn>& p2m) : memory_(memory), p2m_(p2m) {}
  std::span<const Mfn> frames() const override { return p2m_; }
  std::byte* frame(Mfn frame) override { return memory_.frame(frame); }

 private:
  MachineMemory& memory_;
  const std::vector<Mfn>& p2m_;
};

uint64_t round_up(uint64_t value, uint64_t granule) {
  return (value + granule - 1) / granule * granule;
}

// Frames of the whole machine: the monitor's, one for shared_info, the domain's.
uint64_t machine_frames(uint64_t domain_frames, unsigned vcpus, uint64_t extra) {
  const uint64_t guess = domain_frames + domain_frames / 256 + 1024 + vcpus * 16;
  return round_up(domain_frames + MonitorSpace::frames_needed(guess, vcpus) + extra + 1,
                  kMachineGranule);
}

}  // namespace

Domain::Domain(const RunOptions& options, std::unique_ptr<Engine> engine, MachineMemory memory)
    : options_(options),
      memory_(std::move(memory)),
      engine_(std::move(engine)),
      monitor_(memory_, options.vcpus),
      platform_(memory_, monitor_, !options.traits.host_writes_visible),
      accelerator_(
          *engine_, options.vcpus > 1,
          [this](std::string what) {
            stop(RunResult::End::kFailed, std::nullopt, std::move(what));
          },
          [this] { look_at_waiting_vcpus(); }),
      preemption_(options.preempt_at, lock_, *engine_, stopping_),
      refusals_(options.explain ? kExplainedRefusals : RefusalLimits{}, options.explain) {
  platform_.set_preemption(preemption_);
  platform_.set_accelerator(accelerator_);
  platform_.set_work_points(engine_->work_points());
  lock_.inner().set_waiter(engine_->lock_waiter());
}

Domain::~Domain() {
  stop_vcpus();
}

absl::StatusOr<std::unique_ptr<Domain>> Domain::create(const RunOptions& options,
                                                       std::unique_ptr<Engine> engine,
                                                       const GuestImage& image,
                                                       std::span<const std::byte> boot_module) {
  auto memory = engine->create_memory(machine_frames(
      options.memory_mib * kFramesPerMib, options.vcpus, engine->extra_monitor_frames()));
  if (!memory.ok()) return memory.status();
  std::unique_ptr<Domain> domain(new Domain(options, std::move(engine), *std::move(memory)));
  if (auto status = domain->build(image, boot_module); !status.ok()) return status;
  return domain;
}

absl::Status Domain::create_processors() {
  for (unsigned id = 0; id < options_.vcpus; ++id) {
    auto processor = engine_->create_processor(id, monitor_);
    if (!processor.ok()) return processor.status();
    processors_.push_back(*std::move(processor));
  }
  return absl::OkStatus();
}

void Domain::build_mmu(std::span<const Mfn> p2m) {
  frame_table_.resize(memory_.frame_limit());
  platform_.set_frame_table(frame_table_);
  mmu_ = std::make_unique<pvmmu::Mmu>(platform_, frame_table_, options_.vcpus);
  for (uint64_t pfn = 0; pfn < p2m.size(); ++pfn) mmu_->assign_frame(p2m[pfn], Pfn(pfn));
  mmu_->share_frame(shared_info_frame_);
  for (Mfn lent(memory_.frame_count()); lent.raw() < memory_.frame_limit(); lent = lent + 1) {
    mmu_->share_frame(lent);
  }
}

absl::Status Domain::build(const GuestImage& image, std::span<const std::byte> boot_module) {
  if (auto status = engine_->extend_space(memory_, monitor_); !status.ok()) return status;
  shared_info_frame_ = Mfn(monitor_.frame_count());
  const Mfn first = shared_info_frame_ + 1;
  const uint64_t pages = options_.memory_mib * kFramesPerMib;
  const std::vector<Mfn> p2m =
      make_p2m(options_.identity_p2m ? P2mOrder::kIdentity : P2mOrder::kShuffled, first, pages,
               options_.seed);
  engine_->place_domain(memory_, p2m);
  if (auto status = create_processors(); !status.ok()) return status;
  build_mmu(p2m);
  const auto expired = [this](VcpuId vcpu) { hypercalls_->timer_expired(vcpu); };
  if (auto status = engine_->start_time(options_.vcpus, expired); !status.ok()) return status;

  // Whether a console ring is used is known only after the guest was laid out, but its event
  // channel must exist before.
  BuildMemory build_memory(memory_, p2m);
  DomainConfig config;
  config.command_line = options_.command_line;
  config.boot_module = boot_module;
  config.shared_info = shared_info_frame_;
  config.console_port = 1;
  auto start = build_domain(image, config, build_memory);
  if (!start.ok()) return start.status();

  HypercallConfig calls;
  calls.vcpu_count = options_.vcpus;
  calls.domain_pages = pages;
  calls.machine_frames = memory_.frame_count();
  calls.m2p_start = LinearAddr(guest_abi::kM2pBase);
  calls.m2p_bytes = memory_.frame_count() * sizeof(uint64_t);
  calls.m2p_first_frame =
      Mfn(static_cast<uint64_t>(reinterpret_cast<std::byte*>(monitor_.m2p()) - memory_.base()) >>
          pvmmu::kPageShift);
  calls.console_ring = start->console_frame;
  auto* shared_info = reinterpret_cast<shared_info_t*>(memory_.frame(shared_info_frame_));
  hypercalls_ = std::make_unique<Hypercalls>(
      calls, Services{*this, *this, engine_->clock(), engine_->timers(), *this}, *shared_info);
  if (hypercalls_->console_port() != config.console_port) {
    return absl::InternalError("the console's event channel is not the one that was announced");
  }
  return start_guest(image, *start);
}

// Each slot: mov $number, %eax; gate; ret. iret's slot never comes back, and saves what the gate
// would lose: rcx, r11, rax.
void Domain::write_hypercall_page(std::byte* page) const {
  const bool by_syscall = options_.traits.gate == HypercallGate::kSyscall;
  const uint8_t gate[2] = {static_cast<uint8_t>(by_syscall ? 0x0f : 0xcd),
                           static_cast<uint8_t>(by_syscall ? 0x05 : 0x82)};
  for (unsigned number = 0; number < kHypercallPageSlots; ++number) {
    auto* code = reinterpret_cast<uint8_t*>(page + number * kHypercallSlotSize);
    const bool is_iret = number == __HYPERVISOR_iret;
    // iret: push %rcx; push %r11; push %rax; mov $23, %eax; gate
    // other: push %rcx; push %r11; mov $n, %eax; gate; pop %r11; pop %rcx; ret
    const uint8_t head[] = {0x51, 0x41, 0x53};
    std::memcpy(code, head, sizeof(head));
    code += sizeof(head);
    if (is_iret) *code++ = 0x50;
    *code++ = 0xb8;
    std::memcpy(code, &number, sizeof(number));
    code += sizeof(number);
    std::memcpy(code, gate, sizeof(gate));
    code += sizeof(gate);
    if (is_iret) continue;
    const uint8_t tail[] = {0x41, 0x5b, 0x59, 0xc3};
    std::memcpy(code, tail, sizeof(tail));
  }
}

absl::Status Domain::start_guest(const GuestImage& image, const DomainStart& start) {
  if (options_.trace != nullptr) {
    options_.trace->start(engine_->clock(), mmu_->own_counters());
    platform_.set_trace(options_.trace);
    accelerator_.device().observe(&options_.trace->accelerator());
  }
  if (start.hypercall_page) write_hypercall_page(memory_.frame(*start.hypercall_page));
  pvmmu::Refusal refusal;
  if (mmu_->pin_initial(pvmmu::PtLevel::kL4, start.root, &refusal) != 0) {
    return absl::InternalError(
        absl::StrCat("the domain's first tables are refused: ", refusal_line(refusal)));
  }
  if (mmu_->set_initial_base_pointer(VcpuId{0}, start.root, pvmmu::kInvalidMfn, &refusal) != 0) {
    return absl::InternalError(
        absl::StrCat("the domain's first root is refused: ", refusal_line(refusal)));
  }
  platform_.set_processors(processors_);
  const BuiltDomain built{image, start, memory_, monitor_, shared_info_frame_, frame_table_};
  if (auto status = engine_->prepare(built); !status.ok()) return status;
  for (unsigned id = 0; id < options_.vcpus; ++id) {
    vcpus_.push_back(
        std::make_unique<Vcpu>(*this, id, *processors_[id], engine_->create_thread(id)));
    hypercalls_->clock().update(VcpuId{id});
  }
  vcpus_[0]->cpu().registers = start.registers;
  vcpus_[0]->set_up(true);
  return absl::OkStatus();
}

RunResult Domain::run() {
  start_ = std::chrono::steady_clock::now();
  next_report_ = start_ + kFirstReport;
  if (options_.timeout_seconds) {
    deadline_ = start_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                             std::chrono::duration<double>(*options_.timeout_seconds));
  }
  for (auto& vcpu : vcpus_) vcpu->start();
  engine_->drive([this] {
    report_progress();
    std::lock_guard lock(end_mutex_);
    return over();
  });
  wait_for_end();
  std::vector<VcpuSituation> stopped = situations();
  stop_vcpus();
  engine_->timers().stop();
  if (options_.trace != nullptr) options_.trace->stop();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  hypercalls_->drain_console();
  RunResult result = collect(elapsed.count());
  // Of a vCPU in the guest only now it is known where.
  for (unsigned id = 0; id < vcpus_.size(); ++id) {
    stopped[id].rip = vcpus_[id]->cpu().registers.rip;
    stopped[id].kernel_mode = vcpus_[id]->cpu().kernel_mode;
  }
  result.situations = std::move(stopped);
  return result;
}

// Whether the run has ended, by itself or because time is over or somebody interrupts. With
// end_mutex_.
bool Domain::over() {
  if (!end_ && options_.interrupted && options_.interrupted()) end_ = RunResult::End::kInterrupted;
  if (!end_ && deadline_ && std::chrono::steady_clock::now() >= *deadline_) {
    end_ = RunResult::End::kTimedOut;
  }
  return end_.has_value();
}

void Domain::wait_for_end() {
  const auto tick = std::chrono::milliseconds(100);
  std::unique_lock lock(end_mutex_);
  while (!over()) {
    const auto next = std::chrono::steady_clock::now() + tick;
    ended_.wait_until(lock, deadline_ ? std::min(*deadline_, next) : next);
    if (end_) break;
    lock.unlock();
    report_progress();
    lock.lock();
  }
}

// Takes the lock of the domain: the caller holds none, and a vCPU at work gives it up soon.
void Domain::report_progress() {
  if (!options_.progress) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_report_) return;
  next_report_ = now + kBetweenReports;
  RunProgress progress;
  {
    DomainLock lock(lock_);
    progress.phase = vcpus_[0]->accounting().phase();
    for (const auto& vcpu : vcpus_) progress.hypercalls += vcpu->hypercall_count();
  }
  progress.seconds = std::chrono::duration<double>(now - start_).count();
  options_.progress(progress);
}

void Domain::stop(RunResult::End end, std::optional<CrashInfo> crash, std::string failure) {
  {
    std::lock_guard lock(end_mutex_);
    stopping_ = true;
    if (end_) return;
    end_ = end;
    crash_ = std::move(crash);
    failure_ = std::move(failure);
  }
  ended_.notify_all();
  for (auto& vcpu : vcpus_) vcpu->wake();
}

void Domain::stop_vcpus() {
  stopping_ = true;
  for (auto& vcpu : vcpus_) vcpu->wake();
  for (auto& vcpu : vcpus_) vcpu->join();
  accelerator_.end();
}

bool Domain::let_others_in(unsigned vcpu) {
  // What they find must be sound.
  recount([vcpu] { return absl::StrFormat("a piece of a hypercall of vCPU %u", vcpu); });
  if (stopping()) return false;
  preemption_.let_others_in(vcpu);
  platform_.set_current(vcpu);
  return !stopping();
}

void Domain::map_descriptor_frame(unsigned vcpu, unsigned index, Mfn frame) {
  const pvmmu::Maddr entry = monitor_.map_descriptor_frame(vcpu, index, frame);
  platform_.entry_changed(entry.frame(), static_cast<unsigned>(entry.offset() / sizeof(uint64_t)));
}

// The accelerator works no more: vCPUs that waited for it alone must find that nobody will wake
// them.
void Domain::look_at_waiting_vcpus() {
  DomainLock lock(lock_);
  if (all_blocked_for_ever()) vcpus_[0]->wake();
}

bool Domain::all_blocked_for_ever() {
  if (engine_->timers().any_armed() || accelerator_.device().has_work()) return false;
  for (const auto& vcpu : vcpus_) {
    if (vcpu->goes_on()) return false;
  }
  return true;
}

RunResult Domain::collect(double seconds) {
  RunResult result;
  result.wall_seconds = seconds;
  result.end = end_.value_or(RunResult::End::kFailed);
  result.crash = std::move(crash_);
  result.failure = failure_;
  for (unsigned id = 0; id < vcpus_.size(); ++id) {
    result.vcpus.push_back(vcpus_[id]->result());
  }
  if (const auto& accounting = result.vcpus[0].accounting) {
    result.guest_exit_code = accounting->exit_code;
  }
  result.refusals = refusals_.report();
  if (accelerator_.was_started()) result.accelerator = accelerator_.device().counters();
  if (options_.explain) {
    result.frames = SavedFrames::take(*mmu_, options_.vcpus, [this](Mfn table, unsigned slot) {
      return platform_.read_entry(table, slot);
    });
  }
  if (options_.audit != AuditPolicy::kOff) audit(result);
  return result;
}

}  // namespace vmm
