#include "format.h"

#include <stdint.h>

namespace kernel {
namespace {

// Takes characters until the buffer is full, and leaves room for the NUL.
class Output {
 public:
  Output(char* buffer, size_t size) : buffer_(buffer), capacity_(size - 1) {}
  void put(char c) {
    if (length_ < capacity_) {
      buffer_[length_++] = c;
    }
  }
  void fill(char c, size_t count) {
    for (; count > 0; --count) {
      put(c);
    }
  }
  size_t finish() {
    buffer_[length_] = '\0';
    return length_;
  }

 private:
  char* buffer_;
  size_t capacity_;
  size_t length_ = 0;
};

struct Conversion {
  bool left = false;
  bool zeros = false;
  bool is_long = false;
  size_t width = 0;
  size_t precision = SIZE_MAX;
};

size_t read_number(const char*& text) {
  size_t number = 0;
  while (*text >= '0' && *text <= '9') {
    number = number * 10 + static_cast<size_t>(*text++ - '0');
  }
  return number;
}

// Reads what stands between `%` and the conversion's letter; a precision may be an argument.
Conversion read_conversion(const char*& text, va_list* arguments) {
  Conversion conversion;
  for (; *text == '-' || *text == '0'; ++text) {
    (*text == '-' ? conversion.left : conversion.zeros) = true;
  }
  conversion.width = read_number(text);
  if (*text == '.') {
    ++text;
    if (*text == '*') {
      ++text;
      const int precision = va_arg(*arguments, int);
      conversion.precision = precision < 0 ? SIZE_MAX : static_cast<size_t>(precision);
    } else {
      conversion.precision = read_number(text);
    }
  }
  for (; *text == 'l' || *text == 'z'; ++text) {
    conversion.is_long = true;
  }
  return conversion;
}

void put_padded(Output& output, const Conversion& conversion, const char* text, size_t length) {
  const size_t padding = conversion.width > length ? conversion.width - length : 0;
  if (!conversion.left) {
    output.fill(' ', padding);
  }
  for (size_t i = 0; i < length; ++i) {
    output.put(text[i]);
  }
  if (conversion.left) {
    output.fill(' ', padding);
  }
}

void put_number(Output& output, Conversion conversion, uint64_t value, unsigned base,
                bool negative) {
  char digits[24];
  char* const end = digits + sizeof(digits);
  char* first = end;
  do {
    *--first = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  if (negative && conversion.zeros) {
    output.put('-');
    conversion.width -= conversion.width > 0 ? 1 : 0;
  } else if (negative) {
    *--first = '-';
  }
  const auto length = static_cast<size_t>(end - first);
  if (conversion.zeros && !conversion.left && conversion.width > length) {
    output.fill('0', conversion.width - length);
    conversion.width = 0;
  }
  put_padded(output, conversion, first, length);
}

void put_string(Output& output, const Conversion& conversion, const char* text) {
  if (text == nullptr) {
    text = "(null)";
  }
  size_t length = 0;
  while (length < conversion.precision && text[length] != '\0') {
    ++length;
  }
  put_padded(output, conversion, text, length);
}

int64_t next_signed(va_list* arguments, bool is_long) {
  return is_long ? va_arg(*arguments, long) : va_arg(*arguments, int);
}

uint64_t next_unsigned(va_list* arguments, bool is_long) {
  return is_long ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned);
}

// One conversion; its letter is at `text`. The list is passed on by address, so that each
// argument is taken once.
void convert(Output& output, const Conversion& conversion, char letter, va_list* arguments) {
  switch (letter) {
    case 'd':
    case 'i': {
      const int64_t value = next_signed(arguments, conversion.is_long);
      const uint64_t magnitude =
          value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
      put_number(output, conversion, magnitude, 10, value < 0);
      return;
    }
    case 'u':
      put_number(output, conversion, next_unsigned(arguments, conversion.is_long), 10, false);
      return;
    case 'x':
      put_number(output, conversion, next_unsigned(arguments, conversion.is_long), 16, false);
      return;
    case 'p':
      output.put('0');
      output.put('x');
      put_number(output, conversion, reinterpret_cast<uint64_t>(va_arg(*arguments, void*)), 16,
                 false);
      return;
    case 'c': {
      const char c = static_cast<char>(va_arg(*arguments, int));
      put_padded(output, conversion, &c, 1);
      return;
    }
    case 's':
      put_string(output, conversion, va_arg(*arguments, const char*));
      return;
    case '%':
      output.put('%');
      return;
    default:
      output.put('%');
      output.put(letter);
  }
}

}  // namespace

size_t format_text(char* buffer, size_t size, const char* format, va_list arguments) {
  if (size == 0) {
    return 0;
  }
  Output output(buffer, size);
  va_list rest;
  va_copy(rest, arguments);
  while (*format != '\0') {
    if (*format != '%') {
      output.put(*format++);
      continue;
    }
    ++format;
    const Conversion conversion = read_conversion(format, &rest);
    if (*format == '\0') {
      output.put('%');
      break;
    }
    convert(output, conversion, *format++, &rest);
  }
  va_end(rest);
  return output.finish();
}

size_t format_text(char* buffer, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const size_t length = format_text(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}

}  // namespace kernel
