#include "runtime/console.h"

#include "runtime/hypercall.h"

namespace test_guest {

void Line::put(char character) {
  if (used_ < sizeof text_ - 1) text_[used_++] = character;
}

Line& Line::add(const char* text) {
  while (*text != 0) put(*text++);
  return *this;
}

Line& Line::add(int64_t number) {
  char digits[20];
  unsigned count = 0;
  uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  do {
    digits[count++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (number < 0) put('-');
  while (count != 0) put(digits[--count]);
  return *this;
}

Line& Line::add(Hex number) {
  add("0x");
  int shift = 60;
  while (shift > 0 && number.value >> shift == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[number.value >> shift & 15]);
  return *this;
}

void Line::print() {
  text_[used_++] = '\n';
  hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, used_, address_of(text_));
  used_ = 0;
}

}  // namespace test_guest
