#include "interpreter/program.h"

namespace interpreter {
namespace {

using guest_abi::Op;
using guest_abi::Opcode;
using guest_abi::ProgramHeader;
using guest_abi::Syscall;

bool range_fits(uint64_t offset, uint64_t count, uint64_t size, uint64_t limit) {
  return offset <= limit && count <= (limit - offset) / size;
}

bool is_jump(Opcode code) {
  return code == Opcode::kJump || code == Opcode::kJumpIfZero || code == Opcode::kFork ||
         code == Opcode::kThread || code == Opcode::kExec;
}

// After these the next op is not reached.
bool ends_path(Opcode code) {
  return code == Opcode::kEnd || code == Opcode::kExit || code == Opcode::kThreadEnd ||
         code == Opcode::kJump;
}

// The calls that change what the interpreter itself relies on have ops of their own.
bool is_plain_syscall(uint64_t number) {
  switch (static_cast<Syscall>(number)) {
    case Syscall::kYield:
    case Syscall::kMmap:
    case Syscall::kMunmap:
    case Syscall::kMprotect:
    case Syscall::kPhase:
    case Syscall::kGetPid:
    case Syscall::kPopulate:
    case Syscall::kPinTest:
    case Syscall::kPteQuery:
    case Syscall::kClearRefs:
    case Syscall::kTestAndClearYoung:
    case Syscall::kMprotectNaive:
    case Syscall::kMadviseDontNeed:
    case Syscall::kNanosleepTicks:
    case Syscall::kVcpuId:
    case Syscall::kVcpuCount:
    case Syscall::kMremap:
    case Syscall::kSwapOut:
    case Syscall::kWriteback:
    case Syscall::kDeviceSubmit:
    case Syscall::kDeviceWait:
    case Syscall::kDeviceResult:
    case Syscall::kRacePin:
    case Syscall::kRaceSet:
    case Syscall::kRetype:
      return true;
    default:
      return false;
  }
}

const char* check_header(const ProgramHeader& header, size_t size) {
  if (header.magic != guest_abi::kProgramMagic) {
    return "not a program";
  }
  if (header.version != guest_abi::kProgramVersion) {
    return "program of another version";
  }
  const uint64_t limit = header.byte_count;
  if (limit > size || limit > guest_abi::kMaxProgramBytes || limit < sizeof(header)) {
    return "bad program size";
  }
  if (header.op_offset % 8 != 0 || header.op_count == 0 ||
      !range_fits(header.op_offset, header.op_count, sizeof(Op), limit)) {
    return "bad op array";
  }
  if (header.label_offset % 4 != 0 || header.label_count > guest_abi::kMaxLabels ||
      !range_fits(header.label_offset, header.label_count, sizeof(uint32_t), limit)) {
    return "bad label table";
  }
  if (header.string_bytes == 0 ||
      !range_fits(header.string_offset, header.string_bytes, 1, limit)) {
    return "bad string table";
  }
  return header.name < header.string_bytes ? nullptr : "bad name";
}

const char* check_op(const ProgramHeader& header, const Op& op) {
  if (op.code >= Opcode::kCount) {
    return "unknown op";
  }
  if (op.d >= guest_abi::kRegisterCount || op.a >= guest_abi::kRegisterCount ||
      op.b >= guest_abi::kRegisterCount) {
    return "bad register";
  }
  if (op.text >= header.string_bytes ||
      (op.flags & ~(guest_abi::kOpFlagMayFail | guest_abi::kOpFlagPage)) != 0) {
    return "bad op";
  }
  if (is_jump(op.code) && op.imm >= header.op_count) {
    return "bad jump";
  }
  if (op.code == Opcode::kSyscall &&
      (!is_plain_syscall(op.imm) || op.a + 6u > guest_abi::kRegisterCount)) {
    return "bad system call";
  }
  if (op.code == Opcode::kQuery && op.imm >= static_cast<uint64_t>(guest_abi::Query::kCount)) {
    return "bad query";
  }
  if (op.code == Opcode::kExpect && op.imm >= header.string_bytes) {
    return "bad message";
  }
  return nullptr;
}

}  // namespace

const char* check_program(const void* bytes, size_t size) {
  if (size < sizeof(ProgramHeader)) {
    return "truncated program";
  }
  const auto& header = *static_cast<const ProgramHeader*>(bytes);
  if (const char* reason = check_header(header, size)) {
    return reason;
  }
  const Program program(bytes);
  if (*program.text(0) != '\0' || *program.text(header.string_bytes - 1) != '\0') {
    return "bad string table";
  }
  const auto* labels =
      reinterpret_cast<const uint32_t*>(static_cast<const char*>(bytes) + header.label_offset);
  for (uint32_t i = 0; i < header.label_count; ++i) {
    if (labels[i] >= header.string_bytes) {
      return "bad label";
    }
  }
  for (uint32_t i = 0; i < header.op_count; ++i) {
    if (const char* reason = check_op(header, program.op(i))) {
      return reason;
    }
  }
  return ends_path(program.op(header.op_count - 1).code) ? nullptr : "program without an end";
}

}  // namespace interpreter
