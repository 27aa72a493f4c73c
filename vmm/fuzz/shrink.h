// Makes a script that fails smaller, as long as it fails in the same way.
#pragma once

#include <functional>

#include "workload/ast.h"

namespace vmm::fuzz {

// Whether a script still fails so. It is one that the oracle has made right.
using StillFails = std::function<bool(const Script&)>;
// Whether to stop where it is.
using GiveUp = std::function<bool()>;

// Takes statements out, blocks apart, and numbers down, until nothing more goes. Each candidate is
// made right by the oracle first; those that cannot be are not tried.
Script shrink(Script script, const StillFails& still_fails, const GiveUp& give_up);

// Statements, those in blocks included.
size_t statement_count(const Script& script);

}  // namespace vmm::fuzz
