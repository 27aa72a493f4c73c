#include "workload/workload.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "interpreter/program.h"
#include "workload/compiler.h"
#include "workload/parser.h"
#include "workload/printer.h"

namespace vmm {

using guest_abi::Op;
using interpreter::Program;

namespace {

absl::StatusOr<Program> checked_program(std::span<const std::byte> bytes) {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(Op) != 0) {
    return absl::InvalidArgumentError("the program is not aligned");
  }
  if (const char* reason = interpreter::check_program(bytes.data(), bytes.size())) {
    return absl::InvalidArgumentError(reason);
  }
  return Program(bytes.data());
}

}  // namespace

absl::StatusOr<std::vector<std::byte>> compile_workload(absl::string_view text,
                                                        absl::string_view name) {
  const absl::StatusOr<Script> script = parse_script(text, name);
  return script.ok() ? compile_script(*script, name) : script.status();
}

absl::StatusOr<std::string> format_workload(absl::string_view text, absl::string_view name) {
  const absl::StatusOr<Script> script = parse_script(text, name);
  if (!script.ok()) {
    return script.status();
  }
  return print_script(*script);
}

absl::StatusOr<std::string> list_program(std::span<const std::byte> bytes) {
  const absl::StatusOr<Program> program = checked_program(bytes);
  if (!program.ok()) {
    return program.status();
  }
  std::string listing;
  for (uint32_t i = 0; i < program->op_count(); ++i) {
    const Op& op = program->op(i);
    absl::StrAppend(&listing, absl::Dec(i, absl::kSpacePad5), "  line ", op.line, "  ",
                    guest_abi::kOpcodeNames[static_cast<size_t>(op.code)], " d=r", op.d, " a=r",
                    op.a, " b=r", op.b, " imm=", op.imm, "  \"", program->text(op.text), "\"\n");
  }
  return listing;
}

absl::StatusOr<std::vector<std::string>> label_names(std::span<const std::byte> bytes) {
  const absl::StatusOr<Program> program = checked_program(bytes);
  if (!program.ok()) {
    return program.status();
  }
  std::vector<std::string> labels;
  for (uint32_t i = 0; i < program->label_count(); ++i) {
    labels.emplace_back(program->label(i));
  }
  return labels;
}

absl::string_view BuiltinWorkload::summary() const {
  const absl::string_view line = text.substr(0, text.find('\n'));
  return line.substr(std::min(line.find_first_not_of("# "), line.size()));
}

const BuiltinWorkload* find_workload(absl::string_view name) {
  const std::span<const BuiltinWorkload> all = builtin_workloads();
  const auto found = std::ranges::find(all, name, &BuiltinWorkload::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace vmm
