#include "sim/user_program.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "arch/sim/entry.h"
#include "guest_abi/syscall.h"
#include "interpreter/interpreter.h"

namespace vmm {
namespace {

using guest_abi::Syscall;
using interpreter::Interpreter;
using interpreter::ProcessState;
using interpreter::Thread;
using kernel::sim::Cause;
using kernel::sim::registers;
using kernel::sim::trap;
using pvmmu::LinearAddr;

// Places of the program's code, inside the area of its image: nothing is fetched there.
constexpr uint64_t kCode = guest_abi::kImageLimit - pvmmu::kPageSize;
constexpr uint64_t kThreadEntry = kCode + 0x10;
constexpr uint64_t kSyscallReturn = kCode + 0x20;
constexpr uint64_t kGuardedAccess = kCode + 0x30;
constexpr uint64_t kFaultHandler = kCode + 0x40;

constexpr uint64_t kOpsPerSlice = 4096;

// One program runs on one processor after another: this says which it is now.
using Current = SimProcessor*;

// exec: the program begins again, in another address space, and nothing on its stack matters.
struct Executed {};

[[noreturn]] void lost(const char* what) {
  kernel::sim::fail(what);
}

void give_way() {
  const uint64_t rip = registers().rip;
  trap(Cause::kPause);
  if (registers().rip != rip) lost("a program did not go on where it was interrupted");
}

// An operation that takes a while.
void pause(Current& processor) {
  if (processor->slice_is_over()) give_way();
}

// Before an access of the program.
void before_access(Current& processor, uint64_t address) {
  if (!kernel::sim::running.explored) return pause(processor);
  processor->must_leave() ? give_way() : processor->at_point({PointKind::access, address});
}

int64_t raw_syscall(Syscall number, uint64_t index, const uint64_t (&args)[6]) {
  auto& r = registers();
  r.rax = static_cast<uint64_t>(number);
  r.rdi = args[0];
  r.rsi = args[1];
  r.rdx = args[2];
  r.r10 = args[3];
  r.r8 = args[4];
  r.r9 = args[5];
  r.rbx = index;  // a forked child begins with the registers alone
  r.rip = kSyscallReturn;
  trap(Cause::kSyscall);
  if (registers().rip != kSyscallReturn) {
    if (number == Syscall::kExec) throw Executed{};
    lost("a system call did not return");
  }
  return static_cast<int64_t>(registers().rax);
}

int64_t raw_syscall(Syscall number, uint64_t index, uint64_t a0 = 0, uint64_t a1 = 0,
                    uint64_t a2 = 0) {
  const uint64_t args[6] = {a0, a1, a2, 0, 0, 0};
  return raw_syscall(number, index, args);
}

// The accesses that may fault.
class Memory final : public interpreter::Machine {
 public:
  explicit Memory(Current& processor) : processor_(processor) {}

  interpreter::Access load(uint64_t address) override {
    return access(address, false, 0,
                  [](uint64_t* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); });
  }
  interpreter::Access store(uint64_t address, uint64_t value) override {
    return access(address, true, value, [value](uint64_t* word) {
      __atomic_store_n(word, value, __ATOMIC_RELEASE);
      return uint64_t{0};
    });
  }
  interpreter::Access fetch_add(uint64_t address, uint64_t value) override {
    return access(address, true, value, [value](uint64_t* word) {
      return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
    });
  }
  void crash(uint64_t address, bool write) override {
    if (write) {
      store(address, 0);
    } else {
      load(address);
    }
  }
  void pause() override { vmm::pause(processor_); }

 private:
  template <typename Perform>
  interpreter::Access access(uint64_t address, bool write, uint64_t value, Perform perform) {
    for (;;) {
      before_access(processor_, address);
      uint32_t error_code = 0;
      if (uint64_t* word = processor_->access(LinearAddr(address), write, error_code)) {
        return {.value = perform(word)};
      }
      auto& r = registers();
      r.rdi = address;
      r.rsi = value;
      r.rip = kGuardedAccess;
      trap(Cause::kPageFault, address, error_code);
      if (registers().rip == kFaultHandler) return reported_fault();
      if (registers().rip != kGuardedAccess) lost("a program's access did not return");
    }
  }
  // The kernel goes on at the handler: rdi = address, rsi = error code, rdx = vector.
  static interpreter::Access reported_fault() {
    const auto& r = registers();
    interpreter::Access result;
    result.value = r.rdi;
    result.faulted = true;
    result.fault_address = r.rdi;
    result.vector = static_cast<uint32_t>(r.rdx);
    result.error_code = static_cast<uint32_t>(r.rsi);
    return result;
  }

