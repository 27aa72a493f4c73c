// Code for the statements that map pages and touch them.
#pragma once

#include "workload/ast.h"
#include "workload/code_generator.h"

namespace vmm {

// Whether `kind` is one of these.
bool is_mapping_statement(Statement::Kind kind);
bool is_access_statement(Statement::Kind kind);

// System calls on a range; `phase` is kPopulate's, 0 for none.
void compile_mapping(CodeGenerator& generator, const Statement& s, uint32_t phase);
// Accesses, page by page.
void compile_access(CodeGenerator& generator, const Statement& s);

// The address of `to`, as the third of the arguments; the second is the length. All of that place
// lies in its region, which is checked here or in the guest.
void compile_target(CodeGenerator& generator, const Statement& s, Register args);

// Makes the call with the six registers from `args`, and expects the value of `expected`, or the
// statement's errno if it names one.
void compile_call(CodeGenerator& generator, const Statement& s, guest_abi::Syscall number,
                  Register args, Register expected);
// Fails unless `result` is the statement's errno, or 0 if it names none.
void compile_result_check(CodeGenerator& generator, const Statement& s, Register result);

}  // namespace vmm
