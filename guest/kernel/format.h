// Text from values, into a buffer: the subset of printf that the kernel needs.
//
// Conversions: %d %i %u %x %c %s %p %%, with l or z, width, `0` and `-` flags, and a precision
// (a number or *) for %s. An unknown conversion is copied as it stands. No floating point.
#pragma once

#include <stdarg.h>
#include <stddef.h>

namespace kernel {

// Writes at most size - 1 characters and a NUL (nothing if size is 0); returns the number of
// characters written, the NUL not counted.
size_t format_text(char* buffer, size_t size, const char* format, va_list arguments);

[[gnu::format(printf, 3, 4)]] size_t format_text(char* buffer, size_t size, const char* format,
                                                 ...);

}  // namespace kernel
