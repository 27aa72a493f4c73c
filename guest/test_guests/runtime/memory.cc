#include "runtime/memory.h"

namespace test_guest {
namespace {

const start_info_t* remembered;
alignas(kPageSize) uint8_t scratch[kScratchPages][kPageSize];

}  // namespace

void remember_start_info(const start_info_t* info) {
  remembered = info;
}

const start_info_t& start_info() {
  return *remembered;
}

uint64_t mfn_of_pfn(uint64_t pfn) {
  return reinterpret_cast<const uint64_t*>(start_info().mfn_list)[pfn];
}

uint64_t pfn_of_mfn(uint64_t mfn) {
  for (uint64_t pfn = 0; pfn < start_info().nr_pages; ++pfn) {
    if (mfn_of_pfn(pfn) == mfn) return pfn;
  }
  return kInvalid;
}

uint64_t mfn_of_address(const volatile void* address) {
  return mfn_of_pfn((reinterpret_cast<uint64_t>(address) - kVirtualBase) / kPageSize);
}

volatile uint64_t* address_of_mfn(uint64_t mfn) {
  return reinterpret_cast<volatile uint64_t*>(kVirtualBase + pfn_of_mfn(mfn) * kPageSize);
}

uint64_t root_mfn() {
  return mfn_of_address(reinterpret_cast<const void*>(start_info().pt_base));
}

EntryPlace find_entry(uint64_t address, unsigned level) {
  uint64_t table = root_mfn();
  for (unsigned at = 4;; --at) {
    const uint64_t index = address >> (12 + 9 * (at - 1)) & 511;
    volatile uint64_t* entry = address_of_mfn(table) + index;
    if (at == level) return {entry, table * kPageSize + index * 8};
    table = (*entry & kFrameMask) / kPageSize;
  }
}

uint8_t* scratch_page(unsigned number) {
  return scratch[number];
}

}  // namespace test_guest
