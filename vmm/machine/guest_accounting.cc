#include "machine/guest_accounting.h"

#include <cstring>

namespace vmm {
namespace {

// The guest may be writing: one plain load of a word is whole on x86.
uint32_t load_word(const std::byte* page, size_t offset) {
  return __atomic_load_n(reinterpret_cast<const uint32_t*>(page + offset), __ATOMIC_RELAXED);
}

template <typename T>
std::optional<T> copy_of(const std::byte* page) {
  if (page == nullptr) return std::nullopt;
  T copy;
  std::memcpy(&copy, page, sizeof(copy));
  return copy;
}

}  // namespace

uint32_t GuestAccounting::phase() const {
  if (page_ == nullptr) return guest_abi::kPhaseBoot;
  const uint32_t phase = load_word(page_, offsetof(guest_abi::AccountingPage, phase));
  return phase < guest_abi::kMaxPhases ? phase : guest_abi::kPhaseBoot;
}

uint32_t GuestAccounting::operation() const {
  if (page_ == nullptr) return static_cast<uint32_t>(guest_abi::Operation::kNone);
  const uint32_t operation = load_word(page_, offsetof(guest_abi::AccountingPage, operation));
  return operation < guest_abi::kOperationCount ? operation : 0;
}

std::optional<guest_abi::AccountingPage> GuestAccounting::page() const {
  auto page = copy_of<guest_abi::AccountingPage>(page_);
  if (page && page->version != guest_abi::kAccountingVersion) return std::nullopt;
  return page;
}

std::optional<guest_abi::AccountingOperations> GuestAccounting::operations() const {
  return copy_of<guest_abi::AccountingOperations>(operations_);
}

}  // namespace vmm
