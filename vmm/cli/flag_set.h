// The flags of one subcommand: what they set, what they accept, what their help says.
//
// Strict: a flag that the subcommand does not have, a value outside its range, or a missing value
// is an error of one line that names the flag and what it accepts. Abseil's flags are one global
// set for the whole program and cannot refuse a flag by subcommand, hence this.
//
// Forms: --name=value, --name value, --switch, --optional[=value], -h. "--" ends the flags. The
// last of several wins.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace vmm {

struct IntegerRange {
  uint64_t least;
  uint64_t most;
  absl::string_view remark = {};  // appended to the error for a value outside
};

class FlagSet {
 public:
  using Setter = std::function<absl::Status(absl::string_view value)>;

  // `command` as the user typed it, for messages: "pvmmu run".
  explicit FlagSet(std::string command) : command_(std::move(command)) {}

  // `value_name` is how the help calls the value, as in --seed=N. The setter's error says what is
  // wrong with the value; the flag's name is put in front of it.
  void add(absl::string_view name, absl::string_view value_name, absl::string_view help,
           Setter set);
  // A flag that may stand alone, which gives the setter an empty value; a value needs the `=`.
  void add_optional(absl::string_view name, absl::string_view value_name, absl::string_view help,
                    Setter set);
  void add_switch(absl::string_view name, absl::string_view help, bool& to);
  void add_text(absl::string_view name, absl::string_view value_name, absl::string_view help,
                std::string& to);
  // Decimal, or hexadecimal with 0x.
  void add_integer(absl::string_view name, absl::string_view value_name, IntegerRange range,
                   absl::string_view help, uint64_t& to);
  template <typename T>
  void add_choice(absl::string_view name, std::vector<std::pair<std::string, T>> choices,
                  absl::string_view help, T& to);

  // Sets what the flags say and returns the other arguments. With --help among them nothing more
  // is read and help_requested() is true.
  absl::StatusOr<std::vector<std::string>> parse(std::span<const std::string> arguments);
  bool help_requested() const { return help_requested_; }
  // True if the flag was among the arguments.
  bool given(absl::string_view name) const;
  // The flags that were given, each once and as --name=value, but for those in `except`.
  std::vector<std::string> given_arguments(std::span<const std::string> except) const;

  // One line or more per flag, in the order they were added.
  std::string help() const;

 private:
  struct Flag {
    std::string name;
    std::string value_name;
    std::string help;
    Setter set;
    bool takes_value = true;
    bool needs_value = true;
    bool given = false;
    std::string value = {};  // as given last
  };

  Flag* find(absl::string_view name);
  absl::Status unknown_flag(absl::string_view name) const;
  absl::Status set_flag(Flag& flag, absl::string_view value) const;
  // Handles arguments[index] and, where the value stands apart, steps over it.
  absl::Status parse_flag(std::span<const std::string> arguments, size_t& index);

  std::string command_;
  std::vector<Flag> flags_;
  bool help_requested_ = false;
};

// A whole number in decimal, or hexadecimal with 0x; nothing else around it.
std::optional<uint64_t> parse_integer(absl::string_view text);
// The member of `known` that is closest to `text`, or empty if none is close.
std::string closest_name(absl::string_view text, std::span<const std::string> known);

template <typename T>
void FlagSet::add_choice(absl::string_view name, std::vector<std::pair<std::string, T>> choices,
                         absl::string_view help, T& to) {
  std::vector<std::string> names;
  for (const auto& choice : choices) names.push_back(choice.first);
  add(name, absl::StrJoin(names, "|"), help,
      [choices = std::move(choices), names, &to](absl::string_view value) {
        for (const auto& [text, meaning] : choices) {
          if (text != value) continue;
          to = meaning;
          return absl::OkStatus();
        }
        return absl::InvalidArgumentError(
            absl::StrCat("\"", value, "\" is none of ", absl::StrJoin(names, ", ")));
      });
}

}  // namespace vmm
