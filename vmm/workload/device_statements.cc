#include "workload/device_statements.h"

#include "guest_abi/accelerator.h"
#include "workload/page_statements.h"

namespace vmm {

using guest_abi::AcceleratorOperation;
using guest_abi::Syscall;
using Kind = Statement::Kind;

namespace {

AcceleratorOperation operation_of(Kind kind) {
  switch (kind) {
    case Kind::kDeviceCopy:
      return AcceleratorOperation::kCopy;
    case Kind::kDeviceFill:
      return AcceleratorOperation::kFill;
    case Kind::kDeviceCas:
      return AcceleratorOperation::kCompareExchange;
    default:
      return AcceleratorOperation::kChecksum;
  }
}

}  // namespace

bool is_device_statement(Kind kind) {
  switch (kind) {
    case Kind::kDeviceCopy:
    case Kind::kDeviceFill:
    case Kind::kDeviceCas:
    case Kind::kDeviceChecksum:
    case Kind::kDeviceWait:
      return true;
    default:
      return false;
  }
}

// kDeviceSubmit(operation, address, source, byte count, value, desired).
void compile_device(CodeGenerator& generator, const Statement& s) {
  ProgramBuilder& builder = generator.builder();
  const RegisterScope scope(builder);
  const Register args = builder.take_registers(6);
  const auto argument = [args](unsigned i) { return static_cast<Register>(args + i); };
  if (s.kind == Kind::kDeviceWait) {
    compile_call(generator, s, Syscall::kDeviceWait, args, generator.constant(0));
    return;
  }
  // Address, length, and for a copy the target's address, as the mapping statements have them.
  const Register range = builder.take_registers(3);
  const auto at = [range](unsigned i) { return static_cast<Register>(range + i); };
  generator.range_arguments(*s.pages, s.line, range);
  if (s.kind == Kind::kDeviceCopy) {
    compile_target(generator, s, range);
    builder.emit(Opcode::kMove, argument(1), at(2));
    builder.emit(Opcode::kMove, argument(2), at(0));
  } else {
    builder.emit(Opcode::kMove, argument(1), at(0));
    builder.emit(Opcode::kConst, argument(2), 0, 0, 0);
  }
  builder.emit(Opcode::kConst, args, 0, 0, static_cast<uint64_t>(operation_of(s.kind)));
  if (s.kind == Kind::kDeviceCas) {
    builder.emit(Opcode::kConst, argument(3), 0, 0, sizeof(uint64_t));
  } else {
    builder.emit(Opcode::kMove, argument(3), at(1));
  }
  for (unsigned i = 0; i < 2; ++i) {
    if (i < s.values.size()) {
      generator.value_into(s.values[i], argument(4 + i));
    } else {
      builder.emit(Opcode::kConst, argument(4 + i), 0, 0, 0);
    }
  }
  compile_call(generator, s, Syscall::kDeviceSubmit, args, generator.constant(0));
}

}  // namespace vmm
