// A workload that did not get what it expects: the message, and the end of the guest.
#include "interpreter/interpreter.h"
#include "message.h"

namespace interpreter {

using guest_abi::Syscall;

namespace {

// "NAME:LINE: what the statement was".
Message begin(Thread& thread, const Program& program, const guest_abi::Op& op) {
  Message message(thread.message, kMessageBytes);
  message.text("workload failed: ").text(program.name()).text(":").unsigned_decimal(op.line);
  message.text(": ").text(program.text(op.text));
  if ((op.flags & guest_abi::kOpFlagPage) != 0) {
    message.text(", page ").unsigned_decimal(thread.registers[op.d]);
  }
  return message.text(": ");
}

void end(Thread& thread, Message& message) {
  thread.message_bytes = message.newline().size();
}

}  // namespace

Interpreter::Flow Interpreter::send_failure(Thread& thread) {
  thread.failed = true;
  return request(thread, Continuation::kFailureWritten, Syscall::kWrite,
                 reinterpret_cast<uint64_t>(thread.message), thread.message_bytes);
}

Interpreter::Flow Interpreter::fail(Thread& thread, const Op& op, const char* detail) {
  Message message = begin(thread, program_, op);
  end(thread, message.text(detail));
  return send_failure(thread);
}

Interpreter::Flow Interpreter::fail_result(Thread& thread, const Op& op, int64_t result,
                                           int64_t expected) {
  Message message = begin(thread, program_, op);
  message.text("got ").result(result).text(", expected ").result(expected);
  end(thread, message);
  return send_failure(thread);
}

Interpreter::Flow Interpreter::fail_access(Thread& thread, const Op& op, uint64_t address,
                                           const Access& access) {
  Message message = begin(thread, program_, op);
  message.text("access to ").hex(address).text(" raised ");
  if (access.vector == kPageFaultVector) {
    message.text((access.error_code & kFaultWrite) != 0 ? "a write fault at " : "a read fault at ");
    message.hex(access.fault_address);
    message.text((access.error_code & kFaultPresent) != 0 ? " (protection)" : " (not present)");
  } else {
    message.text("exception ").unsigned_decimal(access.vector);
  }
  end(thread, message);
  return send_failure(thread);
}

}  // namespace interpreter
