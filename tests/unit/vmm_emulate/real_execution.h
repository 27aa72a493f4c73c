// Running one instruction on this machine's processor, to compare with what the decoder says.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>

#include "emulate/decode.h"

namespace vmm {

// An assembled instruction and its text, from snippets.S.
struct Snippet {
  const uint8_t* start;
  const uint8_t* end;
  const char* text;

  CodeBytes code() const { return {start, end}; }
};

extern "C" const Snippet store_snippets[];  // each list ends with start == nullptr
extern "C" const Snippet load_snippets[];

inline constexpr uint64_t kTestGsBase = 0x18;

// Memory, registers and a page of code for running snippets.
class RealExecution {
 public:
  static constexpr unsigned kWordCount = 512;

  explicit RealExecution(uint32_t seed);
  ~RealExecution();
  RealExecution(const RealExecution&) = delete;
  RealExecution& operator=(const RealExecution&) = delete;

  // New random memory and registers; rip is where the snippet will lie. Sometimes the accumulator
  // equals the memory that rdi points to, so that compare-exchanges succeed.
  void shuffle(const Snippet& snippet);
  void run();

  GuestRegisters& registers() { return registers_; }
  std::array<uint64_t, kWordCount>& memory() { return memory_; }
  bool contains(uint64_t address, unsigned size) const;

 private:
  std::mt19937_64 random_;
  uint8_t* code_;
  GuestRegisters registers_{};
  std::array<uint64_t, kWordCount> memory_{};
};

// A value of `width` bytes at that address of this process.
uint64_t read_host(uint64_t address, unsigned width);

// The registers differ in something that the processor defines; the text says in what.
std::string compare_registers(const GuestRegisters& predicted, const GuestRegisters& real,
                              uint64_t defined_flags);

}  // namespace vmm
