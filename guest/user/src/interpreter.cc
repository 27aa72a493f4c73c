// The step loop, computation and control.
#include "interpreter/interpreter.h"

namespace interpreter {

using guest_abi::Opcode;
using guest_abi::Syscall;

uint64_t next_random(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;  // splitmix64
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Thread& Interpreter::start(ProcessState& state, uint64_t seed, uint32_t first_op) {
  Thread& first = state.threads[0];
  first.index = 0;
  first.creator = 0;
  first.pc = first_op;
  first.continuation = Continuation::kNone;
  first.failed = false;
  first.relax_turns = 0;
  first.vcpu_count = 0;
  first.seed = seed;
  first.random_state = seed;
  for (uint64_t& value : first.registers) {
    value = 0;
  }
  first.slot.try_take();
  return first;
}

Step Interpreter::step(Thread& thread, uint64_t budget) {
  if (thread.continuation != Continuation::kNone) {
    return Step::kSyscall;  // a failure found by resume() waits for its call
  }
  for (; budget != 0; --budget) {
    switch (execute(thread, program_.op(thread.pc))) {
      case Flow::kNext:
        ++thread.pc;
        break;
      case Flow::kStay:
        break;
      case Flow::kSyscall:
        return Step::kSyscall;
      case Flow::kStartThread:
        return Step::kStartThread;
      case Flow::kThreadEnded:
        return Step::kThreadEnded;
    }
  }
  return Step::kWorking;
}

Interpreter::Flow Interpreter::execute(Thread& thread, const Op& op) {
  uint64_t* const r = thread.registers;
  switch (op.code) {
    case Opcode::kEnd:
      return request(thread, Continuation::kShutDown, Syscall::kShutdown, r[op.a]);
    case Opcode::kJump:
      thread.pc = static_cast<uint32_t>(op.imm);
      return Flow::kStay;
    case Opcode::kJumpIfZero:
      if (r[op.a] != 0) {
        return Flow::kNext;
      }
      thread.pc = static_cast<uint32_t>(op.imm);
      return Flow::kStay;
    case Opcode::kBound:
    case Opcode::kBoundEnd:
    case Opcode::kExpect:
    case Opcode::kExpectResult:
      return check(thread, op);
    case Opcode::kSyscall:
      request(thread, Continuation::kResult, static_cast<Syscall>(op.imm));
      for (unsigned i = 0; i < 6; ++i) {
        thread.request.args[i] = r[op.a + i];
      }
      return Flow::kSyscall;
    case Opcode::kQuery:
      return query(thread, op);
    case Opcode::kFork:
      return request(thread, Continuation::kForked, Syscall::kFork);
    case Opcode::kWait:
      return request(thread, Continuation::kWaited, Syscall::kWait,
                     reinterpret_cast<uint64_t>(&thread.wait_status));
    case Opcode::kExec:
      return request(thread, Continuation::kExecuted, Syscall::kExec, thread.pc + 1);
    case Opcode::kExit:
      return request(thread, Continuation::kExited, Syscall::kExit, r[op.a]);
    case Opcode::kThread:
      return start_thread(thread, op);
    case Opcode::kThreadEnd:
      return Flow::kThreadEnded;
    case Opcode::kJoin:
      return join(thread);
    case Opcode::kSpin:
      for (uint64_t i = 0; i < r[op.a] && i < guest_abi::kMaxSpin; ++i) {
        machine_.pause();
      }
      return Flow::kNext;
    case Opcode::kRelax:
      return relax(thread);
    case Opcode::kPrint:
      return print(thread, op);
    case Opcode::kCrash:
      if (!address_allowed(r[op.a])) {
        return fail(thread, op, "the address is outside the regions");
      }
      return request(thread, Continuation::kHandlerRemoved, Syscall::kFaultHandler, 0);
    case Opcode::kLoad:
    case Opcode::kStore:
    case Opcode::kFetchAdd:
      return access_memory(thread, op);
    case Opcode::kTryLoad:
    case Opcode::kTryStore:
      return try_access(thread, op);
    case Opcode::kFill:
      return fill(thread, op);
    case Opcode::kVerify:
      return verify(thread, op);
    default:
      return compute(thread, op);
  }
}

Interpreter::Flow Interpreter::compute(Thread& thread, const Op& op) {
  uint64_t* const r = thread.registers;
  const uint64_t a = r[op.a];
  const uint64_t b = r[op.b];
  const auto set = [&](uint64_t value) {
    r[op.d] = value;
    return Flow::kNext;
  };
  switch (op.code) {
    case Opcode::kConst:
      return set(op.imm);
    case Opcode::kMove:
      return set(a);
    case Opcode::kAdd:
      return set(a + b);
    case Opcode::kSub:
      return set(a - b);
    case Opcode::kMul:
      return set(a * b);
    case Opcode::kDiv:
      return b == 0 ? fail(thread, op, "division by zero") : set(a / b);
    case Opcode::kMod:
      return b == 0 ? fail(thread, op, "division by zero") : set(a % b);
    case Opcode::kAnd:
      return set(a & b);
    case Opcode::kEqual:
      return set(a == b);
    case Opcode::kNotEqual:
      return set(a != b);
    case Opcode::kLess:
      return set(a < b);
    case Opcode::kLessEqual:
      return set(a <= b);
    case Opcode::kNot:
      return set(a == 0);
    case Opcode::kRandom:
      return a == 0 ? fail(thread, op, "random(0) has no answer")
                    : set(next_random(thread.random_state) % a);
    default:
      return fail(thread, op, "unknown op");  // check_program() has refused it
  }
}

Interpreter::Flow Interpreter::check(Thread& thread, const Op& op) {
  const uint64_t a = thread.registers[op.a];
  const uint64_t b = thread.registers[op.b];
  switch (op.code) {
    case Opcode::kBound:
      return a < op.imm ? Flow::kNext : fail(thread, op, "the page is outside the region");
    case Opcode::kBoundEnd:
      return b <= a && a <= op.imm ? Flow::kNext
                                   : fail(thread, op, "the range is outside the region");
    case Opcode::kExpect:
      return a != 0 ? Flow::kNext : fail(thread, op, program_.text(static_cast<uint32_t>(op.imm)));
    default:
      return a == b ? Flow::kNext
                    : fail_result(thread, op, static_cast<int64_t>(a), static_cast<int64_t>(b));
  }
}

Interpreter::Flow Interpreter::request(Thread& thread, Continuation continuation, Syscall number,
                                       uint64_t a0, uint64_t a1, uint64_t a2) {
  thread.continuation = continuation;
  thread.request = Request{number, {a0, a1, a2, 0, 0, 0}};
  return Flow::kSyscall;
}

void Interpreter::resume(Thread& thread, int64_t result) {
  const Continuation continuation = thread.continuation;
  const Op& op = program_.op(thread.pc);
  thread.continuation = Continuation::kNone;
  switch (continuation) {
    case Continuation::kNone:
    case Continuation::kRetry:
      return;
    case Continuation::kResult:
      thread.registers[op.d] = static_cast<uint64_t>(result);
      ++thread.pc;
      return;
    case Continuation::kMustSucceed:
      if (result != 0) {
        fail_result(thread, op, result, 0);
        return;
      }
      ++thread.pc;
      return;
    case Continuation::kForked:
      forked(thread, op, result);
      return;
    case Continuation::kExecuted:
      not_executed(thread, op, result);
      return;
    case Continuation::kWaited:
      thread.registers[op.d] =
          static_cast<uint64_t>(result < 0 ? result : int64_t{thread.wait_status});
      ++thread.pc;
      return;
    case Continuation::kThreadStarted:
      if (result < 0) {
        state_.threads[thread.request.args[0]].slot.free();
      }
      thread_started(thread, op, result);
      return;
    case Continuation::kHandlerRemoved:
      machine_.crash(thread.registers[op.a], op.d != 0);
      fail(thread, op, "the access did not fault");
      return;
    case Continuation::kWritten:
      if (result != int64_t{thread.message_bytes}) {
        fail_result(thread, op, result, int64_t{thread.message_bytes});
        return;
      }
      ++thread.pc;
      return;
    case Continuation::kFailureWritten:
      request(thread, Continuation::kShutDown, Syscall::kShutdown, 1);
      return;
    case Continuation::kShutDown:
      // It ends when this process next enters the kernel; where it may not, the parent sees the
      // code.
      request(thread, Continuation::kExited, Syscall::kExit, 1);
      return;
    case Continuation::kExited:
      request(thread, Continuation::kExited, Syscall::kExit, 1);
      return;
  }
}

}  // namespace interpreter
