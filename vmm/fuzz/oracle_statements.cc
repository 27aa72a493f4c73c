// Statements on pages: what they do to memory, and what they must expect.
#include <cerrno>

#include "fuzz/oracle.h"
#include "guest_abi/syscall.h"

namespace vmm::fuzz {
namespace {

using Kind = Statement::Kind;

bool is_mapping(Kind kind) {
  return kind >= Kind::kMap && kind <= Kind::kMove;
}
bool is_access(Kind kind) {
  return kind >= Kind::kRead && kind <= Kind::kFaultWrite;
}
static_assert(Kind::kMap < Kind::kUnmap && Kind::kWriteback < Kind::kMove);
static_assert(Kind::kMove < Kind::kRead && Kind::kFaultRead < Kind::kFaultWrite);

bool writes(Kind kind) {
  return kind == Kind::kWrite || kind == Kind::kFill || kind == Kind::kAdd ||
         kind == Kind::kFaultWrite;
}

const char* errno_name(int error) {
  switch (error) {
    case EINVAL:
      return "EINVAL";
    case ENOMEM:
      return "ENOMEM";
    case EFAULT:
      return "EFAULT";
    default:
      return "";
  }
}

Backing backing_of(uint64_t bits) {
  switch (bits) {
    case guest_abi::kMapShared:
      return Backing::kShared;
    case guest_abi::kMapFile:
      return Backing::kFile;
    case guest_abi::kMapDevice:
      return Backing::kDevice;
    default:
      return Backing::kPrivate;
  }
}

}  // namespace

bool Oracle::step(Statement& s) {
  if (contexts_.back().ended) return false;
  // What the device is at nobody looks at before the wait.
  if (contexts_.back().device_busy && s.kind != Kind::kDeviceWait && s.kind != Kind::kExpect) {
    return false;
  }
  if (is_device(s.kind)) return device(s);
  if (is_mapping(s.kind)) return mapping(s);
  if (is_access(s.kind)) return access(s);
  if (s.kind == Kind::kCrashRead || s.kind == Kind::kCrashWrite) return crash(s);
  return control(s);
}

bool Oracle::mapping(Statement& s) {
  Place place, target;
  if (!place_of(*s.pages, place) || !touch_pages(place.pages, Touch::kWrite)) return false;
  AddressSpace& space = spaces_.back();
  const auto protection = static_cast<uint8_t>(s.protection);
  int error = 0;
  switch (s.kind) {
    case Kind::kMap:
      error = memory_.map(space, place.pages, protection, backing_of(s.backing));
      break;
    case Kind::kUnmap:
      error = memory_.unmap(space, place.pages);
      break;
    case Kind::kProtect:
    case Kind::kProtectNaive:
      error = memory_.protect(space, place.pages, protection);
      break;
    case Kind::kPopulate:
      error = memory_.populate(space, place.pages);
      break;
    case Kind::kDontNeed:
      error = memory_.drop(space, place.pages);
      break;
    case Kind::kClearRefs:
      error = memory_.clear_refs(space, place.pages);
      break;
    case Kind::kSwapOut:
      error = memory_.swap_out(space, place.pages);
      break;
    case Kind::kWriteback:
      for (uint32_t page = place.pages.first; page < place.pages.end; ++page) {
        const bool is_file = space[page].mapped && space[page].backing == Backing::kFile;
        if (is_file && !touch_contents(page, Touch::kWrite)) return false;
      }
      error = memory_.write_back(space, place.pages);
      break;
    default: {  // kMove
      if (!place_of(*s.target, target)) return false;
      const uint32_t first = target.pages.first;
      const Pages moved{first, first + place.pages.count()};
      if (moved.end > target.region->first + target.region->count ||
          !touch_pages(moved, Touch::kWrite)) {
        return false;
      }
      error = memory_.move(space, place.pages, first);
    }
  }
  return settle(s.expected_errno, std::string(errno_name(error)));
}

// A statement that accesses pages of which some permit it and others do not is cut to the first of
// one kind.
bool Oracle::access(Statement& s) {
  Place place;
  if (!place_of(*s.pages, place)) return false;
  if (place.pages.count() == 0) return true;
  const bool write = writes(s.kind);
  const auto permits = [&](uint32_t page) {
    return write ? space()[page].writable() : space()[page].readable();
  };
  const bool permitted = permits(place.pages.first);
  uint32_t count = 1;
  while (count < place.pages.count() && permits(place.pages.first + count) == permitted) ++count;
  if (count < place.pages.count()) {
    if (!shorten(s, place, count)) return false;
    place.pages.end = place.pages.first + count;
  }
  if (!permitted) {
    return settle_kind(s, write ? Kind::kFaultWrite : Kind::kFaultRead) &&
           touch_pages(place.pages, Touch::kRead);
  }
  if (s.kind == Kind::kFaultRead && !settle_kind(s, Kind::kRead)) return false;
  if (s.kind == Kind::kFaultWrite && !settle_kind(s, Kind::kWrite)) return false;
  return access_pages(s, place);
}

bool Oracle::access_pages(Statement& s, const Place& place) {
  const Touch how = s.kind == Kind::kAdd ? Touch::kAdd
                    : writes(s.kind)     ? Touch::kWrite
                                         : Touch::kRead;
  for (uint32_t page = place.pages.first; page < place.pages.end; ++page) {
    if (!touch_page(page, how) || !touch_contents(page, how)) return false;
  }
  if (s.kind == Kind::kCheck) return check_pages(s, place);
  if (s.kind == Kind::kVerify) return verify_pages(s, place);
  AddressSpace& space = spaces_.back();
  for (uint32_t page = place.pages.first; page < place.pages.end; ++page) {
    if (s.kind == Kind::kRead) {
      memory_.read(space, page);
      continue;
    }
    uint64_t value = 0;
    contexts_.back().variables.emplace_back("page", place.index(page));
    const bool valued = known_value(s.values[0], value);
    contexts_.back().variables.pop_back();
    if (!valued) return false;
    Contents& contents = memory_.write(space, page);
    contents.word = s.kind == Kind::kAdd ? contents.word + value : value;
    if (s.kind == Kind::kFill) contents.fill = value;
  }
  return true;
}

// Pages from the first on whose values are a line: one statement says them all.
bool Oracle::check_pages(Statement& s, const Place& place) {
  const auto value = [&](uint32_t page) { return memory_.peek(space(), page).word; };
  const uint32_t first = place.pages.first;
  uint64_t factor = 0;
  uint32_t count = 1;
  if (place.pages.count() > 1 && value(first + 1) >= value(first)) {
    factor = value(first + 1) - value(first);
    const uint64_t base = value(first) - place.index(first) * factor;
    if (base <= value(first)) {
      while (count < place.pages.count() &&
             value(first + count) == base + factor * place.index(first + count)) {
        ++count;
      }
    }
  }
  if (count == 1) factor = 0;
  if (count < place.pages.count() && !shorten(s, place, count)) return false;
  const Expression right = page_expression(factor, value(first) - factor * place.index(first));
  for (uint32_t i = 0; i < count; ++i) memory_.read(spaces_.back(), first + i);
  return settle_value(s, right);
}

bool Oracle::verify_pages(Statement& s, const Place& place) {
  const uint32_t first = place.pages.first;
  const Contents contents = memory_.peek(space(), first);
  if (!contents.fill || contents.word != *contents.fill) {
    return settle_kind(s, Kind::kCheck) && check_pages(s, place);
  }
  if (place.pages.count() > 1 && !shorten(s, place, 1)) return false;
  memory_.read(spaces_.back(), first);
  return settle_value(s, number_expression(contents.word));
}

// Ends a child.
bool Oracle::crash(Statement& s) {
  Place place;
  if (!in_child() || in_thread() || live_threads() != 0 || !place_of(*s.pages, place) ||
      place.pages.count() == 0) {
    return false;
  }
  const Page& page = space()[place.pages.first];
  if (s.kind == Kind::kCrashWrite ? page.writable() : page.readable()) return false;
  if (place.pages.count() > 1 && !shorten(s, place, 1)) return false;
  contexts_.back().status = 139;
  return end_process();
}

bool Oracle::shorten(Statement& s, const Place& place, uint32_t count) {
  if (verifying_) return false;
  const uint32_t first = place.index(place.pages.first);
  s.pages->bounds = {number_expression(first)};
  s.pages->extent = PageRange::Extent::kOne;
  if (count == 1) return true;
  s.pages->extent = PageRange::Extent::kRange;
  s.pages->bounds.push_back(number_expression(first + count));
  return true;
}

bool Oracle::settle_kind(Statement& s, Kind kind) {
  if (s.kind == kind) return true;
  if (verifying_) return false;
  s.kind = kind;
  const bool takes_value =
      kind == Kind::kWrite || kind == Kind::kCheck || kind == Kind::kFill || kind == Kind::kAdd;
  if (!takes_value) {
    s.values.clear();
  } else if (s.values.empty()) {
    s.values = {number_expression(1)};
  }
  return true;
}

}  // namespace vmm::fuzz
