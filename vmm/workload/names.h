// The regions and variables of a script.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>
#include "absl/strings/string_view.h"

#include "workload/program_builder.h"

namespace vmm {

struct Region {
  uint64_t address = 0;
  uint64_t pages = 0;
  bool followed = false;  // another region adjoins its end
};

class Names {
 public:
  struct Variable {
    std::string name;
    Register where;
  };
  using Variables = std::vector<Variable>;

  const Region* find_region(absl::string_view name) const;
  const Register* find_variable(absl::string_view name) const;
  bool defined(absl::string_view name) const;

  // Why the region cannot be, or empty. It starts at a 2 MiB boundary of its own, or right after
  // the region `after`.
  std::string add_region(const std::string& name, uint64_t pages, const std::string& after);
  void add_variable(const std::string& name, Register where) {
    variables_.push_back({name, where});
  }

  // Variables added since are forgotten.
  size_t variable_count() const { return variables_.size(); }
  void forget_variables(size_t count) { variables_.resize(count); }
  // Other variables in place of all; returns those that were.
  Variables exchange_variables(Variables variables) {
    return std::exchange(variables_, std::move(variables));
  }

 private:
  std::map<std::string, Region, std::less<>> regions_;
  Variables variables_;
  uint64_t next_address_ = 0;
};

}  // namespace vmm
