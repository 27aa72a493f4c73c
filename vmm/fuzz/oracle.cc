// Processes, threads, loops and conditions.
#include "fuzz/oracle.h"

#include <algorithm>

#include "workload/printer.h"

namespace vmm::fuzz {
namespace {

using Kind = Statement::Kind;

// Truths about what the model does not know.
bool always_true(const Expression& e) {
  if (e.kind != Expression::Kind::kOperator || e.operands.size() != 2) return false;
  const Expression& left = e.operands[0];
  const Expression& right = e.operands[1];
  if (left.kind != Expression::Kind::kCall) return false;
  if (left.function == Function::kVcpu) {
    return e.op == Operator::kLess && right.kind == Expression::Kind::kCall &&
           right.function == Function::kVcpuCount;
  }
  return left.function == Function::kPid && e.op == Operator::kGreater &&
         right.kind == Expression::Kind::kNumber && right.number == 0;
}

bool asks_device(const Expression& e) {
  return e.function == Function::kDeviceError || e.function == Function::kDeviceResult;
}

// Of a page, or of the device.
bool asks(const Expression& e) {
  if (e.kind != Expression::Kind::kOperator || e.operands.size() != 2 ||
      (e.op != Operator::kEqual && e.op != Operator::kLess)) {
    return false;
  }
  const Expression& asked = e.operands[0];
  return asked.kind == Expression::Kind::kCall && (asked.pages || asks_device(asked)) &&
         asked.function != Function::kYoung && e.operands[1].kind == Expression::Kind::kNumber;
}

bool starts_with(const std::string& text, const char* prefix) {
  return text.rfind(prefix, 0) == 0;
}

}  // namespace

Oracle::Oracle() : memory_(1) {
  spaces_.push_back(memory_.empty_space());
  space_ids_.push_back(0);
  contexts_.emplace_back();
}

bool Oracle::correct(Script& script) {
  *this = Oracle();
  return run_list(script) && live_children() == 0;
}

bool Oracle::run_list(std::vector<Statement>& statements) {
  for (size_t i = 0; i < statements.size(); ++i) {
    Statement& s = statements[i];
    if (s.kind != Kind::kFork) {
      if (!step(s)) return false;
      continue;
    }
    const bool settled = i + 1 < statements.size() && statements[i + 1].kind == Kind::kWait;
    if (contexts_.back().ended || !enter_fork(settled)) return false;
    if (!block(s.body)) return false;
    if (live_children() != 0) return false;
    leave_fork();
  }
  return !contexts_.back().device_busy;
}

bool Oracle::block(std::vector<Statement>& body) {
  const size_t variables = contexts_.back().variables.size();
  if (!run_list(body)) return false;
  auto& now = contexts_.back().variables;
  now.resize(std::min(now.size(), variables));
  return true;
}

bool Oracle::control(Statement& s) {
  switch (s.kind) {
    case Kind::kRegion:
      return region(s);
    case Kind::kFork:  // of the generator's blocks: enter_fork()
      return false;
    case Kind::kThread:
      if (!enter_thread() || !block(s.body)) return false;
      leave_thread();
      return true;
    case Kind::kExec:
      if (!enter_exec() || !run_list(s.body)) return false;
      leave_exec();
      return true;
    case Kind::kWait:
      return wait(s);
    case Kind::kJoin:
      return join();
    case Kind::kExit: {
      uint64_t status = 0;
      if (!in_child() || in_thread() || !known_value(s.values[0], status) || status > 127) {
        return false;
      }
      contexts_.back().status = status;
      return end_process();
    }
    case Kind::kYield:
    case Kind::kSleep:
    case Kind::kSpin:
    case Kind::kRelax:
    case Kind::kPinTest:
      return true;
    case Kind::kRepeat:
    case Kind::kFor:
    case Kind::kWhile:
      return loop(s);
    case Kind::kIf:
      return conditional(s);
    case Kind::kVar:
    case Kind::kAssign:
      return variable(s);
    case Kind::kPhase:
      return !s.has_body || block(s.body);
    case Kind::kPrint:
      return print(s);
    case Kind::kExpect:
      return expect(s);
    default:
      return false;
  }
}

// Where its pages are matters as far as regions that follow each other are neighbours.
bool Oracle::region(const Statement& s) {
  if (contexts_.size() != 1 || s.values[0].kind != Expression::Kind::kNumber) return false;
  const auto count = static_cast<uint32_t>(s.values[0].number);
  if (count == 0 || count > 4096) return false;
  for (const RegionPlace& other : regions_) {
    if (other.name == s.name) return false;
  }
  const bool follows = !s.after.empty();
  if (follows && (regions_.empty() || regions_.back().name != s.after)) return false;
  const uint32_t gap = follows ? 0 : 1;
  const uint32_t first = memory_.page_count() - 1 + gap;
  memory_.add_pages(count + gap);
  spaces_.back().resize(memory_.page_count());
  regions_.push_back({s.name, first, count});
  return true;
}

bool Oracle::variable(const Statement& s) {
  Value value;
  if (!value_of(s.values[0], value)) return false;
  Value* found = find_variable(s.name);
  if (s.kind == Kind::kAssign) {
    if (found != nullptr) *found = value;
    return found != nullptr;
  }
  if (found != nullptr) return false;
  contexts_.back().variables.emplace_back(s.name, value);
  return true;
}

bool Oracle::enter_fork(bool settled) {
  constexpr size_t kMostSpaces = 5;
  if (in_thread() || live_threads() != 0 || spaces_.size() >= kMostSpaces) return false;
  Context child;
  child.random = next_random();
  child.variables = contexts_.back().variables;
  spaces_.push_back(memory_.fork(spaces_.back(), settled && live_children() == 0));
  space_ids_.push_back(next_space_++);
  contexts_.push_back(std::move(child));
  return true;
}

void Oracle::leave_fork() {
  memory_.release(spaces_.back());
  spaces_.pop_back();
  space_ids_.pop_back();
  Actor actor{std::move(contexts_.back().touched), contexts_.back().status};
  contexts_.pop_back();
  contexts_.back().children.push_back(std::move(actor));
}

bool Oracle::enter_thread() {
  constexpr size_t kMostThreads = 4;
  if (live_children() != 0 || live_threads() >= kMostThreads || in_thread()) return false;
  Context thread;
  thread.is_thread = true;
  thread.random = next_random();
  thread.variables = contexts_.back().variables;
  contexts_.push_back(std::move(thread));
  return true;
}

void Oracle::leave_thread() {
  Actor actor{std::move(contexts_.back().touched), 0};
  contexts_.pop_back();
  contexts_.back().threads.push_back(std::move(actor));
}

bool Oracle::enter_exec() {
  if (in_thread() || live_threads() != 0) return false;
  memory_.release(spaces_.back());
  contexts_.back().variables.clear();
  contexts_.back().random = kWorkloadSeed;
  return true;
}

// The process ends with the block.
void Oracle::leave_exec() {
  contexts_.back().ended = true;
}

bool Oracle::end_process() {
  contexts_.back().threads.clear();  // joined
  contexts_.back().ended = true;
  return true;
}

bool Oracle::children_agree() const {
  const auto& children = contexts_.back().children;
  return std::all_of(children.begin(), children.end(), [&children](const Actor& child) {
    return child.status == children.front().status;
  });
}

// Which child it is is known only if all have the same status, and who has ended only when all
// have.
bool Oracle::wait(Statement& s) {
  Context& context = contexts_.back();
  if (in_thread()) return false;
  const auto settle_status = [&](std::vector<Expression> values, std::string error) {
    if (verifying_) {
      return s.expected_errno == error && s.values.size() == values.size() &&
             (values.empty() || s.values[0].number == values[0].number);
    }
    s.values = std::move(values);
    s.expected_errno = std::move(error);
    return true;
  };
  if (context.children.empty()) return settle_status({}, "ECHILD");
  if (!children_agree()) return false;
  const uint64_t status = context.children.front().status;
  if (++context.waited == context.children.size()) {
    context.children.clear();
    context.waited = 0;
  }
  return status == 0 ? settle_status({}, "") : settle_status({number_expression(status)}, "");
}

bool Oracle::join() {
  contexts_.back().threads.clear();
  return true;
}

// Each turn must expect what the first one did; at a turn that would not, the loop ends.
bool Oracle::loop(Statement& s) {
  constexpr uint64_t kMostTurns = 64;
  uint64_t first = 0, end = 0;
  if (s.kind != Kind::kWhile) {
    if (!known_value(s.values[0], s.kind == Kind::kFor ? first : end)) return false;
    if (s.kind == Kind::kFor && !known_value(s.values[1], end)) return false;
    if (end > first + kMostTurns || (s.kind == Kind::kFor && find_variable(s.name) != nullptr)) {
      return false;
    }
  }
  for (uint64_t turn = first;; ++turn) {
    uint64_t condition = turn < end;
    if (s.kind == Kind::kWhile && !known_value(s.values[0], condition)) return false;
    if (condition == 0) return true;
    if (turn - first >= kMostTurns) return false;
    std::optional<Oracle> before;
    if (turn != first) before = *this;
    const bool outer = verifying_;
    verifying_ = outer || turn != first;
    const size_t variables = contexts_.back().variables.size();
    if (s.kind == Kind::kFor) contexts_.back().variables.emplace_back(s.name, turn);
    const bool done = block(s.body) && !contexts_.back().ended;
    if (done) contexts_.back().variables.resize(variables);
    verifying_ = outer;
    if (done) continue;
    if (!before || outer || s.kind == Kind::kWhile) return false;
    *this = *std::move(before);
    s.values.back() = number_expression(turn);
    return true;
  }
}

bool Oracle::conditional(Statement& s) {
  uint64_t condition = 0;
  if (!known_value(s.values[0], condition)) return false;
  return block(condition != 0 ? s.body : s.otherwise);
}

bool Oracle::expect(Statement& s) {
  Expression& e = s.values[0];
  if (always_true(e)) return true;
  if (contexts_.back().device_busy &&
      (!asks(e) || e.operands[0].function != Function::kDeviceError)) {
    return false;
  }
  if (!asks(e)) {
    uint64_t value = 0;
    return known_value(e, value) && value != 0;
  }
  Value value;
  if (!value_of(e.operands[0], value) || (!value && asks_device(e.operands[0]))) return false;
  const Operator op = value ? Operator::kEqual : Operator::kLess;
  return settle(e.op, op) && settle(e.operands[1].number, value.value_or(2));
}

bool Oracle::print(const Statement& s) {
  if (s.values.empty()) return true;
  Value value;
  if (!value_of(s.values[0], value)) return false;
  return value || starts_with(s.text, kOneVcpuLine) || starts_with(s.text, kAgedLine);
}

bool Oracle::settle_value(Statement& s, const Expression& right) {
  if (!verifying_) {
    s.values = {right};
    return true;
  }
  return print_expression(s.values[0]) == print_expression(right);
}

}  // namespace vmm::fuzz
