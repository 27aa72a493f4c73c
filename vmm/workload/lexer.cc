#include "workload/lexer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "workload/source_error.h"

namespace vmm {
namespace {

constexpr size_t kMaxStringLength = 120;

bool is_name_char(char c) {
  const auto u = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(u) || c == '_';
}

class Lexer {
 public:
  Lexer(absl::string_view text, absl::string_view name) : rest_(text), name_(name) {}

  absl::StatusOr<std::vector<Token>> run() {
    while (!rest_.empty()) {
      if (absl::Status status = next(); !status.ok()) {
        return status;
      }
    }
    add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  absl::Status next() {
    const char c = rest_.front();
    if (c == '\n' || c == ';') {
      add(TokenKind::kNewline, "");
      line_ += c == '\n' ? 1 : 0;
      rest_.remove_prefix(1);
    } else if (c == ' ' || c == '\t' || c == '\r') {
      rest_.remove_prefix(1);
    } else if (c == '#') {
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    } else if (c == '"') {
      return string();
    } else if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      return number();
    } else if (is_name_char(c)) {
      add(TokenKind::kWord, take_name());
    } else {
      return symbol();
    }
    return absl::OkStatus();
  }

  std::string take_name() {
    size_t length = 0;
    while (length < rest_.size() && is_name_char(rest_[length])) {
      ++length;
    }
    std::string word(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return word;
  }

  absl::Status number() {
    const std::string digits = take_name();
    uint64_t value = 0;
    const bool hex = digits.size() > 2 && digits[0] == '0' && digits[1] == 'x';
    if (hex ? !absl::SimpleHexAtoi(digits, &value) : !absl::SimpleAtoi(digits, &value)) {
      return source_error(name_, line_, absl::StrCat("'", digits, "' is not a 64-bit number"));
    }
    add(TokenKind::kNumber, digits);
    tokens_.back().number = value;
    return absl::OkStatus();
  }

  absl::Status string() {
    const size_t end = rest_.find_first_of("\"\n", 1);
    if (end == absl::string_view::npos || rest_[end] == '\n') {
      return source_error(name_, line_, "the string does not end on its line");
    }
    const absl::string_view text = rest_.substr(1, end - 1);
    if (text.size() > kMaxStringLength) {
      return source_error(name_, line_,
                          absl::StrCat("a string has at most ", kMaxStringLength, " characters"));
    }
    for (const char c : text) {
      if (!absl::ascii_isprint(static_cast<unsigned char>(c))) {
        return source_error(name_, line_, "a string holds printable ASCII only");
      }
    }
    add(TokenKind::kString, text);
    rest_.remove_prefix(end + 1);
    return absl::OkStatus();
  }

  absl::Status symbol() {
    static constexpr absl::string_view kSymbols[] = {"..", "==", "!=", "<=", ">=", "&&", "||", "{",
                                                     "}",  "[",  "]",  "(",  ")",  ",",  "=",  "<",
                                                     ">",  "+",  "-",  "*",  "/",  "%",  "!"};
    for (const absl::string_view symbol : kSymbols) {
      if (rest_.substr(0, symbol.size()) == symbol) {
        add(TokenKind::kSymbol, symbol);
        rest_.remove_prefix(symbol.size());
        return absl::OkStatus();
      }
    }
    const char c = rest_.front();
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) {
      return source_error(name_, line_, "a script is printable ASCII");
    }
    return source_error(name_, line_,
                        absl::StrCat("unexpected character '", rest_.substr(0, 1), "'"));
  }

  void add(TokenKind kind, absl::string_view text) {
    tokens_.push_back({kind, std::string(text), 0, line_});
  }

  absl::string_view rest_;
  absl::string_view name_;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

absl::StatusOr<std::vector<Token>> tokenize(absl::string_view text, absl::string_view name) {
  return Lexer(text, name).run();
}

}  // namespace vmm
