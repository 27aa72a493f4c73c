// Compiles a script and runs it in the fake kernel.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "fake_kernel.h"
#include "workload/workload.h"

namespace vmm {

inline std::unique_ptr<FakeKernel> load_script(const std::string& text, uint64_t seed = 1) {
  absl::StatusOr<std::vector<std::byte>> program = compile_workload(text, "t.wl");
  EXPECT_TRUE(program.ok()) << program.status() << "\n" << text;
  return program.ok() ? std::make_unique<FakeKernel>(*std::move(program), seed) : nullptr;
}

// The console of a run that must end well.
inline std::string run_script(const std::string& text, uint64_t seed = 1) {
  const std::unique_ptr<FakeKernel> kernel = load_script(text, seed);
  if (kernel == nullptr) {
    return "";
  }
  const std::optional<int> code = kernel->run();
  EXPECT_TRUE(code.has_value()) << "did not end\n" << text;
  EXPECT_EQ(code.value_or(-1), 0) << kernel->console << text;
  return kernel->console;
}

// The console of a run that must fail.
inline std::string run_failing(const std::string& text) {
  const std::unique_ptr<FakeKernel> kernel = load_script(text);
  if (kernel == nullptr) {
    return "";
  }
  const std::optional<int> code = kernel->run();
  EXPECT_EQ(code.value_or(-1), 1) << text;
  return kernel->console;
}

inline std::string compile_error(const std::string& text) {
  const absl::StatusOr<std::vector<std::byte>> program = compile_workload(text, "t.wl");
  return program.ok() ? "no error" : std::string(program.status().message());
}

}  // namespace vmm
