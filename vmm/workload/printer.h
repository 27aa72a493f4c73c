// Scripts back into text, in one layout.
#pragma once

#include <string>

#include "workload/ast.h"

namespace vmm {

std::string print_expression(const Expression& expression);
// A statement without its blocks: "repeat 3", "write data[0..4] page * 2".
std::string print_head(const Statement& statement);
std::string print_script(const Script& script);

}  // namespace vmm
