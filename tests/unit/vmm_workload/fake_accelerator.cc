#include "fake_accelerator.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fake_kernel.h"
#include "guest_abi/accelerator.h"

namespace vmm {
namespace {

using guest_abi::AcceleratorOperation;

bool misplaced(uint64_t address, uint64_t byte_count) {
  constexpr uint64_t kUserEnd = uint64_t{1} << 47;
  return address > kUserEnd || byte_count > kUserEnd - address;
}

}  // namespace

int64_t FakeAccelerator::submit(FakeProcess& process, const uint64_t* args) {
  const uint64_t address = args[1], source = args[2], byte_count = args[3];
  const auto operation = static_cast<AcceleratorOperation>(args[0]);
  if (submitted_ == guest_abi::kMaxCommands) return -EAGAIN;
  const bool copies = operation == AcceleratorOperation::kCopy;
  if (args[0] >= static_cast<uint64_t>(AcceleratorOperation::kCount) ||
      (address | byte_count | (copies ? source : 0)) % sizeof(uint64_t) != 0 || byte_count == 0) {
    return -EINVAL;
  }
  if (byte_count > guest_abi::kMaxBytes) return -E2BIG;
  if (misplaced(address, byte_count) || (copies && misplaced(source, byte_count))) return -EFAULT;
  if (copies && std::max(address, source) - std::min(address, source) < byte_count) return -EINVAL;
  ++submitted_;
  if (!work(process, args) && error_ == 0) error_ = -EFAULT;
  return 0;
}

bool FakeAccelerator::work(FakeProcess& process, const uint64_t* args) {
  const uint64_t address = args[1], source = args[2], byte_count = args[3];
  const auto operation = static_cast<AcceleratorOperation>(args[0]);
  last_ = 0;
  for (uint64_t done = 0; done < byte_count; done += sizeof(uint64_t)) {
    uint64_t* word = process.find(address + done, operation != AcceleratorOperation::kChecksum);
    if (word == nullptr) return false;
    switch (operation) {
      case AcceleratorOperation::kCopy: {
        const uint64_t* from = process.find(source + done, false);
        if (from == nullptr) return false;
        *word = *from;
        break;
      }
      case AcceleratorOperation::kFill:
        *word = args[4] + done / sizeof(uint64_t);
        break;
      case AcceleratorOperation::kCompareExchange:
        last_ = *word;
        if (last_ == args[4]) *word = args[5];
        break;
      case AcceleratorOperation::kChecksum:
        last_ += *word;
        break;
      case AcceleratorOperation::kCount:
        return false;
    }
  }
  return true;
}

int64_t FakeAccelerator::wait() {
  submitted_ = 0;
  result_ = last_;
  return std::exchange(error_, 0);
}

}  // namespace vmm
