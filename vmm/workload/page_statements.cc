#include "workload/page_statements.h"

#include "base/frame.h"
#include "workload/keywords.h"

namespace vmm {

using guest_abi::Op;
using guest_abi::Syscall;
using Kind = Statement::Kind;

namespace {

// Registers that a loop over pages needs: the page's number, its address, and the value that the
// statement gives for it.
struct PagePlace {
  Register page;
  Register address;
};

void set_const(ProgramBuilder& builder, Register target, uint64_t number) {
  builder.emit(Opcode::kConst, target, 0, 0, number);
}

// The value of a statement for one page, in which `page` is that page's number.
Register value_for_page(CodeGenerator& generator, const Statement& s, const PagePlace& place) {
  Names& names = generator.names();
  const size_t count = names.variable_count();
  names.add_variable("page", place.page);
  const Register value = generator.value(s.values[0]);
  names.forget_variables(count);
  return value;
}

void mark_page(Op& op, Register page) {
  op.d = page;
  op.flags |= guest_abi::kOpFlagPage;
}

void expect_fault(CodeGenerator& generator, const PagePlace& place, Opcode code, Register value) {
  ProgramBuilder& builder = generator.builder();
  const Register done = builder.take_register();
  builder.emit(code, done, place.address, value);
  builder.emit(Opcode::kNot, done, done);
  generator.expect(done, "the access did not fault");
}

void access_page(CodeGenerator& generator, const Statement& s, const PagePlace& place) {
  ProgramBuilder& builder = generator.builder();
  const RegisterScope scope(builder);
  const Register word = builder.take_register();
  switch (s.kind) {
    case Kind::kRead:
      builder.emit(Opcode::kLoad, word, place.address);
      break;
    case Kind::kWrite:
      builder.emit(Opcode::kStore, 0, place.address, value_for_page(generator, s, place));
      break;
    case Kind::kAdd:
      builder.emit(Opcode::kFetchAdd, word, place.address, value_for_page(generator, s, place));
      break;
    case Kind::kCheck: {
      const Register expected = value_for_page(generator, s, place);
      builder.emit(Opcode::kLoad, word, place.address);
      mark_page(builder.emit(Opcode::kExpectResult, 0, word, expected), place.page);
      break;
    }
    case Kind::kFill:
      builder.emit(Opcode::kFill, 0, place.address, value_for_page(generator, s, place));
      break;
    case Kind::kVerify:
      builder.emit(Opcode::kVerify, 0, place.address, value_for_page(generator, s, place));
      break;
    case Kind::kFaultRead:
      expect_fault(generator, place, Opcode::kTryLoad, word);
      break;
    case Kind::kFaultWrite:
      set_const(builder, word, 0);
      expect_fault(generator, place, Opcode::kTryStore, word);
      break;
    case Kind::kCrashRead:
      builder.emit(Opcode::kCrash, 0, place.address);
      break;
    case Kind::kCrashWrite:
      builder.emit(Opcode::kCrash, 1, place.address);
      break;
    default:
      generator.fail(s.line, "not an access");
  }
}

}  // namespace

bool is_mapping_statement(Kind kind) {
  switch (kind) {
    case Kind::kMap:
    case Kind::kUnmap:
    case Kind::kProtect:
    case Kind::kProtectNaive:
    case Kind::kPopulate:
    case Kind::kDontNeed:
    case Kind::kClearRefs:
    case Kind::kSwapOut:
    case Kind::kWriteback:
    case Kind::kMove:
    case Kind::kRacePin:
    case Kind::kRaceSet:
    case Kind::kRetype:
      return true;
    default:
      return false;
  }
}

bool is_access_statement(Kind kind) {
  switch (kind) {
    case Kind::kRead:
    case Kind::kWrite:
    case Kind::kCheck:
    case Kind::kFill:
    case Kind::kVerify:
    case Kind::kAdd:
    case Kind::kFaultRead:
    case Kind::kFaultWrite:
    case Kind::kCrashRead:
    case Kind::kCrashWrite:
      return true;
    default:
      return false;
  }
}

void compile_target(CodeGenerator& generator, const Statement& s, Register args) {
  ProgramBuilder& builder = generator.builder();
  const RegisterScope scope(builder);
  const PageBounds target = generator.page_bounds(*s.target, s.line);
  if (target.region == nullptr) {
    return;
  }
  builder.emit(Opcode::kMove, static_cast<Register>(args + 2), generator.address_of_first(target));
  const Register end = builder.take_register();
  builder.emit(Opcode::kDiv, end, static_cast<Register>(args + 1),
               generator.constant(pvmmu::kPageSize));
  builder.emit(Opcode::kAdd, end, end, target.first);
  builder.emit(Opcode::kBoundEnd, 0, end, target.first, target.region->pages);
}

void compile_result_check(CodeGenerator& generator, const Statement& s, Register result) {
  const int error = s.expected_errno.empty() ? 0 : *errno_from_name(s.expected_errno);
  generator.builder().emit(Opcode::kExpectResult, 0, result,
                           generator.constant(-static_cast<uint64_t>(error)));
}

void compile_call(CodeGenerator& generator, const Statement& s, Syscall number, Register args,
                  Register expected) {
  ProgramBuilder& builder = generator.builder();
  const Register result = builder.take_register();
  builder.emit(Opcode::kSyscall, result, args, 0, static_cast<uint64_t>(number));
  if (s.expected_errno.empty()) {
    builder.emit(Opcode::kExpectResult, 0, result, expected);
  } else {
    compile_result_check(generator, s, result);
  }
}

void compile_mapping(CodeGenerator& generator, const Statement& s, uint32_t phase) {
  ProgramBuilder& builder = generator.builder();
  const RegisterScope scope(builder);
  const Register args = builder.take_registers(6);
  const auto third = static_cast<Register>(args + 2);
  const auto fourth = static_cast<Register>(args + 3);
  generator.range_arguments(*s.pages, s.line, args);
  switch (s.kind) {
    case Kind::kMap: {
      set_const(builder, third, s.protection);
      set_const(builder, fourth, guest_abi::kMapFixed | s.backing);
      compile_call(generator, s, Syscall::kMmap, args, args);
      return;
    }
    case Kind::kMove:
      compile_target(generator, s, args);
      compile_call(generator, s, Syscall::kMremap, args, third);
      return;
    case Kind::kPopulate:
      set_const(builder, third, phase);
      break;
    default:
      set_const(builder, third, s.protection);
  }
  static constexpr struct {
    Kind kind;
    Syscall number;
  } kCalls[] = {
      {Kind::kUnmap, Syscall::kMunmap},
      {Kind::kProtect, Syscall::kMprotect},
      {Kind::kProtectNaive, Syscall::kMprotectNaive},
      {Kind::kPopulate, Syscall::kPopulate},
      {Kind::kDontNeed, Syscall::kMadviseDontNeed},
      {Kind::kClearRefs, Syscall::kClearRefs},
      {Kind::kSwapOut, Syscall::kSwapOut},
      {Kind::kWriteback, Syscall::kWriteback},
      {Kind::kRacePin, Syscall::kRacePin},
      {Kind::kRaceSet, Syscall::kRaceSet},
      {Kind::kRetype, Syscall::kRetype},
  };
  for (const auto& call : kCalls) {
    if (call.kind == s.kind) {
      compile_call(generator, s, call.number, args, generator.constant(0));
    }
  }
}

void compile_access(CodeGenerator& generator, const Statement& s) {
  ProgramBuilder& builder = generator.builder();
  const RegisterScope scope(builder);
  const PageBounds bounds = generator.page_bounds(*s.pages, s.line);
  if (bounds.region == nullptr) {
    return;
  }
  if (bounds.single) {
    access_page(generator, s, {bounds.first, generator.address_of_first(bounds)});
    return;
  }
  const Register page = builder.take_register();
  builder.emit(Opcode::kMove, page, bounds.first);
  const PagePlace place{page, generator.address_of_first(bounds)};
  const Register one = generator.constant(1);
  const Register page_size = generator.constant(pvmmu::kPageSize);
  const Register in_range = builder.take_register();
  const uint32_t top = builder.next_op();
  builder.emit(Opcode::kLess, in_range, page, bounds.end);
  const uint32_t leave = builder.next_op();
  builder.emit(Opcode::kJumpIfZero, 0, in_range);
  access_page(generator, s, place);
  builder.emit(Opcode::kAdd, page, page, one);
  builder.emit(Opcode::kAdd, place.address, place.address, page_size);
  builder.emit(Opcode::kJump, 0, 0, 0, top);
  builder.land(leave);
}

}  // namespace vmm
