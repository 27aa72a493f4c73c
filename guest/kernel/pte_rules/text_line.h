// A line of the console that is put together from pieces and written by one call. What does not
// fit is left out.
#pragma once

#include <stddef.h>

#include "console.h"
#include "format.h"

namespace kernel::pte_rules {

class TextLine {
 public:
  template <typename... Values>
  void add(const char* format, Values... values) {
    const size_t length = format_text(text_ + used_, sizeof(text_) - used_, format, values...);
    used_ += length;
  }
  void print() { console_print("%s\n", text_); }

 private:
  char text_[400] = {};
  size_t used_ = 0;
};

}  // namespace kernel::pte_rules
