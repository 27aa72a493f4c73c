#include "machine/kvm_processor.h"

#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace vmm {
namespace {

constexpr unsigned kBreakpoint = 3, kOverflow = 4;
constexpr uint32_t kMsrStar = 0xc000'0081;
constexpr uint32_t kMsrLstar = 0xc000'0082;
constexpr uint32_t kMsrCstar = 0xc000'0083;
constexpr uint32_t kMsrSyscallMask = 0xc000'0084;
constexpr uint32_t kMsrFsBase = 0xc000'0100;
constexpr uint32_t kMsrGsBase = 0xc000'0101;
constexpr uint64_t kSyscallMaskedFlags = 0x4'7700;  // AC NT IOPL DF IF TF
constexpr uint64_t kRing0Flags = 0x2;
constexpr uint16_t kFlatCode64 = 0xe033;
constexpr uint16_t kFlatStack = 0xe02b;

struct HardwareFrame {
  uint64_t rip, cs, rflags, rsp, ss;
};

bool pushes_error_code(unsigned vector) {
  return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 ||
         vector == 29 || vector == 30;
}

int kick_signal() {
  return SIGRTMIN + 1;
}

// The running vCPU of this thread: its signal handler asks KVM_RUN to return at once, so that a
// kick which arrives just before KVM_RUN is not lost.
thread_local kvm_run* current_run = nullptr;

void on_kick(int) {
  if (current_run != nullptr) current_run->immediate_exit = 1;
}

// The fifteen that carry over unchanged, between KVM's structure and ours, either way.
template <typename From, typename To>
void copy_general(const From& from, To& to) {
  to.rax = from.rax;
  to.rbx = from.rbx;
  to.rcx = from.rcx;
  to.rdx = from.rdx;
  to.rsi = from.rsi;
  to.rdi = from.rdi;
  to.rbp = from.rbp;
  to.r8 = from.r8;
  to.r9 = from.r9;
  to.r10 = from.r10;
  to.r11 = from.r11;
  to.r12 = from.r12;
  to.r13 = from.r13;
  to.r14 = from.r14;
  to.r15 = from.r15;
}

}  // namespace

