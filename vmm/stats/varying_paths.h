// Which places of the statistics may differ between two runs of the same workload, seed and
// settings, and how to take them out before two runs are compared.
//
// A path is a JSON pointer in which a step `*` stands for every element.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace vmm {

struct RunFacts;

std::vector<std::string> varying_paths(const RunFacts& facts);

// The document without the places that its own "nondeterministic" list names, and without that
// list.
nlohmann::ordered_json without_varying(nlohmann::ordered_json statistics);

}  // namespace vmm
