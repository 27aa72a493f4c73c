#include "workload/token_reader.h"

#include "absl/strings/str_cat.h"
#include "workload/keywords.h"
#include "workload/source_error.h"

namespace vmm {

Token TokenReader::take() {
  const Token& token = peek();
  if (!at_end()) {
    ++position_;
  }
  return token;
}

bool TokenReader::next_is(absl::string_view text) const {
  const Token& token = peek();
  return (token.kind == TokenKind::kWord || token.kind == TokenKind::kSymbol) && token.text == text;
}

bool TokenReader::try_take(absl::string_view text) {
  if (!next_is(text)) {
    return false;
  }
  take();
  return true;
}

void TokenReader::expect(absl::string_view text) {
  if (!try_take(text)) {
    fail_expected(absl::StrCat("'", text, "'"));
  }
}

std::string TokenReader::take_name(absl::string_view what) {
  if (peek().kind != TokenKind::kWord) {
    fail_expected(what);
    return "";
  }
  if (is_reserved(peek().text)) {
    fail(line(), absl::StrCat("'", peek().text, "' is a word of the language, not ", what));
    return "";
  }
  return take().text;
}

std::string TokenReader::take_string(absl::string_view what) {
  if (peek().kind != TokenKind::kString) {
    fail_expected(what);
    return "";
  }
  return take().text;
}

void TokenReader::fail(int line, absl::string_view reason) {
  if (!failed()) {
    status_ = source_error(name_, line, reason);
  }
  position_ = tokens_.size() - 1;
}

void TokenReader::fail_expected(absl::string_view what) {
  const Token& token = peek();
  std::string found;
  switch (token.kind) {
    case TokenKind::kEnd:
      found = "the end of the script";
      break;
    case TokenKind::kNewline:
      found = "the end of the statement";
      break;
    case TokenKind::kString:
      found = absl::StrCat("\"", token.text, "\"");
      break;
    default:
      found = absl::StrCat("'", token.text, "'");
  }
  fail(token.line, absl::StrCat("expected ", what, ", found ", found));
}

}  // namespace vmm
