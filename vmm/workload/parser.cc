#include "workload/parser.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "workload/expression_parser.h"
#include "workload/keywords.h"
#include "workload/token_reader.h"

namespace vmm {
namespace {

using Kind = Statement::Kind;

class Parser {
 public:
  Parser(std::vector<Token> tokens, absl::string_view name)
      : reader_(std::move(tokens), name), expressions_(reader_) {}

  absl::StatusOr<Script> run() {
    Script script;
    while (skip_newlines(), !reader_.at_end()) {
      if (reader_.next_is("}")) {
        reader_.fail(reader_.line(), "'}' without a '{'");
        break;
      }
      script.push_back(statement());
      end_of_statement();
    }
    if (reader_.failed()) {
      return reader_.status();
    }
    return script;
  }

 private:
  void skip_newlines() {
    while (reader_.peek().kind == TokenKind::kNewline) {
      reader_.take();
    }
  }

  void end_of_statement() {
    if (reader_.peek().kind != TokenKind::kNewline && !reader_.at_end() && !reader_.next_is("}")) {
      reader_.fail_expected("the end of the statement");
    }
  }

  std::vector<Statement> block() {
    const int opened = reader_.line();
    reader_.expect("{");
    if (++depth_ > kMaxNesting) {
      reader_.fail(opened, absl::StrCat("blocks nest at most ", kMaxNesting, " deep"));
    }
    std::vector<Statement> body;
    while (skip_newlines(), !reader_.at_end() && !reader_.next_is("}")) {
      body.push_back(statement());
      end_of_statement();
    }
    if (reader_.at_end()) {
      reader_.fail(opened, "the '{' of this line is not closed");
    }
    reader_.expect("}");
    --depth_;
    return body;
  }

  Statement statement() {
    Statement result;
    result.line = reader_.line();
    if (reader_.peek().kind != TokenKind::kWord) {
      reader_.fail_expected("a statement");
      return result;
    }
    const std::string word = reader_.peek().text;
    if (word == "fault" || word == "crash") {
      access_that_fails(result);
      return result;
    }
    if (word == "device") {
      device(result);
      return result;
    }
    const auto found = std::ranges::find(kStatements, word, &StatementWord::word);
    if (found != std::end(kStatements)) {
      reader_.take();
      result.kind = found->kind;
      operands(result);
    } else {
      assignment(result);
    }
    return result;
  }

  void access_that_fails(Statement& result) {
    const bool fault = reader_.take().text == "fault";
    if (reader_.try_take("write")) {
      result.kind = fault ? Kind::kFaultWrite : Kind::kCrashWrite;
    } else {
      if (!reader_.next_is("read")) {
        reader_.fail_expected("'read' or 'write'");
      }
      reader_.take();
      result.kind = fault ? Kind::kFaultRead : Kind::kCrashRead;
    }
    result.pages = expressions_.pages();
  }

  // "device" and what it does; or a variable of that name.
  void device(Statement& result) {
    reader_.take();
    if (reader_.try_take("=")) {
      result.kind = Kind::kAssign;
      result.name = "device";
      value(result);
      return;
    }
    static constexpr struct {
      absl::string_view word;
      Kind kind;
    } kWords[] = {{"copy", Kind::kDeviceCopy},
                  {"fill", Kind::kDeviceFill},
                  {"cas", Kind::kDeviceCas},
                  {"checksum", Kind::kDeviceChecksum},
                  {"wait", Kind::kDeviceWait}};
    for (const auto& [word, kind] : kWords) {
      if (reader_.next_is(word)) {
        reader_.take();
        result.kind = kind;
        device_operands(result);
        return;
      }
    }
    reader_.fail_expected("copy, fill, cas, checksum or wait");
  }

  void device_operands(Statement& s) {
    if (s.kind != Kind::kDeviceWait) {
      s.pages = expressions_.pages();
    }
    if (s.kind == Kind::kDeviceCas && s.pages->extent != PageRange::Extent::kOne) {
      reader_.fail(s.line,
                   "'device cas' works on the word of one page, as in device cas data[0] 1 2");
    }
    if (s.kind == Kind::kDeviceCopy) {
      target(s);
    }
    if (s.kind == Kind::kDeviceFill || s.kind == Kind::kDeviceCas) {
      value(s);
    }
    if (s.kind == Kind::kDeviceCas) {
      value(s);
    }
    expected_errno(s);
  }

  void assignment(Statement& result) {
    result.kind = Kind::kAssign;
    if (is_reserved(reader_.peek().text)) {
      reader_.fail_expected("a statement");
      return;
    }
    const std::string word = reader_.peek().text;
    const int line = reader_.line();
    result.name = reader_.take_name("a statement");
    if (!reader_.next_is("=")) {
      reader_.fail(line, absl::StrCat("there is no statement '", word, "'"));
      return;
    }
    reader_.take();
    value(result);
  }