  Current& processor_;
};

// Places in the state page, which calls name, by their linear addresses.
uint64_t linear_of(const ProcessState& state, uint64_t argument) {
  const uint64_t offset = argument - reinterpret_cast<uint64_t>(&state);
  return offset < sizeof(state) ? guest_abi::kStateBase + offset : argument;
}

int64_t request(Current& processor, const ProcessState& state, const Thread& thread) {
  // It waits for others, on whichever vCPU they are.
  if (thread.request.number == Syscall::kYield && kernel::sim::running.explored) {
    processor->at_point({PointKind::relax});
  }
  uint64_t args[6];
  std::memcpy(args, thread.request.args, sizeof(args));
  if (thread.request.number == Syscall::kWrite || thread.request.number == Syscall::kWait) {
    args[0] = linear_of(state, args[0]);
  }
  return raw_syscall(thread.request.number, thread.index, args);
}

int64_t start_thread(const Thread& creator, const Thread& slot) {
  const uint64_t stack_top = guest_abi::kStackTop - slot.index * guest_abi::kThreadStackBytes;
  return raw_syscall(Syscall::kThreadCreate, creator.index, kThreadEntry, stack_top, slot.index);
}

}  // namespace

StateViews::~StateViews() {
  for (const auto& [frames, view] : views_) munmap(view, guest_abi::kStateBytes);
}

std::optional<off_t> StateViews::place_in_file(MachineMemory& memory, pvmmu::Mfn frame) {
  if (const auto found = places_.find(frame.raw()); found != places_.end()) return found->second;
  if (file_.get() < 0) file_ = UniqueFd(memfd_create("state pages", MFD_CLOEXEC));
  const auto place = static_cast<off_t>(places_.size() << pvmmu::kPageShift);
  std::byte* const page = memory.frame(frame);
  if (pwrite(file_.get(), page, pvmmu::kPageSize, place) != ssize_t{pvmmu::kPageSize} ||
      mmap(page, pvmmu::kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_.get(),
           place) == MAP_FAILED) {
    return std::nullopt;
  }
  places_.emplace(frame.raw(), place);
  return place;
}