absl::Status install_kick_handler() {
  struct sigaction action {};
  action.sa_handler = on_kick;
  if (sigaction(kick_signal(), &action, nullptr) != 0) return errno_status("sigaction", errno);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<KvmProcessor>> KvmProcessor::create(const KvmVm& vm, unsigned id,
                                                                   MonitorSpace& monitor) {
  auto vcpu = KvmVcpu::create(vm, id);
  if (!vcpu.ok()) return vcpu.status();
  std::unique_ptr<KvmProcessor> processor(new KvmProcessor(*std::move(vcpu), id, monitor));
  if (auto status = processor->initialise(); !status.ok()) return status;
  return processor;
}

absl::Status KvmProcessor::initialise() {
  kvm_sregs sregs{};
  if (auto status = vcpu_.get_special_registers(sregs); !status.ok()) return status;
  monitor_.set_special_registers(id_, sregs);
  if (!vcpu_.set_special_registers(sregs).ok()) {
    // A processor without FSGSBASE or XSAVE: guests do without as well.
    sregs.cr4 &= ~uint64_t{0x5'0000};
    if (auto status = vcpu_.set_special_registers(sregs); !status.ok()) return status;
  } else if (!vcpu_.set_extended_control(7).ok()) {
    if (auto status = vcpu_.set_extended_control(3); !status.ok()) return status;
  }
  const uint64_t selectors = uint64_t{guest_abi::kMonitorCodeSelector} << 32;
  // CSTAR as well: on AMD `syscall` of 32-bit code enters ring 0 there.
  const MsrValue msrs[] = {{kMsrStar, selectors},
                           {kMsrLstar, guest_abi::kGatePage},
                           {kMsrCstar, guest_abi::kGatePage},
                           {kMsrSyscallMask, kSyscallMaskedFlags}};
  if (auto status = vcpu_.set_msrs(msrs); !status.ok()) return status;
  loaded_root_ = monitor_.idle_root();
  // The shared copy is filled by exits; before the first one it is what was just set.
  return vcpu_.get_special_registers(vcpu_.sregs());
}

absl::Status KvmProcessor::set_msr(uint32_t index, uint64_t value) {
  // The shared special registers may be written back as a whole: keep them true.
  if (index == kMsrFsBase) vcpu_.sregs().fs.base = value;
  if (index == kMsrGsBase) vcpu_.sregs().gs.base = value;
  const MsrValue msr{index, value};
  return vcpu_.set_msrs({&msr, 1});
}

absl::StatusOr<uint64_t> KvmProcessor::msr(uint32_t index) {
  return vcpu_.msr(index);
}

void KvmProcessor::bind_to_this_thread() {
  thread_ = pthread_self();
  current_run = &vcpu_.shared();
  bound_.store(true);
}

void KvmProcessor::kick() {
  if (!bound_.load()) return;
  kicks_.fetch_add(1, std::memory_order_relaxed);
  pthread_kill(thread_, kick_signal());
}

void KvmProcessor::ask_attention() {
  attention_asked_.store(true);
  if (in_guest_.load()) kick();
}

void KvmProcessor::wait_until_flushed() {
  while (in_guest_.load() && flush_owed_.load()) sched_yield();
}

void KvmProcessor::push(uint64_t value) {
  kvm_regs& regs = vcpu_.regs();
  regs.rsp -= sizeof(value);
  std::memcpy(monitor_.stack_memory(id_, regs.rsp, sizeof(value)), &value, sizeof(value));
}

// Points the vCPU at a monitor entry point, on an empty monitor stack.
void KvmProcessor::prepare_ring0(uint64_t rip) {
  if (!at_ring0_) {
    monitor_.set_ring0_segments(vcpu_.sregs());
    vcpu_.mark_sregs_dirty();
    at_ring0_ = true;
  }
  kvm_regs& regs = vcpu_.regs();
  regs.rip = rip;
  regs.rflags = kRing0Flags;
  regs.rsp = monitor_.stack_top(id_);
  vcpu_.mark_regs_dirty();
}

void KvmProcessor::load_touch_list(std::span<const uint64_t> maddrs) {
  const std::span<uint64_t> list = monitor_.touch_list(id_);
  for (size_t i = 0; i < maddrs.size(); ++i) list[i] = guest_abi::kMonitorDirectMap + maddrs[i];
  vcpu_.regs().rsi =
      guest_abi::kMonitorVcpuBase + id_ * guest_abi::kMonitorVcpuStride + guest_abi::kVcpuTouchList;
  vcpu_.regs().rcx = maddrs.size();
}

// KVM does not report a pending #BP or #OF of an instruction: only its number stays behind, as that
// of any exception does that was delivered. Entries begin without such a number, so that one seen
// after a kick is of an exception that is still to come.
bool KvmProcessor::soft_exception_noted() const {
  return vcpu_.events().exception.nr == kBreakpoint || vcpu_.events().exception.nr == kOverflow;
}

void KvmProcessor::prepare_entry(const GuestRegisters& registers, const EntryPlan& plan) {
  if (soft_exception_noted()) {
    vcpu_.events().exception.nr = 0;
    vcpu_.mark_events_dirty();
  }
  const guest_abi::MonitorHeader& entry = monitor_.entry_points();
  kvm_regs& regs = vcpu_.regs();
  copy_general(registers, regs);
  prepare_ring0(entry.resume);
  push(registers.ss);
  push(registers.rsp);
  push(registers.rflags);
  push(registers.cs);
  push(registers.rip);
  const bool flush = flush_owed_.exchange(false);
  const bool touch = !plan.touches.empty();
  if (!flush && !touch && !plan.swap_gs && plan.root == loaded_root_) return;
  const uint64_t cr3 = plan.root.raw() << pvmmu::kPageShift;
  loaded_root_ = plan.root;
  push(registers.rax);
  if (touch) {
    push(cr3);
    push(registers.rcx);
    push(registers.rsi);
    load_touch_list(plan.touches);
    regs.rip = plan.swap_gs ? entry.resume_touch_swap : entry.resume_touch;
  } else {
    regs.rax = cr3;
    regs.rip = plan.swap_gs ? entry.resume_swap : entry.resume_load;
  }
}

int KvmProcessor::enter_once() {
  in_guest_.store(true);
  const int error = vcpu_.run();
  in_guest_.store(false);
  ++exits_[vcpu_.shared().exit_reason % kExitReasons];
  vcpu_.shared().kvm_dirty_regs = 0;
  if (error == EINTR) vcpu_.shared().immediate_exit = 0;
  return error;
}

// An exception is on its way to a stub, or a stub is on its way to us: the exit comes by itself.
bool KvmProcessor::must_finish_delivery() const {
  const kvm_vcpu_events& events = vcpu_.events();
  if (events.exception.injected || events.interrupt.injected || events.nmi.injected) return true;
  if (soft_exception_noted()) return true;
  const kvm_run& run = vcpu_.shared();
  return run.s.regs.sregs.cs.dpl == 0 && (monitor_.is_vector_stub(run.s.regs.regs.rip) ||
                                          run.s.regs.regs.rip == guest_abi::kGatePage);
}

Trap KvmProcessor::run(GuestRegisters& registers, EntryPlan plan) {
  const GuestRegisters wanted = registers;
  Trap trap = run_to_exit(registers, std::move(plan));
  if (trap.kind == Trap::Kind::kBadContext) registers = wanted;
  return trap;
}

Trap KvmProcessor::run_to_exit(GuestRegisters& registers, EntryPlan plan) {
  plan.swap_gs = plan.swap_gs != swap_unfinished_;
  swap_unfinished_ = false;
  plan.touches.insert(plan.touches.end(), unfinished_.begin(), unfinished_.end());
  unfinished_.clear();
  const size_t capacity = monitor_.touch_list(id_).size();
  while (plan.touches.size() > capacity) {
    const auto tail = std::span(plan.touches).last(capacity);
    if (auto status = touch(tail); !status.ok()) {
      return {Trap::Kind::kFailed, 0, 0, 0, std::string(status.message())};
    }
    plan.touches.resize(plan.touches.size() - capacity);
  }
  do {
    prepare_entry(registers, plan);
    in_guest_.store(true);
    // A debt that was made after prepare_entry looked: its maker saw us outside. Arrange again.
  } while (flush_owed_.load() && (in_guest_.store(false), true));
  if (attention_asked_.load()) {
    in_guest_.store(false);
    return not_begun(plan);
  }
  int error;
  do {
    error = enter_once();
  } while (error == EINTR && must_finish_delivery());
  if (error == EINTR) return interrupted(registers, plan);
  if (error != 0) {
    return {Trap::Kind::kFailed, 0, 0, 0, absl::StrCat("KVM_RUN: ", std::strerror(error))};
  }
  return decode_exit(registers);
}

// The context is still the caller's; all that the plan wanted is done by the next entry.
Trap KvmProcessor::not_begun(EntryPlan& plan) {
  swap_unfinished_ = plan.swap_gs;
  unfinished_ = std::move(plan.touches);
  loaded_root_ = pvmmu::kInvalidMfn;
  return {};
}

Trap KvmProcessor::interrupted(GuestRegisters& registers, EntryPlan& plan) {
  const kvm_regs& regs = vcpu_.regs();
  const kvm_sregs& sregs = vcpu_.sregs();
  if ((sregs.cs.dpl & 3) == 3) {
    at_ring0_ = false;
    copy_general(regs, registers);
    registers.rip = regs.rip;
    registers.rsp = regs.rsp;
    registers.rflags = regs.rflags;
    return {};
  }
  // On a resume path that was not finished; of its steps only the exchange must not be done twice.
  const guest_abi::MonitorHeader& entry = monitor_.entry_points();
  plan.swap_gs =
      plan.swap_gs && (regs.rip == entry.resume_swap || regs.rip == entry.resume_touch_swap);
  return not_begun(plan);
}

Trap KvmProcessor::decode_exit(GuestRegisters& registers) {
  const kvm_run& run = vcpu_.shared();
  if (run.exit_reason != KVM_EXIT_IO || run.io.direction != KVM_EXIT_IO_OUT) {
    Trap trap{Trap::Kind::kFailed, 0, 0, 0, {}};
    trap.failure = absl::StrFormat("KVM exit %u at rip 0x%x", run.exit_reason,
                                   static_cast<uint64_t>(vcpu_.regs().rip));
    if (run.exit_reason == KVM_EXIT_INTERNAL_ERROR) {
      absl::StrAppendFormat(&trap.failure, ", internal error %u", run.internal.suberror);
    }
    return trap;
  }
  at_ring0_ = true;
  copy_general(vcpu_.regs(), registers);
  if (run.io.size == 1) return decode_exception(registers, run.io.port);
  if (run.io.port != MONITOR_PORT_SYSCALL) {
    return {Trap::Kind::kFailed, 0, 0, 0, absl::StrCat("unexpected port ", run.io.port)};
  }
  registers.rip = registers.rcx;
  registers.rflags = registers.r11;
  registers.rsp = vcpu_.regs().rsp;
  registers.cs = kFlatCode64;
  registers.ss = kFlatStack;
  return {Trap::Kind::kSyscall, 0, 0, 0, {}};
}

Trap KvmProcessor::decode_exception(GuestRegisters& registers, unsigned vector) {
  Trap trap{Trap::Kind::kException, vector, 0, vcpu_.sregs().cr2, {}};
  uint64_t address = vcpu_.regs().rsp;
  const size_t extra = pushes_error_code(vector) ? sizeof(uint64_t) : 0;
  const std::byte* memory = monitor_.stack_memory(id_, address, sizeof(HardwareFrame) + extra);
  if (memory == nullptr) {
    trap.kind = Trap::Kind::kFailed;
    trap.failure = absl::StrFormat("vector %u left with rsp 0x%x", vector, address);
    return trap;
  }
  if (extra != 0) std::memcpy(&trap.error_code, memory, sizeof(trap.error_code));
  HardwareFrame frame;
  std::memcpy(&frame, memory + extra, sizeof(frame));
  if ((frame.cs & 3) == 0 && frame.rip == monitor_.entry_points().resume) {
    trap.kind = Trap::Kind::kBadContext;
    return trap;
  }
  if ((frame.cs & 3) == 0) {
    trap.kind = Trap::Kind::kFailed;
    trap.failure = absl::StrFormat("exception %u, error 0x%x, inside the monitor at 0x%x, cr2 0x%x",
                                   vector, trap.error_code, frame.rip, trap.cr2);
    return trap;
  }
  registers.rip = frame.rip;
  registers.rflags = frame.rflags;
  registers.rsp = frame.rsp;
  registers.cs = static_cast<uint16_t>(frame.cs);
  registers.ss = static_cast<uint16_t>(frame.ss);
  return trap;
}

// Runs a monitor service to its end, through kicks. The guest's context is not involved.
absl::Status KvmProcessor::run_service(uint64_t entry) {
  prepare_ring0(entry);
  int error;
  do {
    error = enter_once();
  } while (error == EINTR);
  const kvm_run& run = vcpu_.shared();
  if (error == 0 && run.exit_reason == KVM_EXIT_IO && run.io.size == 4 &&
      run.io.port == MONITOR_PORT_SERVICE) {
    return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrFormat("monitor service ended with errno %d, KVM exit %u at 0x%x", error,
                      run.exit_reason, static_cast<uint64_t>(vcpu_.regs().rip)));
}

absl::Status KvmProcessor::touch(std::span<const uint64_t> entry_addresses) {
  const size_t capacity = monitor_.touch_list(id_).size();
  while (!entry_addresses.empty()) {
    const auto part = entry_addresses.first(std::min(capacity, entry_addresses.size()));
    load_touch_list(part);
    if (auto status = run_service(monitor_.entry_points().service_touch); !status.ok()) {
      return status;
    }
    entry_addresses = entry_addresses.subspan(part.size());
  }
  return absl::OkStatus();
}

pvmmu::Mfn KvmProcessor::hardware_root() const {
  return pvmmu::Maddr(vcpu_.shared().s.regs.sregs.cr3).frame();
}

void KvmProcessor::move_to_root(pvmmu::Mfn root) {
  vcpu_.sregs().cr3 = root.raw() << pvmmu::kPageShift;
  vcpu_.mark_sregs_dirty();
  loaded_root_ = pvmmu::kInvalidMfn;
}

absl::Status KvmProcessor::bare_round_trip() {
  return run_service(monitor_.entry_points().service_none);
}

}  // namespace vmm
