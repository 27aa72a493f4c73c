#include "workload/code_generator.h"

#include "absl/strings/str_cat.h"
#include "base/frame.h"
#include "workload/source_error.h"

namespace vmm {

using guest_abi::Query;
using guest_abi::Syscall;

namespace {

std::optional<uint64_t> fold(Operator op, uint64_t a, uint64_t b) {
  switch (op) {
    case Operator::kAdd:
      return a + b;
    case Operator::kSub:
      return a - b;
    case Operator::kMul:
      return a * b;
    case Operator::kDiv:
      return b == 0 ? std::nullopt : std::optional(a / b);
    case Operator::kMod:
      return b == 0 ? std::nullopt : std::optional(a % b);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<uint64_t> constant_value(const Expression& e) {
  if (e.kind == Expression::Kind::kNumber) {
    return e.number;
  }
  if (e.kind != Expression::Kind::kOperator || e.operands.size() != 2) {
    return std::nullopt;
  }
  const std::optional<uint64_t> a = constant_value(e.operands[0]);
  const std::optional<uint64_t> b = constant_value(e.operands[1]);
  return a && b ? fold(e.op, *a, *b) : std::nullopt;
}

void CodeGenerator::fail(int line, absl::string_view reason) {
  if (status_.ok()) {
    status_ = source_error(name_, line, reason);
  }
}

Register CodeGenerator::constant(uint64_t number) {
  const Register target = builder_.take_register();
  builder_.emit(Opcode::kConst, target, 0, 0, number);
  return target;
}

Register CodeGenerator::value(const Expression& e) {
  if (e.kind == Expression::Kind::kVariable) {
    if (const Register* variable = names_.find_variable(e.name)) {
      return *variable;
    }
  }
  const Register target = builder_.take_register();
  value_into(e, target);
  return target;
}

void CodeGenerator::value_into(const Expression& e, Register target) {
  const RegisterScope scope(builder_);
  if (const std::optional<uint64_t> number = constant_value(e)) {
    builder_.emit(Opcode::kConst, target, 0, 0, *number);
    return;
  }
  switch (e.kind) {
    case Expression::Kind::kNumber:
      break;  // a constant
    case Expression::Kind::kVariable:
      if (const Register* variable = names_.find_variable(e.name)) {
        builder_.emit(Opcode::kMove, target, *variable);
      } else if (e.name == "page") {
        fail(e.line, "'page' has a value only where pages are written or checked");
      } else if (names_.find_region(e.name) != nullptr) {
        fail(e.line, absl::StrCat("'", e.name, "' is a region; the word of one of its pages is ",
                                  e.name, "[0]"));
      } else {
        fail(e.line, absl::StrCat("there is no variable '", e.name, "'"));
      }
      break;
    case Expression::Kind::kWord:
      builder_.emit(Opcode::kLoad, target, address_of_word(*e.pages, e.line));
      break;
    case Expression::Kind::kOperator:
      operator_into(e, target);
      break;
    case Expression::Kind::kCall:
      call_into(e, target);
      break;
  }
}

void CodeGenerator::operator_into(const Expression& e, Register target) {
  if (e.op == Operator::kAnd || e.op == Operator::kOr) {
    logical_into(e, target);
    return;
  }
  const Register a = value(e.operands[0]);
  if (e.op == Operator::kNot) {
    builder_.emit(Opcode::kNot, target, a);
    return;
  }
  if (e.op == Operator::kNegate) {
    builder_.emit(Opcode::kSub, target, constant(0), a);
    return;
  }
  const Register b = value(e.operands[1]);
  static constexpr struct {
    Operator op;
    Opcode code;
    bool swapped;
  } kCodes[] = {
      {Operator::kEqual, Opcode::kEqual, false},
      {Operator::kNotEqual, Opcode::kNotEqual, false},
      {Operator::kLess, Opcode::kLess, false},
      {Operator::kLessEqual, Opcode::kLessEqual, false},
      {Operator::kGreater, Opcode::kLess, true},
      {Operator::kGreaterEqual, Opcode::kLessEqual, true},
      {Operator::kAdd, Opcode::kAdd, false},
      {Operator::kSub, Opcode::kSub, false},
      {Operator::kMul, Opcode::kMul, false},
      {Operator::kDiv, Opcode::kDiv, false},
      {Operator::kMod, Opcode::kMod, false},
  };
  for (const auto& entry : kCodes) {
    if (entry.op == e.op) {
      builder_.emit(entry.code, target, entry.swapped ? b : a, entry.swapped ? a : b);
    }
  }
}

// The right side is evaluated only if the left one does not decide. The result is 0 or 1. Built
// in a register of its own, since the operands may read the target.
void CodeGenerator::logical_into(const Expression& e, Register target) {
  const Register result = builder_.take_register();
  value_into(e.operands[0], result);
  const Register decides = builder_.take_register();
  if (e.op == Operator::kOr) {
    builder_.emit(Opcode::kNot, decides, result);
  } else {
    builder_.emit(Opcode::kMove, decides, result);
  }
  const uint32_t skip = builder_.next_op();
  builder_.emit(Opcode::kJumpIfZero, 0, decides);
  value_into(e.operands[1], result);
  builder_.land(skip);
  builder_.emit(Opcode::kNot, result, result);
  builder_.emit(Opcode::kNot, target, result);
}

void CodeGenerator::call_into(const Expression& e, Register target) {
  const auto query = [&](Query fact) {
    builder_.emit(Opcode::kQuery, target, 0, 0, static_cast<uint64_t>(fact));
  };
  switch (e.function) {
    case Function::kRandom:
      if (constant_value(e.operands[0]) == uint64_t{0}) {
        fail(e.line, "random(0) has no answer");
      }
      builder_.emit(Opcode::kRandom, target, value(e.operands[0]));
      break;
    case Function::kVcpu:
      query(Query::kVcpu);
      break;
    case Function::kVcpuCount:
      query(Query::kVcpuCount);
      break;
    case Function::kPid:
      query(Query::kPid);
      break;
    case Function::kSeed:
      query(Query::kSeed);
      break;
    case Function::kDeviceResult:
      builder_.emit(Opcode::kSyscall, target, builder_.take_registers(6), 0,
                    static_cast<uint64_t>(Syscall::kDeviceResult));
      break;
    case Function::kDeviceError: {
      const Register error = builder_.take_register();
      builder_.emit(Opcode::kSyscall, error, builder_.take_registers(6), 0,
                    static_cast<uint64_t>(Syscall::kDeviceWait));
      builder_.emit(Opcode::kSub, target, constant(0), error);
      break;
    }
    case Function::kPresent:
      pte_bit_into(e, guest_abi::kPteStatePresent, target);
      break;
    case Function::kWritable:
      pte_bit_into(e, guest_abi::kPteStateWritable, target);
      break;
    case Function::kAccessed:
      pte_bit_into(e, guest_abi::kPteStateAccessed, target);
      break;
    case Function::kDirty:
      pte_bit_into(e, guest_abi::kPteStateDirty, target);
      break;
    case Function::kHasTable:
      pte_bit_into(e, guest_abi::kPteStateTable, target);
      break;
    case Function::kSwapped:
      pte_bit_into(e, guest_abi::kPteStateSwapped, target);
      break;
    case Function::kPageDirty:
      pte_bit_into(e, guest_abi::kPteStatePageDirty, target);
      break;
    case Function::kYoung:
      young_into(e, target);
      break;
    case Function::kTryRead:
    case Function::kTryWrite:
      try_access_into(e, target);
      break;
  }
}

void CodeGenerator::pte_bit_into(const Expression& e, uint64_t bit, Register target) {
  const Register args = builder_.take_registers(6);
  const PageBounds page = page_bounds(*e.pages, e.line);
  if (page.region == nullptr) {
    return;
  }
  builder_.emit(Opcode::kMove, args, address_of_first(page));
  const Register state = builder_.take_register();
  builder_.emit(Opcode::kSyscall, state, args, 0, static_cast<uint64_t>(Syscall::kPteQuery));
  const Register in_range = builder_.take_register();
  builder_.emit(Opcode::kLessEqual, in_range, state, constant(guest_abi::kPteStateBits));
  expect(in_range, "the state of the entry cannot be asked");
  builder_.emit(Opcode::kAnd, state, state, constant(bit));
  builder_.emit(Opcode::kNot, state, state);
  builder_.emit(Opcode::kNot, target, state);
}

void CodeGenerator::young_into(const Expression& e, Register target) {
  const Register args = builder_.take_registers(6);
  range_arguments(*e.pages, e.line, args);
  const Register count = builder_.take_register();
  builder_.emit(Opcode::kSyscall, count, args, 0,
                static_cast<uint64_t>(Syscall::kTestAndClearYoung));
  const Register in_range = builder_.take_register();
  // No more than the pages asked about; the length in bytes is an easy bound above that, and
  // every negative errno lies beyond it.
  builder_.emit(Opcode::kLessEqual, in_range, count, static_cast<Register>(args + 1));
  expect(in_range, "the young pages cannot be counted");
  builder_.emit(Opcode::kMove, target, count);
}

void CodeGenerator::try_access_into(const Expression& e, Register target) {
  const PageBounds page = page_bounds(*e.pages, e.line);
  if (page.region == nullptr) {
    return;
  }
  const Register address = address_of_first(page);
  if (e.function == Function::kTryRead) {
    builder_.emit(Opcode::kTryLoad, target, address);
  } else {
    builder_.emit(Opcode::kTryStore, target, address, value(e.operands[0]));
  }
}

void CodeGenerator::check_constant_bounds(const PageRange& range, const Region& region, int line) {
  const auto constant_bound = [&](size_t i) {
    return i < range.bounds.size() ? constant_value(range.bounds[i]) : std::nullopt;
  };
  const std::optional<uint64_t> first = constant_bound(0);
  const std::optional<uint64_t> end = constant_bound(1);
  const std::string size =
      absl::StrCat("region '", range.region, "', which has ", region.pages, " pages");
  if (range.extent == PageRange::Extent::kOne && first && *first >= region.pages) {
    fail(line, absl::StrCat("page ", *first, " is outside ", size));
  } else if (end && *end > region.pages) {
    fail(line, absl::StrCat("the range ends at page ", *end, ", outside ", size));
  } else if (range.extent == PageRange::Extent::kRange && first && *first >= region.pages) {
    fail(line, absl::StrCat("the range starts at page ", *first, ", outside ", size));
  } else if (first && end && *first >= *end) {
    fail(line, absl::StrCat("the range ", *first, "..", *end, " is empty"));
  }
}

PageBounds CodeGenerator::page_bounds(const PageRange& range, int line) {
  const Region* region = names_.find_region(range.region);
  if (region == nullptr) {
    fail(line, absl::StrCat("there is no region '", range.region, "'"));
    return {};
  }
  check_constant_bounds(range, *region, line);
  PageBounds bounds{region, false, 0, 0, std::nullopt};
  if (range.extent != PageRange::Extent::kAll) {
    bounds.constant_first = constant_value(range.bounds[0]);
  }
  switch (range.extent) {
    case PageRange::Extent::kAll:
      bounds.single = region->pages == 1;
      bounds.first = constant(0);
      bounds.constant_first = 0;
      bounds.end = constant(region->pages);
      break;
    case PageRange::Extent::kOne:
      bounds.single = true;
      bounds.first = value(range.bounds[0]);
      if (!bounds.constant_first) {
        builder_.emit(Opcode::kBound, 0, bounds.first, 0, region->pages);
      }
      break;
    case PageRange::Extent::kRange:
      bounds.first = value(range.bounds[0]);
      bounds.end = value(range.bounds[1]);
      if (!bounds.constant_first || !constant_value(range.bounds[1])) {
        builder_.emit(Opcode::kBoundEnd, 0, bounds.end, bounds.first, region->pages);
      }
      break;
  }
  return bounds;
}

Register CodeGenerator::address_of_page(const Region& region, Register page) {
  const Register address = builder_.take_register();
  const RegisterScope scope(builder_);
  builder_.emit(Opcode::kMul, address, page, constant(pvmmu::kPageSize));
  builder_.emit(Opcode::kAdd, address, address, constant(region.address));
  return address;
}

Register CodeGenerator::address_of_first(const PageBounds& bounds) {
  return bounds.constant_first
             ? constant(bounds.region->address + *bounds.constant_first * pvmmu::kPageSize)
             : address_of_page(*bounds.region, bounds.first);
}

Register CodeGenerator::address_of_word(const PageRange& range, int line) {
  const PageBounds page = page_bounds(range, line);
  return page.region == nullptr ? Register{0} : address_of_first(page);
}

void CodeGenerator::range_arguments(const PageRange& range, int line, Register target) {
  const RegisterScope scope(builder_);
  const PageBounds bounds = page_bounds(range, line);
  if (bounds.region == nullptr) {
    return;
  }
  const auto length = static_cast<Register>(target + 1);
  builder_.emit(Opcode::kMove, target, address_of_first(bounds));
  if (bounds.single) {
    builder_.emit(Opcode::kConst, length, 0, 0, pvmmu::kPageSize);
  } else {
    builder_.emit(Opcode::kSub, length, bounds.end, bounds.first);
    builder_.emit(Opcode::kMul, length, length, constant(pvmmu::kPageSize));
  }
}

void CodeGenerator::expect(Register condition, absl::string_view detail) {
  builder_.emit(Opcode::kExpect, 0, condition, 0, builder_.text_offset(detail));
}

}  // namespace vmm
