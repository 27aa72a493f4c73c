// Script text into tokens.
//
// Line ends and semicolons end a statement and are one kind of token; comments run from # to the
// end of the line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>
#include "absl/strings/string_view.h"

#include "absl/status/statusor.h"

namespace vmm {

enum class TokenKind : uint8_t {
  kWord,    // a keyword or a name
  kNumber,  // decimal or 0x hexadecimal, 64 bits
  kString,  // text without its quotes
  kSymbol,
  kNewline,
  kEnd
};

struct Token {
  TokenKind kind;
  std::string text;
  uint64_t number = 0;
  int line = 0;
};

// The last token is kEnd.
absl::StatusOr<std::vector<Token>> tokenize(absl::string_view text, absl::string_view name);

}  // namespace vmm
