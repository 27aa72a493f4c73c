// Runs one process's compiled workload, op by op.
//
// step() works until the thread needs something of the kernel; the caller makes that system call
// (thread.request) and hands its result to resume(), also in a forked child. All state is in the
// Thread; the interpreter itself may be rebuilt at any time. Every access is aligned and inside
// one page of the arena. A workload that does not get what it expects prints where and why, and
// ends the guest with code 1.
#pragma once

#include <stdint.h>

#include "interpreter/machine.h"
#include "interpreter/program.h"
#include "interpreter/thread.h"

namespace interpreter {

enum class Step : uint8_t {
  kSyscall,      // make thread.request, then resume()
  kStartThread,  // start a thread that runs state.threads[request.args[0]], then resume()
  kWorking,      // the budget is used up: step() again
  kThreadEnded,  // free thread.slot and exit with code 0, touching the stack no more
};

class Interpreter {
 public:
  Interpreter(Machine& machine, Program program, ProcessState& state)
      : machine_(machine), program_(program), state_(state) {}

  // Makes thread 0 ready to run the program from op `first_op`: 0, or where exec goes on.
  static Thread& start(ProcessState& state, uint64_t seed, uint32_t first_op = 0);
  // At most `budget` ops; a workload that loops without a system call ends no step otherwise.
  Step step(Thread& thread, uint64_t budget = UINT64_MAX);
  void resume(Thread& thread, int64_t result);

 private:
  using Op = guest_abi::Op;

  // What an op does next: stay in step() or leave it.
  enum class Flow : uint8_t { kNext, kStay, kSyscall, kStartThread, kThreadEnded };

  Flow execute(Thread& thread, const Op& op);
  Flow compute(Thread& thread, const Op& op);
  Flow check(Thread& thread, const Op& op);

  Flow access_memory(Thread& thread, const Op& op);
  Flow try_access(Thread& thread, const Op& op);
  Flow fill(Thread& thread, const Op& op);
  Flow verify(Thread& thread, const Op& op);
  bool address_allowed(uint64_t address) const;

  Flow query(Thread& thread, const Op& op);
  Flow start_thread(Thread& thread, const Op& op);
  Flow join(Thread& thread);
  Flow relax(Thread& thread);
  Flow print(Thread& thread, const Op& op);
  void not_executed(Thread& thread, const Op& op, int64_t result);
  void forked(Thread& thread, const Op& op, int64_t result);
  void thread_started(Thread& thread, const Op& op, int64_t result);

  Flow request(Thread& thread, Continuation continuation, guest_abi::Syscall number,
               uint64_t a0 = 0, uint64_t a1 = 0, uint64_t a2 = 0);

  Flow fail(Thread& thread, const Op& op, const char* detail);
  Flow fail_access(Thread& thread, const Op& op, uint64_t address, const Access& access);
  Flow fail_result(Thread& thread, const Op& op, int64_t result, int64_t expected);
  Flow send_failure(Thread& thread);

  Machine& machine_;
  Program program_;
  ProcessState& state_;
};

// The next number of a thread's random sequence.
uint64_t next_random(uint64_t& state);

}  // namespace interpreter
