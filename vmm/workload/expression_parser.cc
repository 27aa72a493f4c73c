#include "workload/expression_parser.h"

#include "absl/strings/str_cat.h"
#include "workload/keywords.h"

namespace vmm {
namespace {

const OperatorWord* binary_operator(const TokenReader& reader) {
  for (const OperatorWord& word : kOperators) {
    if (word.precedence > 0 && reader.next_is(word.symbol)) {
      return &word;
    }
  }
  return nullptr;
}

Expression make(Expression::Kind kind, int line) {
  Expression result;
  result.kind = kind;
  result.line = line;
  return result;
}

}  // namespace

Expression ExpressionParser::expression() {
  if (++depth_ > kMaxNesting) {
    reader_.fail(reader_.line(), "the expression is nested too deeply");
  }
  if (depth_ == 1) {
    operators_ = 0;
  }
  Expression result = binary(1);
  --depth_;
  return result;
}

Expression ExpressionParser::binary(int minimum_precedence) {
  Expression left = unary();
  for (const OperatorWord* word = binary_operator(reader_);
       word != nullptr && word->precedence >= minimum_precedence; word = binary_operator(reader_)) {
    Expression whole = make(Expression::Kind::kOperator, reader_.line());
    reader_.take();
    if (++operators_ > kMaxOperators) {
      reader_.fail(whole.line, "the expression is too long");
    }
    whole.op = word->op;
    whole.operands.push_back(std::move(left));
    whole.operands.push_back(binary(word->precedence + 1));
    left = std::move(whole);
  }
  return left;
}

Expression ExpressionParser::unary() {
  const int line = reader_.line();
  for (const Operator op : {Operator::kNot, Operator::kNegate}) {
    if (reader_.try_take(operator_word(op).symbol)) {
      Expression result = make(Expression::Kind::kOperator, line);
      result.op = op;
      if (++depth_ > kMaxNesting) {
        reader_.fail(line, "the expression is nested too deeply");
      }
      result.operands.push_back(unary());
      --depth_;
      return result;
    }
  }
  return primary();
}

Expression ExpressionParser::primary() {
  const int line = reader_.line();
  if (reader_.peek().kind == TokenKind::kNumber) {
    Expression result = make(Expression::Kind::kNumber, line);
    result.number = reader_.take().number;
    return result;
  }
  if (reader_.try_take("(")) {
    Expression result = expression();
    reader_.expect(")");
    return result;
  }
  if (reader_.peek().kind == TokenKind::kWord) {
    return name_or_call();
  }
  reader_.fail_expected("a value");
  return make(Expression::Kind::kNumber, line);
}

Expression ExpressionParser::name_or_call() {
  const int line = reader_.line();
  if (const FunctionWord* function = find_function(reader_.peek().text)) {
    reader_.take();
    Expression call = make(Expression::Kind::kCall, line);
    call.function = function->function;
    arguments(call);
    return call;
  }
  if (reader_.try_take("page")) {  // the one reserved word that is a variable
    Expression result = make(Expression::Kind::kVariable, line);
    result.name = "page";
    return result;
  }
  std::string name = reader_.take_name("a value");
  if (!reader_.next_is("[")) {
    Expression result = make(Expression::Kind::kVariable, line);
    result.name = std::move(name);
    return result;
  }
  Expression word = make(Expression::Kind::kWord, line);
  reader_.take();
  word.pages = PageRange{std::move(name), PageRange::Extent::kOne, {}};
  word.pages->bounds.push_back(expression());
  reader_.expect("]");
  return word;
}

void ExpressionParser::arguments(Expression& call) {
  const FunctionWord& word = function_word(call.function);
  if (word.takes == Takes::kNothing) {
    return;
  }
  reader_.expect("(");
  if (word.takes == Takes::kValue) {
    call.operands.push_back(expression());
  } else {
    const int line = reader_.line();
    call.pages = pages();
    if (word.takes != Takes::kPages && call.pages->extent != PageRange::Extent::kOne) {
      reader_.fail(line, absl::StrCat(word.name, "() asks about one page, as in ", word.name, "(",
                                      call.pages->region, "[0])"));
    }
    if (word.takes == Takes::kPageAndValue) {
      reader_.expect(",");
      call.operands.push_back(expression());
    }
  }
  reader_.expect(")");
}

PageRange ExpressionParser::pages() {
  PageRange range;
  range.region = reader_.take_name("a region");
  if (!reader_.try_take("[")) {
    return range;
  }
  range.extent = PageRange::Extent::kOne;
  range.bounds.push_back(expression());
  if (reader_.try_take("..")) {
    range.extent = PageRange::Extent::kRange;
    range.bounds.push_back(expression());
  }
  reader_.expect("]");
  return range;
}

}  // namespace vmm
