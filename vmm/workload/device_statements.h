// Code for the statements of the accelerator.
#pragma once

#include "workload/ast.h"
#include "workload/code_generator.h"

namespace vmm {

bool is_device_statement(Statement::Kind kind);
void compile_device(CodeGenerator& generator, const Statement& s);

}  // namespace vmm
