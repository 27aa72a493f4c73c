// An address space of a given size, pinned and unpinned under the eyes of the accounting.
#include "linux_errno.h"
#include "mm/label_scope.h"
#include "mm/mm.h"
#include "mm/pv/accessors.h"
#include "mm/pv/pinning.h"
#include "mm/pv/tables.h"

namespace kernel {
namespace {

// From a multiple of what one L3 entry maps, so that 512 tables hang below one L2 table.
constexpr uint64_t kFirstAddress = uint64_t{1} << 30;
constexpr uint64_t kTableSpan = uint64_t{1} << 21;
constexpr uint64_t kMostTables = 16384;

// Every table maps one page, the same everywhere, read-only. False: no memory.
bool build(Mm& mm, uint64_t table_count, Page& page) {
  for (uint64_t i = 0; i < table_count; ++i) {
    const uint64_t address = kFirstAddress + i * kTableSpan;
    Page* table = make_l1_table(mm, address);
    if (table == nullptr) {
      return false;
    }
    frame_get(page);
    pte_establish({mm, *table, address}, UserPte::make(mfn_of(page), guest_abi::kProtRead, false));
  }
  return true;
}

bool is_phase(uint64_t phase) {
  return phase < guest_abi::kMaxPhases;
}

}  // namespace

int64_t sys_pin_test(uint64_t pte_page_count, uint64_t pin_phase, uint64_t unpin_phase) {
  if (pte_page_count == 0 || pte_page_count > kMostTables || !is_phase(pin_phase) ||
      !is_phase(unpin_phase)) {
    return -kEinval;
  }
  Page* page = alloc_zeroed_frame();
  if (page == nullptr) {
    return -kEnomem;
  }
  Mm* mm = mm_create();
  const bool built = mm != nullptr && build(*mm, pte_page_count, *page);
  frame_put(*page);
  if (built) {
    {
      const LabelScope label(pin_phase);
      pin_address_space(*mm);
    }
    const LabelScope label(unpin_phase);
    unpin_address_space(*mm);
  }
  if (mm != nullptr) {
    mm_put(*mm);
  }
  return built ? 0 : -kEnomem;
}

}  // namespace kernel
