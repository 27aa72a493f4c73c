// Code for control flow, processes, threads, phases and the rest; statements on pages are
// page_statements.h's.
#pragma once

#include "workload/ast.h"
#include "workload/code_generator.h"

namespace vmm {

class StatementCompiler {
 public:
  explicit StatementCompiler(CodeGenerator& generator)
      : generator_(generator), builder_(generator.builder()), names_(generator.names()) {}

  void script(const Script& script);

 private:
  // Whose code a block is: decides how it ends and what `exit` means.
  enum class Role : uint8_t { kFirstProcess, kChild, kThread };

  void statement(const Statement& s);
  void process_statement(const Statement& s);
  void block(const std::vector<Statement>& body);

  void define_variable(const Statement& s);
  void assign(const Statement& s);
  void region(const Statement& s);

  void repeat(const Statement& s);
  void for_each(const Statement& s);
  void while_true(const Statement& s);
  void conditional(const Statement& s);

  void fork(const Statement& s);
  void exec(const Statement& s);
  void end_process(Register code);
  void wait(const Statement& s);
  void exit(const Statement& s);
  void thread(const Statement& s);

  void phase(const Statement& s);
  void set_phase(uint32_t phase);
  uint32_t phase_of(const std::string& label, int line);
  void pin_test(const Statement& s);
  void simple_call(guest_abi::Syscall number, const Expression* argument);

  CodeGenerator& generator_;
  ProgramBuilder& builder_;
  Names& names_;
  Role role_ = Role::kFirstProcess;
  Role process_role_ = Role::kFirstProcess;  // of the process that a thread belongs to
  int block_depth_ = 0;
  uint32_t phase_ = guest_abi::kPhaseMain;
};

}  // namespace vmm