ProcessState* StateViews::find(MachineMemory& memory, pvmmu::Mfn first, pvmmu::Mfn second) {
  static_assert(guest_abi::kStateBytes == 2 * pvmmu::kPageSize);
  void*& view = views_[{first.raw(), second.raw()}];
  if (view != nullptr) return static_cast<ProcessState*>(view);
  void* place =
      mmap(nullptr, guest_abi::kStateBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return nullptr;
  auto* page = static_cast<std::byte*>(place);
  for (const pvmmu::Mfn frame : {first, second}) {
    const std::optional<off_t> offset = place_in_file(memory, frame);
    if (!offset || mmap(page, pvmmu::kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                        file_.get(), *offset) == MAP_FAILED) {
      munmap(place, guest_abi::kStateBytes);
      return nullptr;
    }
    page += pvmmu::kPageSize;
  }
  view = place;
  return static_cast<ProcessState*>(view);
}

ProcessState& UserProgram::state(SimProcessor& processor) {
  PageWalker walker(memory_);
  const LinearAddr base(guest_abi::kStateBase);
  const PageWalk first = walker.walk(processor.root(), base, true);
  const PageWalk second = walker.walk(processor.root(), base + pvmmu::kPageSize, true);
  ProcessState* view = nullptr;
  if (first.ok && second.ok) {
    view = views_.find(memory_, first.translation.frame, second.translation.frame);
  }
  if (view == nullptr) lost("the state page of a process cannot be reached");
  return *view;
}

// A program that cannot be run.
void UserProgram::refuse(ProcessState& state, const char* reason) {
  char* message = state.threads[0].message;
  const int length =
      std::snprintf(message, interpreter::kMessageBytes, "interpreter: %s\n", reason);
  raw_syscall(Syscall::kWrite, 0, linear_of(state, reinterpret_cast<uint64_t>(message)),
              static_cast<uint64_t>(length));
  raw_syscall(Syscall::kShutdown, 0, 1);
  for (;;) raw_syscall(Syscall::kExit, 0, 1);
}

// In each process that starts it: the kernel copies the one that it was given.
void UserProgram::replace_program(SimProcessor& processor, uint64_t size) {
  if (replace_) replacement_ = std::exchange(replace_, nullptr)();
  const std::span<const std::byte> program = replacement_;
  if (program.size() > size) lost("a program is longer than the one that it replaces");
  PageWalker walker(memory_);
  for (uint64_t offset = 0; offset < program.size(); offset += pvmmu::kPageSize) {
    const PageWalk walked =
        walker.walk(processor.root(), LinearAddr(guest_abi::kProgramBase + offset), false);
    if (!walked.ok) return;  // the check of the program finds it
    std::memcpy(memory_.frame(walked.translation.frame), program.data() + offset,
                std::min<uint64_t>(program.size() - offset, pvmmu::kPageSize));
  }
}

void UserProgram::start(SimProcessor*& processor) {
  const uint64_t address = registers().rdi, size = registers().rsi, seed = registers().rdx;
  const uint64_t first_op = registers().rcx;
  replace_program(*processor, size);
  ProcessState& process = state(*processor);
  if (address != guest_abi::kProgramBase) refuse(process, "the program is not in its place");
  PageWalker walker(memory_);
  program_.assign(size / sizeof(uint64_t) + 1, 0);
  for (uint64_t offset = 0; offset < size; offset += pvmmu::kPageSize) {
    const PageWalk walked = walker.walk(processor->root(), LinearAddr(address + offset), false);
    if (!walked.ok) refuse(process, "the program is not mapped");
    std::memcpy(reinterpret_cast<std::byte*>(program_.data()) + offset,
                memory_.frame(walked.translation.frame),
                std::min<uint64_t>(size - offset, pvmmu::kPageSize));
  }
  if (const char* reason = interpreter::check_program(program_.data(), size)) {
    refuse(process, reason);
  }
  if (first_op >= interpreter::Program(program_.data()).op_count()) {
    refuse(process, "the program starts behind its end");
  }
  Thread& thread = Interpreter::start(process, seed, static_cast<uint32_t>(first_op));
  const int64_t vcpus = raw_syscall(Syscall::kVcpuCount, thread.index);
  thread.vcpu_count = vcpus < 1 ? 1 : static_cast<uint32_t>(vcpus);
  run_thread(processor, process, thread);
}

void UserProgram::run_thread(SimProcessor*& processor, ProcessState& process, Thread& thread) {
  raw_syscall(Syscall::kFaultHandler, thread.index, kFaultHandler);
  Memory memory(processor);
  Interpreter interpreter(memory, interpreter::Program(program_.data()), process);
  run_steps(processor, interpreter, process, thread);
}

// A child begins with the result of its parent's call.
void UserProgram::run_forked(SimProcessor*& processor, ProcessState& process, Thread& thread) {
  Memory memory(processor);
  Interpreter interpreter(memory, interpreter::Program(program_.data()), process);
  interpreter.resume(thread, static_cast<int64_t>(registers().rax));
  run_steps(processor, interpreter, process, thread);
}

void UserProgram::run_steps(SimProcessor*& processor, Interpreter& interpreter,
                            ProcessState& process, Thread& thread) {
  for (;;) {
    switch (interpreter.step(thread, kOpsPerSlice)) {
      case interpreter::Step::kSyscall:
        interpreter.resume(thread, request(processor, process, thread));
        break;
      case interpreter::Step::kStartThread:
        interpreter.resume(thread, start_thread(thread, process.threads[thread.request.args[0]]));
        break;
      case interpreter::Step::kWorking:
        give_way();
        break;
      case interpreter::Step::kThreadEnded:
        thread.slot.free();
        raw_syscall(Syscall::kExit, 0);
        lost("a thread goes on after its end");
    }
  }
}

void UserProgram::run(SimProcessor*& processor) {
  for (;;) {
    try {
      run_until_exec(processor);
    } catch (const Executed&) {
      // The registers say where it begins.
    }
  }
}

void UserProgram::run_until_exec(SimProcessor*& processor) {
  const uint64_t rip = registers().rip;
  if (rip != kThreadEntry && rip != kSyscallReturn) start(processor);
  ProcessState& process = state(*processor);
  if (rip == kThreadEntry) run_thread(processor, process, process.threads[registers().rdi]);
  run_forked(processor, process, process.threads[registers().rbx]);
}

}  // namespace vmm
