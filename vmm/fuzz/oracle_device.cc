// Commands of the accelerator: one on one page at a time, waited for by the next statement.
#include <cerrno>
#include <utility>

#include "fuzz/oracle.h"

namespace vmm::fuzz {
namespace {

using Kind = Statement::Kind;

constexpr uint64_t kWords = 512;

// The sum of a page's words.
uint64_t sum_of(const Contents& contents) {
  if (!contents.fill) return contents.word;
  const uint64_t first = *contents.fill;
  return contents.word + (kWords - 1) * first + kWords * (kWords - 1) / 2;
}

}  // namespace

bool Oracle::is_device(Kind kind) {
  return kind >= Kind::kDeviceCopy && kind <= Kind::kDeviceWait;
}

bool Oracle::device_may_write(uint32_t page) const {
  return space()[page].writable() && space()[page].backing != Backing::kDevice;
}

bool Oracle::device_may_read(uint32_t page) const {
  return space()[page].readable() && space()[page].backing != Backing::kDevice;
}

// The entry that the kernel makes or finds for the device. Its own use of the page shows in no
// entry, so Accessed is known only where the kernel set it.
Contents& Oracle::device_touch(uint32_t at, bool write) {
  Page& page = spaces_.back()[at];
  const bool was_clear = page.entry == Known::kYes && page.accessed != Known::kYes;
  Contents& contents = write ? memory_.write(spaces_.back(), at)
                             : const_cast<Contents&>(memory_.read(spaces_.back(), at));
  if (was_clear) page.accessed = Known::kUnknown;
  return contents;
}

bool Oracle::device(Statement& s) {
  Context& context = contexts_.back();
  if (s.kind == Kind::kDeviceWait) {
    return settle(s.expected_errno, std::string(take_device_error() == 0 ? "" : "EFAULT"));
  }
  Place place, target;
  if (context.device_busy || !place_of(*s.pages, place) || place.pages.count() != 1) return false;
  uint32_t at = place.pages.first;
  const uint32_t source = at;
  if (s.kind == Kind::kDeviceCopy) {
    if (!place_of(*s.target, target)) return false;
    at = target.pages.first;
    if (at == source) return settle(s.expected_errno, std::string("EINVAL"));
  }
  const bool copies = s.kind == Kind::kDeviceCopy, writes = s.kind != Kind::kDeviceChecksum;
  for (const uint32_t page : {at, source}) {
    const Touch how = page == at && writes ? Touch::kWrite : Touch::kRead;
    if (!touch_page(page, how) || !touch_contents(page, how)) return false;
  }
  uint64_t values[2] = {};
  for (size_t i = 0; i < s.values.size(); ++i) {
    if (!known_value(s.values[i], values[i])) return false;
  }
  if (!settle(s.expected_errno, std::string())) return false;
  context.device_busy = true;
  context.device_error = EFAULT;
  context.device_result = 0;
  // As the device does it: first it finds where it writes, then where it reads.
  if (writes ? !device_may_write(at) : !device_may_read(at)) return true;
  device_touch(at, writes);
  if (copies && !device_may_read(source)) return true;
  context.device_error = 0;
  if (copies) {
    const Contents copied = device_touch(source, false);
    device_touch(at, true) = copied;
  } else {
    work_on_page(s.kind, device_touch(at, writes), values);
  }
  return true;
}

void Oracle::work_on_page(Kind kind, Contents& contents, const uint64_t (&values)[2]) {
  Value& result = contexts_.back().device_result;
  switch (kind) {
    case Kind::kDeviceFill:
      contents.word = values[0];
      contents.fill = values[0];
      break;
    case Kind::kDeviceCas:
      result = contents.word;
      if (contents.word == values[0]) contents.word = values[1];
      break;
    default:
      result = sum_of(contents);
  }
}

int Oracle::take_device_error() {
  Context& context = contexts_.back();
  context.device_busy = false;
  return std::exchange(context.device_error, 0);
}

}  // namespace vmm::fuzz
