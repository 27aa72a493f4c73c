// Reads tokens one by one for the parser.
//
// Errors are sticky: the first is kept, and from then on only the end is read, so that parsing code
// needs no check after each step and ends soon.
#pragma once

#include <string>
#include <vector>
#include "absl/strings/string_view.h"

#include "absl/status/status.h"
#include "workload/lexer.h"

namespace vmm {

class TokenReader {
 public:
  TokenReader(std::vector<Token> tokens, absl::string_view name)
      : tokens_(std::move(tokens)), name_(name) {}

  const absl::Status& status() const { return status_; }
  bool failed() const { return !status_.ok(); }
  int line() const { return peek().line; }
  const Token& peek() const { return tokens_[position_]; }
  bool at_end() const { return peek().kind == TokenKind::kEnd; }

  Token take();
  // Whether the next token is this word or symbol; try_take() also takes it.
  bool next_is(absl::string_view text) const;
  bool try_take(absl::string_view text);
  void expect(absl::string_view text);
  // A word that is not reserved; `what` names it in the error.
  std::string take_name(absl::string_view what);
  std::string take_string(absl::string_view what);

  void fail(int line, absl::string_view reason);
  // "expected WHAT, found ..."
  void fail_expected(absl::string_view what);

 private:
  std::vector<Token> tokens_;
  absl::string_view name_;
  size_t position_ = 0;
  absl::Status status_;
};

}  // namespace vmm
