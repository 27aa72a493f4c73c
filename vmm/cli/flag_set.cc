#include "cli/flag_set.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace vmm {
namespace {

constexpr size_t kHelpColumn = 26;

// Insertions, deletions, replacements and exchanges of neighbours that lead from one to the other.
size_t edit_distance(absl::string_view from, absl::string_view to) {
  std::vector<std::vector<size_t>> rows(from.size() + 1, std::vector<size_t>(to.size() + 1));
  for (size_t i = 0; i <= from.size(); ++i) rows[i][0] = i;
  for (size_t j = 0; j <= to.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= from.size(); ++i) {
    for (size_t j = 1; j <= to.size(); ++j) {
      const size_t replaced = rows[i - 1][j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[from.size()][to.size()];
}

}  // namespace

std::optional<uint64_t> parse_integer(absl::string_view text) {
  const bool hexadecimal = absl::StartsWithIgnoreCase(text, "0x");
  if (hexadecimal) text.remove_prefix(2);
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, hexadecimal ? 16 : 10);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::string closest_name(absl::string_view text, std::span<const std::string> known) {
  std::string closest;
  // Not further than half of it, or it was meant otherwise.
  size_t least = std::min(std::max<size_t>(2, text.size() / 3), text.size() / 2) + 1;
  for (const std::string& name : known) {
    const size_t distance = edit_distance(text, name);
    if (distance >= least) continue;
    least = distance;
    closest = name;
  }
  return closest;
}

void FlagSet::add(absl::string_view name, absl::string_view value_name, absl::string_view help,
                  Setter set) {
  flags_.push_back({.name = std::string(name),
                    .value_name = std::string(value_name),
                    .help = std::string(help),
                    .set = std::move(set)});
}

void FlagSet::add_optional(absl::string_view name, absl::string_view value_name,
                           absl::string_view help, Setter set) {
  add(name, value_name, help, std::move(set));
  flags_.back().needs_value = false;
}

void FlagSet::add_switch(absl::string_view name, absl::string_view help, bool& to) {
  add(name, "", help, [&to](absl::string_view) {
    to = true;
    return absl::OkStatus();
  });
  flags_.back().takes_value = false;
}

void FlagSet::add_text(absl::string_view name, absl::string_view value_name, absl::string_view help,
                       std::string& to) {
  add(name, value_name, help, [&to](absl::string_view value) {
    to = std::string(value);
    return absl::OkStatus();
  });
}

void FlagSet::add_integer(absl::string_view name, absl::string_view value_name, IntegerRange range,
                          absl::string_view help, uint64_t& to) {
  add(name, value_name, help, [range, &to](absl::string_view value) {
    const std::optional<uint64_t> number = parse_integer(value);
    if (!number || *number < range.least || *number > range.most) {
      return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is not a whole number from ",
                                                     range.least, " to ", range.most,
                                                     range.remark));
    }
    to = *number;
    return absl::OkStatus();
  });
}

FlagSet::Flag* FlagSet::find(absl::string_view name) {
  const auto found =
      std::find_if(flags_.begin(), flags_.end(), [&](const Flag& f) { return f.name == name; });
  return found == flags_.end() ? nullptr : &*found;
}

bool FlagSet::given(absl::string_view name) const {
  return std::any_of(flags_.begin(), flags_.end(),
                     [&](const Flag& flag) { return flag.name == name && flag.given; });
}

std::vector<std::string> FlagSet::given_arguments(std::span<const std::string> except) const {
  std::vector<std::string> arguments;
  for (const Flag& flag : flags_) {
    if (!flag.given || std::find(except.begin(), except.end(), flag.name) != except.end()) continue;
    std::string argument = absl::StrCat("--", flag.name);
    if (flag.takes_value && (flag.needs_value || !flag.value.empty())) {
      absl::StrAppend(&argument, "=", flag.value);
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

absl::Status FlagSet::unknown_flag(absl::string_view name) const {
  std::vector<std::string> names;
  for (const Flag& flag : flags_) names.push_back(flag.name);
  const std::string closest = closest_name(name, names);
  return absl::InvalidArgumentError(
      absl::StrCat(command_, " has no flag --", name,
                   closest.empty() ? "" : absl::StrCat("; did you mean --", closest, "?")));
}

absl::Status FlagSet::set_flag(Flag& flag, absl::string_view value) const {
  flag.given = true;
  flag.value = std::string(value);
  const absl::Status status = flag.set(value);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat("--", flag.name, ": ", status.message()));
}

absl::Status FlagSet::parse_flag(std::span<const std::string> arguments, size_t& index) {
  const absl::string_view argument = absl::StripPrefix(arguments[index], "--");
  const std::vector<absl::string_view> parts = absl::StrSplit(argument, absl::MaxSplits('=', 1));
  Flag* flag = find(parts[0]);
  if (flag == nullptr) return unknown_flag(parts[0]);
  if (!flag->takes_value) {
    if (parts.size() == 1) return set_flag(*flag, "");
    return absl::InvalidArgumentError(absl::StrCat("--", flag->name, " takes no value"));
  }
  if (parts.size() == 2) return set_flag(*flag, parts[1]);
  if (!flag->needs_value) return set_flag(*flag, "");
  if (index + 1 >= arguments.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag->name, " needs a value: --", flag->name, "=", flag->value_name));
  }
  return set_flag(*flag, arguments[++index]);
}

absl::StatusOr<std::vector<std::string>> FlagSet::parse(std::span<const std::string> arguments) {
  std::vector<std::string> others;
  for (size_t index = 0; index < arguments.size(); ++index) {
    const std::string& argument = arguments[index];
    if (argument == "--") {
      others.insert(others.end(), arguments.begin() + static_cast<ptrdiff_t>(index) + 1,
                    arguments.end());
      break;
    }
    if (argument == "--help" || argument == "-h") {
      help_requested_ = true;
      return others;
    }
    if (!absl::StartsWith(argument, "-") || argument == "-") {
      others.push_back(argument);
    } else if (!absl::StartsWith(argument, "--")) {
      return absl::InvalidArgumentError(
          absl::StrCat(command_, " has no flag ", argument, "; flags start with --"));
    } else if (const absl::Status status = parse_flag(arguments, index); !status.ok()) {
      return status;
    }
  }
  return others;
}

std::string FlagSet::help() const {
  std::string text;
  for (const Flag& flag : flags_) {
    std::string left = absl::StrCat("  --", flag.name);
    if (flag.takes_value) {
      absl::StrAppend(&left, flag.needs_value ? "=" : "[=", flag.value_name,
                      flag.needs_value ? "" : "]");
    }
    const std::vector<std::string> lines = absl::StrSplit(flag.help, '\n');
    if (left.size() + 2 > kHelpColumn) {
      absl::StrAppend(&text, left, "\n");
      left.clear();
    }
    for (const std::string& line : lines) {
      absl::StrAppendFormat(&text, "%-*s%s\n", static_cast<int>(kHelpColumn), left, line);
      left.clear();
    }
  }
  return text;
}

}  // namespace vmm
