// A compiled workload, checked once and then read without further checks.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "guest_abi/workload.h"

namespace interpreter {

class Program {
 public:
  // Only of bytes for which check_program() found nothing; they must outlive this.
  explicit Program(const void* bytes)
      : bytes_(static_cast<const unsigned char*>(bytes)),
        header_(static_cast<const guest_abi::ProgramHeader*>(bytes)) {}

  uint32_t op_count() const { return header_->op_count; }
  const guest_abi::Op& op(uint32_t index) const {
    return reinterpret_cast<const guest_abi::Op*>(bytes_ + header_->op_offset)[index];
  }
  uint32_t label_count() const { return header_->label_count; }
  const char* label(uint32_t index) const {
    return text(reinterpret_cast<const uint32_t*>(bytes_ + header_->label_offset)[index]);
  }
  const char* text(uint32_t offset) const {
    return reinterpret_cast<const char*>(bytes_ + header_->string_offset + offset);
  }
  const char* name() const { return text(header_->name); }

 private:
  const unsigned char* bytes_;
  const guest_abi::ProgramHeader* header_;
};

// Why `size` bytes (aligned to 8) are not a program that can be run, or nullptr. After this every
// register, jump target, string, label and system call of the program is in range, and no op
// leads past the last one.
const char* check_program(const void* bytes, size_t size);

}  // namespace interpreter
