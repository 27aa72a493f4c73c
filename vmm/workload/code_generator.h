// What statements and expressions share when code is made of them: the builder, the names, the
// first error. Errors are sticky; code made after one is never used.
#pragma once

#include <optional>
#include <string>
#include "absl/strings/string_view.h"

#include "absl/status/status.h"
#include "workload/ast.h"
#include "workload/names.h"
#include "workload/program_builder.h"

namespace vmm {

// The value of an expression that is the same in every run.
std::optional<uint64_t> constant_value(const Expression& expression);

// Pages of a region as code sees them: [first, end) in registers.
struct PageBounds {
  const Region* region = nullptr;
  bool single = false;
  Register first = 0;
  Register end = 0;  // not of a single page
  std::optional<uint64_t> constant_first;
};

class CodeGenerator {
 public:
  explicit CodeGenerator(absl::string_view name) : name_(name), builder_(name) {}

  ProgramBuilder& builder() { return builder_; }
  Names& names() { return names_; }
  const absl::Status& status() const { return status_; }
  void fail(int line, absl::string_view reason);

  // A register that holds the value; of a variable its own, else a new one.
  Register value(const Expression& expression);
  Register constant(uint64_t number);
  void value_into(const Expression& expression, Register target);

  // Bounds, checked here if they are constant and in the guest if not.
  PageBounds page_bounds(const PageRange& range, int line);
  Register address_of_page(const Region& region, Register page);
  Register address_of_first(const PageBounds& bounds);
  // Address and length in bytes, into `target` and the register after it.
  void range_arguments(const PageRange& range, int line, Register target);
  // Fails the workload with `detail` unless the register is not 0.
  void expect(Register condition, absl::string_view detail);

 private:
  void operator_into(const Expression& e, Register target);
  void logical_into(const Expression& e, Register target);
  void call_into(const Expression& e, Register target);
  void pte_bit_into(const Expression& e, uint64_t bit, Register target);
  void young_into(const Expression& e, Register target);
  void try_access_into(const Expression& e, Register target);
  Register address_of_word(const PageRange& range, int line);
  void check_constant_bounds(const PageRange& range, const Region& region, int line);

  std::string name_;
  ProgramBuilder builder_;
  Names names_;
  absl::Status status_;
};

}  // namespace vmm
