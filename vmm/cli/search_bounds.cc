#include "cli/search_bounds.h"

#include "absl/strings/str_cat.h"
#include "cli/run_settings.h"

namespace vmm {

void add_search_bounds(FlagSet& flags, absl::string_view things, double default_seconds,
                       std::optional<double>& seconds, std::optional<uint64_t>& count) {
  flags.add("time", "SECONDS",
            absl::StrCat("Stop after this long (default ", default_seconds,
                         ", unless --count says when)."),
            [&seconds](absl::string_view value) {
              const auto parsed = parse_seconds(value);
              if (parsed.ok()) seconds = *parsed;
              return parsed.status();
            });
  flags.add("count", "N", absl::StrCat("Stop after so many ", things, "."),
            [&count](absl::string_view value) {
              count = parse_integer(value);
              return count
                         ? absl::OkStatus()
                         : absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is no number"));
            });
}

}  // namespace vmm
