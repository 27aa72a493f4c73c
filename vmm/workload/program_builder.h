// Puts a program together: ops, strings, labels, registers. Knows the format, not the language.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>
#include "absl/strings/string_view.h"

#include "guest_abi/workload.h"

namespace vmm {

using guest_abi::Opcode;
using Register = uint8_t;

class ProgramBuilder {
 public:
  explicit ProgramBuilder(absl::string_view name) : name_(name) { text_offset(""); }

  // Ops emitted from now on carry this line and text in messages.
  void at(int line, absl::string_view text);

  uint32_t next_op() const { return static_cast<uint32_t>(ops_.size()); }
  guest_abi::Op& emit(Opcode code, Register d = 0, Register a = 0, Register b = 0,
                      uint64_t imm = 0);
  // Sets the target of the jump at `op` to the next op.
  void land(uint32_t op) { ops_[op].imm = next_op(); }
  uint32_t text_offset(absl::string_view text);

  // The phase of a label, or nothing if there are too many.
  std::optional<uint32_t> phase_of_label(absl::string_view label);

  // Registers are given out as a stack. Out of them, out_of_registers() stays true and the
  // program is not usable.
  Register take_register();
  Register take_registers(unsigned count);
  unsigned registers_taken() const { return taken_; }
  void release_registers(unsigned taken) { taken_ = taken; }
  bool out_of_registers() const { return out_of_registers_; }

  // The program, or nothing if it would be larger than kMaxProgramBytes.
  std::optional<std::vector<std::byte>> finish();

 private:
  std::string name_;
  int line_ = 0;
  uint32_t text_ = 0;
  std::vector<guest_abi::Op> ops_;
  std::vector<std::string> labels_;
  std::string strings_;
  std::map<std::string, uint32_t, std::less<>> string_offsets_;
  unsigned taken_ = 0;
  bool out_of_registers_ = false;
};

// Gives the registers taken in a scope back at its end.
class RegisterScope {
 public:
  explicit RegisterScope(ProgramBuilder& builder)
      : builder_(builder), taken_(builder.registers_taken()) {}
  ~RegisterScope() { builder_.release_registers(taken_); }
  RegisterScope(const RegisterScope&) = delete;
  RegisterScope& operator=(const RegisterScope&) = delete;

 private:
  ProgramBuilder& builder_;
  unsigned taken_;
};

}  // namespace vmm
