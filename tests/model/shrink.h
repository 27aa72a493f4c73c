// Makes a failing scenario small: fewer steps, fewer requests, usual values, as long as it fails.
#pragma once

#include <functional>

#include "step.h"

namespace pvmmu::model {

// `fails` must be true of the scenario given. Calls it at most `most_runs` times.
Scenario shrink(Scenario scenario, const std::function<bool(const Scenario&)>& fails,
                unsigned most_runs = 4000);

}  // namespace pvmmu::model