  void operands(Statement& s) {
    switch (s.kind) {
      case Kind::kRegion:
        region(s);
        break;
      case Kind::kMap:
        s.pages = expressions_.pages();
        protection(s);
        backing(s);
        expected_errno(s);
        break;
      case Kind::kProtect:
      case Kind::kProtectNaive:
        s.pages = expressions_.pages();
        protection(s);
        expected_errno(s);
        break;
      case Kind::kUnmap:
      case Kind::kDontNeed:
      case Kind::kClearRefs:
      case Kind::kSwapOut:
      case Kind::kWriteback:
      case Kind::kRacePin:
      case Kind::kRaceSet:
      case Kind::kRetype:
        s.pages = expressions_.pages();
        expected_errno(s);
        break;
      case Kind::kMove:
        s.pages = expressions_.pages();
        target(s);
        expected_errno(s);
        break;
      case Kind::kPopulate:
        s.pages = expressions_.pages();
        if (reader_.try_take("phase")) {
          s.text = reader_.take_string("a label in quotes");
        }
        expected_errno(s);
        break;
      case Kind::kRead:
        s.pages = expressions_.pages();
        break;
      case Kind::kWrite:
      case Kind::kCheck:
      case Kind::kFill:
      case Kind::kVerify:
      case Kind::kAdd:
        s.pages = expressions_.pages();
        value(s);
        break;
      default:
        control(s);
    }
  }

  void control(Statement& s) {
    switch (s.kind) {
      case Kind::kFork:
      case Kind::kExec:
      case Kind::kThread:
        expected_errno(s);
        body(s);
        break;
      case Kind::kWait:
        if (reader_.try_take("status")) {
          value(s);
        } else {
          expected_errno(s);
        }
        break;
      case Kind::kExit:
      case Kind::kSleep:
      case Kind::kSpin:
      case Kind::kExpect:
        value(s);
        break;
      case Kind::kJoin:
      case Kind::kYield:
      case Kind::kRelax:
        break;
      case Kind::kRepeat:
      case Kind::kWhile:
        value(s);
        body(s);
        break;
      case Kind::kFor:
        s.name = reader_.take_name("a variable");
        reader_.expect("in");
        value(s);
        reader_.expect("..");
        value(s);
        body(s);
        break;
      case Kind::kIf:
        conditional(s);
        break;
      case Kind::kVar:
        s.name = reader_.take_name("a variable");
        reader_.expect("=");
        value(s);
        break;
      case Kind::kPhase:
        s.text = reader_.take_string("a label in quotes");
        if (reader_.next_is("{")) {
          body(s);
        }
        break;
      case Kind::kPinTest:
        pin_test(s);
        break;
      case Kind::kPrint:
        s.text = reader_.take_string("a text in quotes");
        if (reader_.peek().kind != TokenKind::kNewline && !reader_.at_end() &&
            !reader_.next_is("}")) {
          value(s);
        }
        break;
      default:
        reader_.fail(s.line, "expected a statement");
    }
  }

  void region(Statement& s) {
    s.name = reader_.take_name("a region");
    value(s);
    if (reader_.try_take("after")) {
      s.after = reader_.take_name("a region");
    }
  }

  void conditional(Statement& s) {
    value(s);
    body(s);
    if (reader_.try_take("else")) {
      if (reader_.next_is("if")) {
        if (++depth_ > kMaxNesting) {
          reader_.fail(reader_.line(), absl::StrCat("blocks nest at most ", kMaxNesting, " deep"));
        }
        s.otherwise.push_back(statement());
        --depth_;
      } else {
        s.otherwise = block();
      }
    }
  }

  void pin_test(Statement& s) {
    value(s);
    if (reader_.try_take("phases")) {
      s.text = reader_.take_string("the label for pinning");
      s.second_text = reader_.take_string("the label for unpinning");
    }
    expected_errno(s);
  }

  void target(Statement& s) {
    reader_.expect("to");
    s.target = expressions_.pages();
    if (s.target->extent == PageRange::Extent::kRange) {
      reader_.fail(s.line, "'to' names one page, the first of the new place, or a region");
    }
  }

  void body(Statement& s) {
    s.has_body = true;
    s.body = block();
  }

  void value(Statement& s) { s.values.push_back(expressions_.expression()); }

  void protection(Statement& s) {
    const auto found = std::ranges::find(kProtections, reader_.peek().text, &BitsWord::word);
    if (reader_.peek().kind != TokenKind::kWord || found == std::end(kProtections)) {
      reader_.fail_expected("none, r, rw, rx or rwx");
      return;
    }
    reader_.take();
    s.protection = found->bits;
  }

  void backing(Statement& s) {
    for (const BitsWord& word : kBackings) {
      if (reader_.try_take(word.word)) {
        s.backing = word.bits;
        return;
      }
    }
  }

  void expected_errno(Statement& s) {
    if (!reader_.try_take("expect")) {
      return;
    }
    if (reader_.peek().kind != TokenKind::kWord || !errno_from_name(reader_.peek().text)) {
      reader_.fail_expected("the name of an error such as ENOMEM");
      return;
    }
    s.expected_errno = reader_.take().text;
  }

  TokenReader reader_;
  ExpressionParser expressions_;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<Script> parse_script(absl::string_view text, absl::string_view name) {
  absl::StatusOr<std::vector<Token>> tokens = tokenize(text, name);
  if (!tokens.ok()) {
    return tokens.status();
  }
  return Parser(*std::move(tokens), name).run();
}

}  // namespace vmm
