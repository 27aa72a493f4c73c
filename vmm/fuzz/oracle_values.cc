// Values of expressions, and who uses what at the same time.
#include <cerrno>

#include "fuzz/oracle.h"
#include "sim/random.h"

namespace vmm::fuzz {
namespace {

using Kind = Expression::Kind;

// Numbers of what processes and threads may share: words of shared memory, pages of a process.
constexpr uint64_t kObject = uint64_t{1} << 62;
constexpr uint64_t kDevice = uint64_t{2} << 62;
constexpr unsigned kSpaceShift = 24;

std::optional<uint64_t> compute(Operator op, uint64_t a, uint64_t b) {
  switch (op) {
    case Operator::kOr:
      return a != 0 || b != 0;
    case Operator::kAnd:
      return a != 0 && b != 0;
    case Operator::kEqual:
      return a == b;
    case Operator::kNotEqual:
      return a != b;
    case Operator::kLess:
      return a < b;
    case Operator::kLessEqual:
      return a <= b;
    case Operator::kGreater:
      return a > b;
    case Operator::kGreaterEqual:
      return a >= b;
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

Expression number_expression(uint64_t number) {
  Expression e;
  e.number = number;
  return e;
}

Expression page_expression(uint64_t factor, uint64_t number) {
  if (factor == 0) return number_expression(number);
  Expression page;
  page.kind = Kind::kVariable;
  page.name = "page";
  Expression product;
  product.kind = Kind::kOperator;
  product.op = Operator::kMul;
  product.operands = {page, number_expression(factor)};
  Expression sum;
  sum.kind = Kind::kOperator;
  sum.op = Operator::kAdd;
  sum.operands = {factor == 1 ? page : product, number_expression(number)};
  return sum;
}

Oracle::Value* Oracle::find_variable(const std::string& name) {
  auto& variables = contexts_.back().variables;
  for (auto at = variables.rbegin(); at != variables.rend(); ++at) {
    if (at->first == name) return &at->second;
  }
  return nullptr;
}

// As the interpreter's next_random().
uint64_t Oracle::next_random() {
  Random sequence(contexts_.back().random);
  const uint64_t number = sequence.next();
  contexts_.back().random = sequence.state();
  return number;
}

bool Oracle::known_value(const Expression& e, uint64_t& value) {
  Value maybe;
  if (!value_of(e, maybe) || !maybe) return false;
  value = *maybe;
  return true;
}

bool Oracle::value_of(const Expression& e, Value& value) {
  switch (e.kind) {
    case Kind::kNumber:
      value = e.number;
      return true;
    case Kind::kVariable: {
      const Value* found = find_variable(e.name);
      if (found != nullptr) value = *found;
      return found != nullptr;
    }
    case Kind::kWord: {
      Place place;
      if (!place_of(*e.pages, place) || !space()[place.pages.first].readable() ||
          !touch_page(place.pages.first, Touch::kRead) ||
          !touch_contents(place.pages.first, Touch::kRead)) {
        return false;
      }
      value = memory_.read(spaces_.back(), place.pages.first).word;
      return true;
    }
    case Kind::kCall:
      return call(e, value);
    case Kind::kOperator:
      break;
  }
  Value operands[2] = {std::nullopt, 0};
  for (size_t i = 0; i < e.operands.size(); ++i) {
    if (!value_of(e.operands[i], operands[i])) return false;
  }
  value = std::nullopt;
  if (!operands[0] || !operands[1]) return true;
  if (e.op == Operator::kNot) {
    value = *operands[0] == 0 ? 1 : 0;
    return true;
  }
  if (e.op == Operator::kNegate) {
    value = -*operands[0];
    return true;
  }
  value = compute(e.op, *operands[0], *operands[1]);
  return value.has_value();
}

bool Oracle::call(const Expression& e, Value& value) {
  value = std::nullopt;
  Place place;
  if (e.pages && !place_of(*e.pages, place)) return false;
  uint64_t limit = 0;
  switch (e.function) {
    case Function::kVcpu:
    case Function::kVcpuCount:
    case Function::kPid:
      return true;
    case Function::kSeed:
      value = kWorkloadSeed;
      return true;
    case Function::kRandom:
      if (!known_value(e.operands[0], limit) || limit == 0) return false;
      value = next_random() % limit;
      return true;
    case Function::kDeviceError:
      value = static_cast<uint64_t>(take_device_error());
      return true;
    case Function::kDeviceResult:
      value = contexts_.back().device_result;
      return true;
    case Function::kYoung:
      if (!touch_pages(place.pages, Touch::kWrite)) return false;
      memory_.age(spaces_.back(), place.pages);
      return true;
    case Function::kTryRead:
    case Function::kTryWrite:
      return try_access(e, place.pages.first, value);
    default:
      return touch_page(place.pages.first, Touch::kWrite) &&
             ask_page(e.function, place.pages.first, value);
  }
}

bool Oracle::ask_page(Function function, uint32_t at, Value& value) {
  const Page& page = space()[at];
  const auto set = [&value](Known answer) {
    if (answer != Known::kUnknown) value = answer == Known::kYes ? 1 : 0;
    return true;
  };
  const bool there = page.entry == Known::kYes && page.protection != 0;
  switch (function) {
    case Function::kPresent:
      return set(page.protection == 0 ? Known::kNo : page.entry);
    case Function::kWritable:
      if (page.backing == Backing::kFile && !touch_contents(at, Touch::kRead)) return false;
      return set(page.entry == Known::kNo || !page.writable() ? Known::kNo : Known::kUnknown);
    case Function::kAccessed:
      return set(page.entry == Known::kNo || page.entry == Known::kYes ? page.accessed
                                                                       : Known::kUnknown);
    case Function::kDirty:
      if (page.backing == Backing::kFile && !touch_contents(at, Touch::kRead)) return false;
      return set(memory_.dirty(page));
    case Function::kHasTable:
      return set(there ? Known::kYes : Known::kUnknown);
    case Function::kSwapped:
      return set(page.swapped);
    case Function::kPageDirty:
      if (page.mapped && !touch_contents(at, Touch::kRead)) return false;
      return set(known(memory_.page_is_dirty(page)));
    default:
      return false;
  }
}

bool Oracle::try_access(const Expression& e, uint32_t at, Value& value) {
  const bool write = e.function == Function::kTryWrite;
  const Page& page = space()[at];
  const bool permitted = write ? page.writable() : page.readable();
  const Touch how = write ? Touch::kWrite : Touch::kRead;
  if (!touch_page(at, how) || (permitted && !touch_contents(at, how))) return false;
  // A refused statement must leave nothing behind, so this comes behind all other reasons.
  uint64_t stored = 0;
  if (write && !known_value(e.operands[0], stored)) return false;
  value = permitted ? 1 : 0;
  if (!permitted) return true;
  if (write) {
    memory_.write(spaces_.back(), at).word = stored;
  } else {
    memory_.read(spaces_.back(), at);
  }
  return true;
}

bool Oracle::place_of(const PageRange& range, Place& place) {
  place = {};
  for (const RegionPlace& region : regions_) {
    if (region.name == range.region) place.region = &region;
  }
  if (place.region == nullptr) return false;
  uint64_t first = 0, end = place.region->count;
  if (range.extent != PageRange::Extent::kAll) {
    if (!known_value(range.bounds[0], first)) return false;
    end = first + 1;
  }
  if (range.extent == PageRange::Extent::kRange && !known_value(range.bounds[1], end)) return false;
  if (first >= end || end > place.region->count) return false;
  place.pages = {place.region->first + static_cast<uint32_t>(first),
                 place.region->first + static_cast<uint32_t>(end)};
  return true;
}

bool Oracle::touch(uint64_t resource, Touch how) {
  const auto conflicts = [resource, how](const Actor& actor) {
    const auto found = actor.touched.find(resource);
    return found != actor.touched.end() && (found->second != how || how == Touch::kWrite);
  };
  for (const Context& context : contexts_) {
    for (const Actor& actor : context.children) {
      if (conflicts(actor)) return false;
    }
    for (const Actor& actor : context.threads) {
      if (conflicts(actor)) return false;
    }
  }
  for (size_t i = 1; i < contexts_.size(); ++i) {
    const auto [entry, added] = contexts_[i].touched.try_emplace(resource, how);
    if (!added && entry->second != how) entry->second = Touch::kWrite;
  }
  return true;
}

bool Oracle::touch_page(uint32_t page, Touch how) {
  return touch(space_ids_.back() << kSpaceShift | page, how);
}

bool Oracle::touch_pages(Pages pages, Touch how) {
  for (uint32_t page = pages.first; page < pages.end; ++page) {
    if (!touch_page(page, how)) return false;
  }
  return true;
}

bool Oracle::touch_contents(uint32_t at, Touch how) {
  const Page& page = space()[at];
  if (!page.mapped || page.backing == Backing::kPrivate) return true;
  if (page.backing == Backing::kDevice) return touch(kDevice | page.object_page, how);
  return touch(kObject | uint64_t{page.object} << kSpaceShift | page.object_page, how);
}

}  // namespace vmm::fuzz
