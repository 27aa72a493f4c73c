#include "workload/statement_compiler.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "workload/device_statements.h"
#include "workload/page_statements.h"
#include "workload/printer.h"

namespace vmm {

using guest_abi::Syscall;
using Kind = Statement::Kind;

void StatementCompiler::script(const Script& script) {
  for (const Statement& s : script) {
    statement(s);
  }
  const int last_line = script.empty() ? 1 : script.back().line;
  builder_.at(last_line, "the end of the workload");
  const RegisterScope scope(builder_);
  builder_.emit(Opcode::kJoin);
  builder_.emit(Opcode::kEnd, 0, generator_.constant(0));
}

void StatementCompiler::block(const std::vector<Statement>& body) {
  const RegisterScope scope(builder_);
  const size_t variables = names_.variable_count();
  ++block_depth_;
  for (const Statement& s : body) {
    statement(s);
  }
  --block_depth_;
  names_.forget_variables(variables);
}

void StatementCompiler::statement(const Statement& s) {
  builder_.at(s.line, print_head(s));
  if (s.kind == Kind::kVar) {
    define_variable(s);  // its register outlives the statement
  } else {
    const RegisterScope scope(builder_);
    if (is_access_statement(s.kind)) {
      compile_access(generator_, s);
    } else if (is_device_statement(s.kind)) {
      compile_device(generator_, s);
    } else if (is_mapping_statement(s.kind)) {
      compile_mapping(generator_, s, s.text.empty() ? 0 : phase_of(s.text, s.line));
    } else {
      process_statement(s);
    }
  }
  if (builder_.out_of_registers()) {
    generator_.fail(s.line, "too many variables and values at once");
  }
}

void StatementCompiler::process_statement(const Statement& s) {
  switch (s.kind) {
    case Kind::kRegion:
      return region(s);
    case Kind::kAssign:
      return assign(s);
    case Kind::kRepeat:
      return repeat(s);
    case Kind::kFor:
      return for_each(s);
    case Kind::kWhile:
      return while_true(s);
    case Kind::kIf:
      return conditional(s);
    case Kind::kFork:
      return fork(s);
    case Kind::kExec:
      return exec(s);
    case Kind::kWait:
      return wait(s);
    case Kind::kExit:
      return exit(s);
    case Kind::kThread:
      return thread(s);
    case Kind::kPhase:
      return phase(s);
    case Kind::kPinTest:
      return pin_test(s);
    case Kind::kYield:
      return simple_call(Syscall::kYield, nullptr);
    case Kind::kSleep:
      return simple_call(Syscall::kNanosleepTicks, &s.values[0]);
    case Kind::kJoin:
      builder_.emit(Opcode::kJoin);
      return;
    case Kind::kRelax:
      builder_.emit(Opcode::kRelax);
      return;
    case Kind::kSpin:
      builder_.emit(Opcode::kSpin, 0, generator_.value(s.values[0]));
      return;
    case Kind::kExpect:
      generator_.expect(generator_.value(s.values[0]), "does not hold");
      return;
    case Kind::kPrint: {
      const bool with_value = !s.values.empty();
      const Register value = with_value ? generator_.value(s.values[0]) : Register{0};
      builder_.emit(Opcode::kPrint, 0, value, 0, with_value ? 1 : 0).text =
          builder_.text_offset(s.text);
      return;
    }
    default:
      generator_.fail(s.line, "no code for this statement");
  }
}

void StatementCompiler::define_variable(const Statement& s) {
  if (names_.defined(s.name)) {
    generator_.fail(s.line, absl::StrCat("'", s.name, "' is defined already"));
  }
  const Register where = builder_.take_register();
  generator_.value_into(s.values[0], where);
  names_.add_variable(s.name, where);
}

void StatementCompiler::assign(const Statement& s) {
  const Register* where = names_.find_variable(s.name);
  if (where == nullptr) {
    const bool is_region = names_.find_region(s.name) != nullptr;
    generator_.fail(s.line, is_region ? absl::StrCat("'", s.name, "' is a region, not a variable")
                                      : absl::StrCat("there is no variable '", s.name, "'"));
    return;
  }
  generator_.value_into(s.values[0], *where);
}

void StatementCompiler::region(const Statement& s) {
  if (block_depth_ != 0) {
    generator_.fail(s.line, "a region is defined outside all blocks");
    return;
  }
  const std::optional<uint64_t> pages = constant_value(s.values[0]);
  if (!pages) {
    generator_.fail(s.line, "the size of a region is a constant");
    return;
  }
  if (names_.defined(s.name)) {
    generator_.fail(s.line, absl::StrCat("'", s.name, "' is defined already"));
    return;
  }
  const std::string reason = names_.add_region(s.name, *pages, s.after);
  if (!reason.empty()) {
    generator_.fail(s.line, reason);
  }
}

void StatementCompiler::repeat(const Statement& s) {
  const Register left = builder_.take_register();
  generator_.value_into(s.values[0], left);
  const Register one = generator_.constant(1);
  const uint32_t top = builder_.next_op();
  builder_.emit(Opcode::kJumpIfZero, 0, left);
  block(s.body);
  builder_.emit(Opcode::kSub, left, left, one);
  builder_.emit(Opcode::kJump, 0, 0, 0, top);
  builder_.land(top);
}

void StatementCompiler::for_each(const Statement& s) {
  if (names_.defined(s.name)) {
    generator_.fail(s.line, absl::StrCat("'", s.name, "' is defined already"));
  }
  const Register variable = builder_.take_register();
  generator_.value_into(s.values[0], variable);
  const Register end = builder_.take_register();
  generator_.value_into(s.values[1], end);
  const Register one = generator_.constant(1);
  const Register in_range = builder_.take_register();
  const uint32_t top = builder_.next_op();
  builder_.emit(Opcode::kLess, in_range, variable, end);
  const uint32_t leave = builder_.next_op();
  builder_.emit(Opcode::kJumpIfZero, 0, in_range);
  const size_t variables = names_.variable_count();
  names_.add_variable(s.name, variable);
  block(s.body);
  names_.forget_variables(variables);
  builder_.emit(Opcode::kAdd, variable, variable, one);
  builder_.emit(Opcode::kJump, 0, 0, 0, top);
  builder_.land(leave);
}

void StatementCompiler::while_true(const Statement& s) {
  const uint32_t top = builder_.next_op();
  uint32_t leave = 0;
  {
    const RegisterScope scope(builder_);
    const Register condition = generator_.value(s.values[0]);
    leave = builder_.next_op();
    builder_.emit(Opcode::kJumpIfZero, 0, condition);
  }
  block(s.body);
  builder_.emit(Opcode::kJump, 0, 0, 0, top);
  builder_.land(leave);
}

void StatementCompiler::conditional(const Statement& s) {
  const Register condition = generator_.value(s.values[0]);
  const uint32_t to_else = builder_.next_op();
  builder_.emit(Opcode::kJumpIfZero, 0, condition);
  block(s.body);
  if (s.otherwise.empty()) {
    builder_.land(to_else);
    return;
  }
  const uint32_t to_end = builder_.next_op();
  builder_.emit(Opcode::kJump);
  builder_.land(to_else);
  block(s.otherwise);
  builder_.land(to_end);
}

void StatementCompiler::fork(const Statement& s) {
  const Register pid = builder_.take_register();
  const uint32_t at = builder_.next_op();
  builder_.emit(Opcode::kFork, pid).flags =
      s.expected_errno.empty() ? 0 : guest_abi::kOpFlagMayFail;
  const Role outer = role_;
  const Role outer_process = process_role_;
  role_ = process_role_ = Role::kChild;
  block(s.body);
  role_ = outer;
  process_role_ = outer_process;
  builder_.at(s.line, print_head(s));
  builder_.emit(Opcode::kJoin);
  builder_.emit(Opcode::kExit, 0, generator_.constant(0));
  builder_.land(at);
  if (!s.expected_errno.empty()) {
    compile_result_check(generator_, s, pid);
  }
}

// The block runs in another address space, where no variable of this one is left. A thread that
// does this is the only one of its process from then on.
void StatementCompiler::exec(const Statement& s) {
  const Register result = builder_.take_register();
  const uint32_t at = builder_.next_op();
  builder_.emit(Opcode::kExec, result).flags =
      s.expected_errno.empty() ? 0 : guest_abi::kOpFlagMayFail;
  const Role outer = role_;
  role_ = process_role_;
  Names::Variables hidden = names_.exchange_variables({});
  block(s.body);
  names_.exchange_variables(std::move(hidden));
  builder_.at(s.line, print_head(s));
  builder_.emit(Opcode::kJoin);
  end_process(generator_.constant(0));
  role_ = outer;
  builder_.land(at);
  if (!s.expected_errno.empty()) {
    compile_result_check(generator_, s, result);
  }
}

void StatementCompiler::end_process(Register code) {
  builder_.emit(role_ == Role::kFirstProcess ? Opcode::kEnd : Opcode::kExit, 0, code);
}

void StatementCompiler::wait(const Statement& s) {
  const Register status = builder_.take_register();
  builder_.emit(Opcode::kWait, status);
  if (s.values.empty()) {
    compile_result_check(generator_, s, status);
  } else {
    builder_.emit(Opcode::kExpectResult, 0, status, generator_.value(s.values[0]));
  }
}

void StatementCompiler::exit(const Statement& s) {
  if (role_ == Role::kThread) {
    generator_.fail(s.line, "a thread ends at the end of its block; only a process exits");
    return;
  }
  const Register code = generator_.value(s.values[0]);
  builder_.emit(Opcode::kJoin);
  end_process(code);
}

void StatementCompiler::thread(const Statement& s) {
  const Register id = builder_.take_register();
  const uint32_t at = builder_.next_op();
  builder_.emit(Opcode::kThread, id).flags =
      s.expected_errno.empty() ? 0 : guest_abi::kOpFlagMayFail;
  const Role outer = role_;
  role_ = Role::kThread;
  block(s.body);
  role_ = outer;
  builder_.at(s.line, print_head(s));
  builder_.emit(Opcode::kJoin);
  builder_.emit(Opcode::kThreadEnd);
  builder_.land(at);
  if (!s.expected_errno.empty()) {
    compile_result_check(generator_, s, id);
  }
}

uint32_t StatementCompiler::phase_of(const std::string& label, int line) {
  const std::optional<uint32_t> phase = builder_.phase_of_label(label);
  if (!phase) {
    generator_.fail(line,
                    absl::StrCat("a workload has at most ", guest_abi::kMaxLabels, " labels"));
  }
  return phase.value_or(0);
}

void StatementCompiler::set_phase(uint32_t phase) {
  const RegisterScope scope(builder_);
  const Register args = builder_.take_registers(6);
  builder_.emit(Opcode::kConst, args, 0, 0, phase);
  const Register result = builder_.take_register();
  builder_.emit(Opcode::kSyscall, result, args, 0, static_cast<uint64_t>(Syscall::kPhase));
  builder_.emit(Opcode::kExpectResult, 0, result, generator_.constant(0));
}

void StatementCompiler::phase(const Statement& s) {
  if (!s.has_body && block_depth_ != 0) {
    generator_.fail(s.line, "inside a block, a phase is a block itself: phase \"label\" { ... }");
    return;
  }
  const uint32_t outer = phase_;
  phase_ = phase_of(s.text, s.line);
  set_phase(phase_);
  if (s.has_body) {
    block(s.body);
    phase_ = outer;
    builder_.at(s.line, print_head(s));
    set_phase(outer);
  }
}

void StatementCompiler::pin_test(const Statement& s) {
  const Register args = builder_.take_registers(6);
  generator_.value_into(s.values[0], args);
  const uint32_t phases[] = {s.text.empty() ? 0 : phase_of(s.text, s.line),
                             s.second_text.empty() ? 0 : phase_of(s.second_text, s.line)};
  for (unsigned i = 0; i < 2; ++i) {
    builder_.emit(Opcode::kConst, static_cast<Register>(args + 1 + i), 0, 0, phases[i]);
  }
  compile_call(generator_, s, Syscall::kPinTest, args, generator_.constant(0));
}

void StatementCompiler::simple_call(Syscall number, const Expression* argument) {
  const Register args = builder_.take_registers(6);
  if (argument != nullptr) {
    generator_.value_into(*argument, args);
  }
  const Register result = builder_.take_register();
  builder_.emit(Opcode::kSyscall, result, args, 0, static_cast<uint64_t>(number));
  builder_.emit(Opcode::kExpectResult, 0, result, generator_.constant(0));
}

}  // namespace vmm
