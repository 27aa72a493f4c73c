#include "workload/printer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "workload/keywords.h"

namespace vmm {
namespace {

using Kind = Statement::Kind;

int precedence(const Expression& e) {
  constexpr int kTightest = 9;
  const bool is_operator = e.kind == Expression::Kind::kOperator;
  return is_operator && operator_word(e.op).precedence > 0 ? operator_word(e.op).precedence
                                                           : kTightest;
}

std::string print_operand(const Expression& e, int minimum_precedence) {
  const std::string text = print_expression(e);
  return precedence(e) < minimum_precedence ? absl::StrCat("(", text, ")") : text;
}

std::string print_pages(const PageRange& range) {
  switch (range.extent) {
    case PageRange::Extent::kAll:
      return range.region;
    case PageRange::Extent::kOne:
      return absl::StrCat(range.region, "[", print_expression(range.bounds[0]), "]");
    case PageRange::Extent::kRange:
      return absl::StrCat(range.region, "[", print_expression(range.bounds[0]), "..",
                          print_expression(range.bounds[1]), "]");
  }
  return "";
}

std::string print_call(const Expression& e) {
  const FunctionWord& word = function_word(e.function);
  if (word.takes == Takes::kNothing) {
    return std::string(word.name);
  }
  std::string inside = e.pages ? print_pages(*e.pages) : "";
  for (const Expression& operand : e.operands) {
    absl::StrAppend(&inside, inside.empty() ? "" : ", ", print_expression(operand));
  }
  return absl::StrCat(word.name, "(", inside, ")");
}

std::string quoted(const std::string& text) {
  return absl::StrCat(" \"", text, "\"");
}

absl::string_view protection_word(uint64_t bits) {
  return std::ranges::find(kProtections, bits, &BitsWord::bits)->word;
}

void print_block(const std::vector<Statement>& body, const std::string& indent, std::string& out);

void print_statement(const Statement& s, const std::string& indent, std::string& out) {
  absl::StrAppend(&out, indent, print_head(s));
  if (s.has_body) {
    absl::StrAppend(&out, " {\n");
    print_block(s.body, indent + "  ", out);
    absl::StrAppend(&out, indent, "}");
  }
  if (!s.otherwise.empty()) {
    absl::StrAppend(&out, " else {\n");
    print_block(s.otherwise, indent + "  ", out);
    absl::StrAppend(&out, indent, "}");
  }
  absl::StrAppend(&out, "\n");
}

void print_block(const std::vector<Statement>& body, const std::string& indent, std::string& out) {
  for (const Statement& s : body) {
    print_statement(s, indent, out);
  }
}

}  // namespace

std::string print_expression(const Expression& e) {
  switch (e.kind) {
    case Expression::Kind::kNumber:
      return absl::StrCat(e.number);
    case Expression::Kind::kVariable:
      return e.name;
    case Expression::Kind::kWord:
      return print_pages(*e.pages);
    case Expression::Kind::kCall:
      return print_call(e);
    case Expression::Kind::kOperator:
      break;
  }
  const OperatorWord& word = operator_word(e.op);
  if (e.operands.size() == 1) {
    constexpr int kUnaryOperand = 6;
    return absl::StrCat(word.symbol, print_operand(e.operands[0], kUnaryOperand));
  }
  return absl::StrCat(print_operand(e.operands[0], word.precedence), " ", word.symbol, " ",
                      print_operand(e.operands[1], word.precedence + 1));
}

std::string print_head(const Statement& s) {
  std::string out(statement_word(s.kind));
  const auto add = [&out](absl::string_view text) {
    absl::StrAppend(&out, out.empty() ? "" : " ", text);
  };
  if (!s.name.empty()) {
    add(s.name);
  }
  if (s.pages) {
    add(print_pages(*s.pages));
  }
  if (s.kind == Kind::kMap || s.kind == Kind::kProtect || s.kind == Kind::kProtectNaive) {
    add(protection_word(s.protection));
  }
  if (s.target) {
    add(absl::StrCat("to ", print_pages(*s.target)));
  }
  if (s.backing != 0) {
    add(std::ranges::find(kBackings, s.backing, &BitsWord::bits)->word);
  }
  if (s.kind == Kind::kPrint || s.kind == Kind::kPhase) {
    absl::StrAppend(&out, quoted(s.text));
  } else if (s.kind == Kind::kPopulate && !s.text.empty()) {
    absl::StrAppend(&out, " phase", quoted(s.text));
  }
  if (s.kind == Kind::kFor) {
    add(absl::StrCat("in ", print_expression(s.values[0]), "..", print_expression(s.values[1])));
  } else if (!s.values.empty()) {
    add(s.kind == Kind::kVar || s.kind == Kind::kAssign ? "= "
        : s.kind == Kind::kWait                         ? "status "
                                                        : "");
    out.erase(out.find_last_not_of(' ') + 1);
    add(print_expression(s.values[0]));
    if (s.kind == Kind::kDeviceCas) {
      add(print_operand(s.values[1], 9));
    }
  }
  if (!s.after.empty()) {
    add(absl::StrCat("after ", s.after));
  }
  if (s.kind == Kind::kPinTest && !s.text.empty()) {
    absl::StrAppend(&out, " phases", quoted(s.text), quoted(s.second_text));
  }
  if (!s.expected_errno.empty()) {
    add(absl::StrCat("expect ", s.expected_errno));
  }
  return out;
}

std::string print_script(const Script& script) {
  std::string out;
  print_block(script, "", out);
  return out;
}

}  // namespace vmm
