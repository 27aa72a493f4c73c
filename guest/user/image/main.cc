// The interpreter as a program: threads in and out, and the loop between interpreter and kernel.
#include "interpreter/interpreter.h"
#include "native_machine.h"

namespace interpreter {
namespace {

using guest_abi::Syscall;

ProcessState& process_state() {
  return *reinterpret_cast<ProcessState*>(guest_abi::kStateBase);
}

uint64_t address_of(void (*function)()) {
  return reinterpret_cast<uint64_t>(function);
}

// A program that cannot be run: nothing of it is trusted, its name neither.
[[noreturn]] void refuse(const char* reason) {
  const auto write = [](const char* text) {
    uint64_t length = 0;
    while (text[length] != '\0') {
      ++length;
    }
    raw_syscall(Syscall::kWrite, reinterpret_cast<uint64_t>(text), length);
  };
  write("interpreter: ");
  write(reason);
  write("\n");
  raw_syscall(Syscall::kShutdown, 1);
  for (;;) {
    raw_syscall(Syscall::kExit, 1);
  }
}

int64_t start_thread(const Thread& slot) {
  const uint64_t stack_top = guest_abi::kStackTop - slot.index * guest_abi::kThreadStackBytes;
  return raw_syscall(Syscall::kThreadCreate, address_of(interpreter_thread_entry), stack_top,
                     slot.index);
}

[[noreturn]] void run(Thread& thread) {
  raw_syscall(Syscall::kFaultHandler, address_of(fault_handler));
  NativeMachine machine;
  const Program program(reinterpret_cast<const void*>(guest_abi::kProgramBase));
  Interpreter interpreter(machine, program, process_state());
  for (;;) {
    const Request& request = thread.request;
    switch (interpreter.step(thread)) {
      case Step::kSyscall:
        interpreter.resume(
            thread, raw_syscall(request.number, request.args[0], request.args[1], request.args[2],
                                request.args[3], request.args[4], request.args[5]));
        break;
      case Step::kStartThread:
        interpreter.resume(thread, start_thread(process_state().threads[request.args[0]]));
        break;
      case Step::kWorking:
        break;
      case Step::kThreadEnded:
        leave_thread(&thread.slot);
    }
  }
}

}  // namespace
}  // namespace interpreter

extern "C" {

[[noreturn]] void first_thread_main(const void* program, uint64_t size, uint64_t seed,
                                    uint64_t first_op) {
  using namespace interpreter;
  if (reinterpret_cast<uint64_t>(program) != guest_abi::kProgramBase) {
    refuse("the program is not in its place");
  }
  if (const char* reason = check_program(program, size)) {
    refuse(reason);
  }
  if (first_op >= Program(program).op_count()) {
    refuse("the program starts behind its end");
  }
  Thread& thread = Interpreter::start(process_state(), seed, static_cast<uint32_t>(first_op));
  const int64_t vcpus = raw_syscall(guest_abi::Syscall::kVcpuCount);
  thread.vcpu_count = vcpus < 1 ? 1 : static_cast<uint32_t>(vcpus);
  run(thread);
}

[[noreturn]] void further_thread_main(uint64_t index) {
  interpreter::run(interpreter::process_state().threads[index]);
}

// A fault outside the guarded accesses: the interpreter itself is wrong, or its memory.
[[noreturn]] void unexpected_fault() {
  interpreter::refuse("the interpreter itself faulted");
}

// Called by the compiler's own copies.
void* memcpy(void* to, const void* from, size_t size) {
  void* const result = to;
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return result;
}

void* memset(void* to, int value, size_t size) {
  void* const result = to;
  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return result;
}
}
