// When a command ends that could go on for ever: --time and --count.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "cli/flag_set.h"

namespace vmm {

// `things`: what is counted. Both values outlive the flags.
void add_search_bounds(FlagSet& flags, absl::string_view things, double default_seconds,
                       std::optional<double>& seconds, std::optional<uint64_t>& count);

}  // namespace vmm
