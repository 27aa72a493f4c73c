// The program that the tests of the nested bed run inside it: the test's own executable, called
// with kInnerMark as its first argument.
#pragma once

#include <span>
#include <string>

namespace vmm {

inline constexpr char kInnerMark[] = "--inside-the-bed";

// One task by name, the rest are its arguments:
//   describe INPUT OUTPUT WORD...  prints what it finds to OUTPUT (lines "name value"), every byte
//                                  value to standard output, words to standard error; exits 42
//   sleep                          says "ready" and sleeps; on SIGINT says "interrupted", exits 130
//   stubborn                       the same but SIGINT and SIGTERM are ignored
//   crash                          dies of SIGABRT
//   flood SIZE                     writes SIZE bytes to standard output
// 99 and a word on standard error if it cannot.
int run_inner_program(std::span<char* const> arguments);

// What `describe` writes to standard output.
std::string every_byte();

}  // namespace vmm
