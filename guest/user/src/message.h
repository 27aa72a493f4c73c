// Text into a fixed buffer; what does not fit is cut.
#pragma once

#include <stdint.h>

namespace interpreter {

class Message {
 public:
  Message(char* buffer, uint32_t capacity) : buffer_(buffer), capacity_(capacity) {}
  uint32_t size() const { return size_; }
  Message& text(const char* text);
  Message& decimal(int64_t number);
  Message& unsigned_decimal(uint64_t number);
  Message& hex(uint64_t number);
  // The number, and for a negative errno its name.
  Message& result(int64_t number);
  // Ends the line, in place of the last character if there is no room.
  Message& newline();

 private:
  void append(char c);
  char* buffer_;
  uint32_t capacity_;
  uint32_t size_ = 0;
};

}  // namespace interpreter
