#include "workload/compiler.h"

#include "absl/strings/str_cat.h"
#include "workload/statement_compiler.h"

namespace vmm {

absl::StatusOr<std::vector<std::byte>> compile_script(const Script& script,
                                                      absl::string_view name) {
  CodeGenerator generator(name);
  StatementCompiler(generator).script(script);
  if (!generator.status().ok()) {
    return generator.status();
  }
  std::optional<std::vector<std::byte>> program = generator.builder().finish();
  if (!program) {
    const int last_line = script.empty() ? 1 : script.back().line;
    generator.fail(last_line, absl::StrCat("the compiled program is larger than ",
                                           guest_abi::kMaxProgramBytes, " bytes"));
    return generator.status();
  }
  return *std::move(program);
}

}  // namespace vmm
