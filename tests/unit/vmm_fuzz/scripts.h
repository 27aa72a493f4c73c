// Scripts as text, for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "fuzz/oracle.h"
#include "workload/parser.h"
#include "workload/printer.h"

namespace vmm::fuzz {

inline Script parsed(const std::string& text) {
  auto script = parse_script(text, "test.wl");
  EXPECT_TRUE(script.ok()) << script.status().message();
  return script.ok() ? *std::move(script) : Script{};
}

// The script as the oracle makes it; empty if it refuses it.
inline std::string corrected(const std::string& text) {
  Script script = parsed(text);
  Oracle oracle;
  return oracle.correct(script) ? print_script(script) : "";
}

}  // namespace vmm::fuzz
