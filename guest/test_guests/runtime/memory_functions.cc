// What the compiler expects to exist.
#include <stddef.h>

extern "C" void* memcpy(void* to, const void* from, size_t size) {
  void* next = to;
  asm volatile("rep movsb" : "+D"(next), "+S"(from), "+c"(size) : : "memory");
  return to;
}

extern "C" void* memset(void* to, int value, size_t size) {
  void* next = to;
  asm volatile("rep stosb" : "+D"(next), "+c"(size) : "a"(value) : "memory");
  return to;
}
