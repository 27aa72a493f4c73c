#include "report/pte_trace.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace vmm {
namespace {

constexpr absl::string_view kStart = "pte trace: ";
constexpr absl::string_view kCallers = "; called from";

// "kernel::pte_zap" of "kernel::pte_zap(kernel::PtePlace const&)+0x1e": lines would be too long.
std::string short_name(absl::string_view name) {
  const std::string plain = absl::StrReplaceAll(name, {{"(anonymous namespace)::", ""}});
  const absl::string_view known = absl::string_view(plain).substr(0, plain.find_first_of("(+"));
  return std::string(absl::StripPrefix(known, "kernel::"));
}

}  // namespace

std::string PteTrace::shown(std::string_view console) {
  const absl::string_view text(console.data(), console.size());
  const size_t callers = text.find(kCallers);
  if (!absl::StartsWith(text, kStart) || callers == absl::string_view::npos) {
    return std::string(console);
  }
  ++lines_;
  std::vector<std::string> names;
  const absl::string_view rest =
      absl::StripTrailingAsciiWhitespace(text.substr(callers + kCallers.size()));
  for (const absl::string_view word : absl::StrSplit(rest, ' ', absl::SkipEmpty())) {
    uint64_t address = 0;
    const bool is_number = absl::SimpleHexAtoi(word, &address);
    // Below the kernel, in the sim engine, there may be words that are no code.
    const std::string name = is_number ? short_name(names_(address)) : "";
    if (!name.empty()) names.push_back(name);
  }
  return absl::StrCat(text.substr(0, callers), "\n  by ", absl::StrJoin(names, " < "), "\n");
}

}  // namespace vmm
