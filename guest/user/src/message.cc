#include "message.h"

#include "interpreter/errno_names.h"

namespace interpreter {

void Message::append(char c) {
  if (size_ < capacity_) {
    buffer_[size_++] = c;
  }
}

Message& Message::text(const char* text) {
  for (; *text != '\0'; ++text) {
    append(*text);
  }
  return *this;
}

Message& Message::unsigned_decimal(uint64_t number) {
  char digits[20];
  unsigned count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count != 0) {
    append(digits[--count]);
  }
  return *this;
}

Message& Message::decimal(int64_t number) {
  if (number >= 0) {
    return unsigned_decimal(static_cast<uint64_t>(number));
  }
  append('-');
  return unsigned_decimal(-static_cast<uint64_t>(number));
}

Message& Message::hex(uint64_t number) {
  text("0x");
  unsigned shift = 60;
  while (shift != 0 && (number >> shift) == 0) {
    shift -= 4;
  }
  for (;; shift -= 4) {
    append("0123456789abcdef"[(number >> shift) & 15]);
    if (shift == 0) {
      return *this;
    }
  }
}

Message& Message::result(int64_t number) {
  decimal(number);
  for (const ErrnoName& entry : kErrnoNames) {
    if (number == -entry.number) {
      text(" (").text(entry.name).text(")");
    }
  }
  return *this;
}

Message& Message::newline() {
  if (size_ == capacity_) {
    --size_;
  }
  append('\n');
  return *this;
}

}  // namespace interpreter
