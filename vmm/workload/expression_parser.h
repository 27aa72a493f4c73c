// Expressions and page ranges.
#pragma once

#include "workload/ast.h"
#include "workload/token_reader.h"

namespace vmm {

// How deep expressions and blocks may nest.
inline constexpr int kMaxNesting = 16;
// How many operators one expression may have.
inline constexpr int kMaxOperators = 100;

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenReader& reader) : reader_(reader) {}
  Expression expression();
  PageRange pages();

 private:
  Expression binary(int minimum_precedence);
  Expression unary();
  Expression primary();
  Expression name_or_call();
  void arguments(Expression& call);

  TokenReader& reader_;
  int depth_ = 0;
  int operators_ = 0;
};

}  // namespace vmm
