#include "workload/keywords.h"

#include <algorithm>
#include <iterator>

#include "guest_abi/syscall.h"
#include "interpreter/errno_names.h"

namespace vmm {

static_assert(guest_abi::kProtRead == 1 && guest_abi::kProtWrite == 2 && guest_abi::kProtExec == 4);
static_assert(guest_abi::kMapShared == 1 && guest_abi::kMapFile == 4 && guest_abi::kMapDevice == 8);

const FunctionWord* find_function(absl::string_view name) {
  const auto found = std::ranges::find(kFunctions, name, &FunctionWord::name);
  return found == std::end(kFunctions) ? nullptr : found;
}

const FunctionWord& function_word(Function function) {
  return *std::ranges::find(kFunctions, function, &FunctionWord::function);
}

const OperatorWord& operator_word(Operator op) {
  return *std::ranges::find(kOperators, op, &OperatorWord::op);
}

absl::string_view statement_word(Statement::Kind kind) {
  return std::ranges::find(kStatements, kind, &StatementWord::kind)->word;
}

bool is_reserved(absl::string_view word) {
  static constexpr absl::string_view kOthers[] = {"fault", "crash", "after", "shared", "phases",
                                                  "else",  "in",    "page",  "status"};
  return std::ranges::find(kStatements, word, &StatementWord::word) != std::end(kStatements) ||
         std::ranges::find(kOthers, word) != std::end(kOthers) || find_function(word) != nullptr;
}

std::optional<int> errno_from_name(absl::string_view name) {
  for (const interpreter::ErrnoName& entry : interpreter::kErrnoNames) {
    if (name == entry.name) {
      return static_cast<int>(entry.number);
    }
  }
  return std::nullopt;
}

}  // namespace vmm
