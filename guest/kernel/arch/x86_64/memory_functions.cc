// The four functions that a compiler may call on its own.
#include <stddef.h>
#include <stdint.h>

extern "C" {

void* memcpy(void* to, const void* from, size_t size) {
  void* place = to;
  asm volatile("rep movsb" : "+D"(place), "+S"(from), "+c"(size)::"memory");
  return to;
}

void* memset(void* to, int value, size_t size) {
  void* place = to;
  asm volatile("rep stosb" : "+D"(place), "+c"(size) : "a"(value) : "memory");
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  if (reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from) >= size) {
    return memcpy(to, from, size);
  }
  // `to` lies inside the source: from the end.
  char* last_to = static_cast<char*>(to) + size - 1;
  const char* last_from = static_cast<const char*>(from) + size - 1;
  asm volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(size)::"memory");
  return to;
}

int memcmp(const void* left, const void* right, size_t size) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) {
      return a[i] - b[i];
    }
  }
  return 0;
}

}  // extern "C"
