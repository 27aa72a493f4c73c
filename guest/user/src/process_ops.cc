// Ops on processes and threads, and what is printed.
#include "interpreter/interpreter.h"
#include "message.h"

namespace interpreter {

using guest_abi::Query;
using guest_abi::Syscall;

namespace {
constexpr unsigned kPausesPerTurn = 50;
constexpr unsigned kTurnsPerYield = 8;
constexpr int64_t kTryAgain = -11;  // -EAGAIN
}  // namespace

Interpreter::Flow Interpreter::query(Thread& thread, const Op& op) {
  switch (static_cast<Query>(op.imm)) {
    case Query::kVcpu:
      return request(thread, Continuation::kResult, Syscall::kVcpuId);
    case Query::kVcpuCount:
      return request(thread, Continuation::kResult, Syscall::kVcpuCount);
    case Query::kPid:
      return request(thread, Continuation::kResult, Syscall::kGetPid);
    default:
      thread.registers[op.d] = thread.seed;
      return Flow::kNext;
  }
}

// Both sides draw one number; the child's sequence goes on from it, so that the two differ and
// both follow from the seed alone.
void Interpreter::forked(Thread& thread, const Op& op, int64_t result) {
  const uint64_t childs = next_random(thread.random_state);
  thread.registers[op.d] = static_cast<uint64_t>(result);
  if (result == 0) {
    thread.random_state = childs;
    thread.creator = thread.index;  // nobody in this process waits for it
    for (Thread& other : state_.threads) {
      if (&other != &thread) {
        other.slot.free();  // threads stay with the parent
      }
    }
    ++thread.pc;
  } else if (result < 0 && (op.flags & guest_abi::kOpFlagMayFail) == 0) {
    fail_result(thread, op, result, 0);
  } else {
    thread.pc = static_cast<uint32_t>(op.imm);
  }
}

// A new address space starts elsewhere: who is still here was refused.
void Interpreter::not_executed(Thread& thread, const Op& op, int64_t result) {
  thread.registers[op.d] = static_cast<uint64_t>(result);
  if (result >= 0 || (op.flags & guest_abi::kOpFlagMayFail) == 0) {
    fail_result(thread, op, result, 0);
    return;
  }
  thread.pc = static_cast<uint32_t>(op.imm);
}

Interpreter::Flow Interpreter::start_thread(Thread& thread, const Op& op) {
  for (Thread& fresh : state_.threads) {
    if (!fresh.slot.try_take()) {
      continue;
    }
    fresh.index = static_cast<uint32_t>(&fresh - state_.threads);
    fresh.creator = thread.index;
    fresh.pc = thread.pc + 1;
    fresh.continuation = Continuation::kNone;
    fresh.failed = false;
    fresh.relax_turns = 0;
    fresh.vcpu_count = thread.vcpu_count;
    fresh.seed = thread.seed;
    fresh.random_state = next_random(thread.random_state);
    for (unsigned i = 0; i < guest_abi::kRegisterCount; ++i) {
      fresh.registers[i] = thread.registers[i];
    }
    request(thread, Continuation::kThreadStarted, Syscall::kThreadCreate, fresh.index);
    return Flow::kStartThread;
  }
  thread_started(thread, op, kTryAgain);  // more threads than a process may have
  return thread.continuation == Continuation::kNone ? Flow::kStay : Flow::kSyscall;
}

void Interpreter::thread_started(Thread& thread, const Op& op, int64_t result) {
  thread.registers[op.d] = static_cast<uint64_t>(result);
  if (result < 0 && (op.flags & guest_abi::kOpFlagMayFail) == 0) {
    fail_result(thread, op, result, 0);
    return;
  }
  thread.pc = static_cast<uint32_t>(op.imm);
}

Interpreter::Flow Interpreter::join(Thread& thread) {
  for (const Thread& other : state_.threads) {
    if (&other != &thread && other.slot.taken() && other.creator == thread.index) {
      return request(thread, Continuation::kRetry, Syscall::kYield);
    }
  }
  return Flow::kNext;
}

// Another thread can only go on elsewhere, or if this one gives way: on one vCPU at every turn,
// on several now and then, since there may be more threads than vCPUs.
Interpreter::Flow Interpreter::relax(Thread& thread) {
  if (thread.vcpu_count > 1 && ++thread.relax_turns % kTurnsPerYield != 0) {
    for (unsigned i = 0; i < kPausesPerTurn; ++i) {
      machine_.pause();
    }
    return Flow::kNext;
  }
  return request(thread, Continuation::kMustSucceed, Syscall::kYield);
}

Interpreter::Flow Interpreter::print(Thread& thread, const Op& op) {
  Message message(thread.message, kMessageBytes);
  message.text(program_.text(op.text));
  if (op.imm != 0) {
    message.text(" ").unsigned_decimal(thread.registers[op.a]);
  }
  thread.message_bytes = message.newline().size();
  return request(thread, Continuation::kWritten, Syscall::kWrite,
                 reinterpret_cast<uint64_t>(thread.message), thread.message_bytes);
}

}  // namespace interpreter
