// What the search for interleavings needs two processors to do to one table, and no process can ask
// for by itself (docs/explore.md).
//
// An address space that no process runs on, the subject, is pinned and unpinned by one thread while
// others change its entries under the locks of its tables alone, as a memory manager does that
// looks for pages to reclaim. And a page becomes a table while a process may still write it, with
// no flush but the hypervisor's.
#include <optional>

#include "arch/cpu.h"
#include "arch/hypercall.h"
#include "linux_errno.h"
#include "mm/ahead.h"
#include "mm/mm.h"
#include "mm/pv/accessors.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/pinning.h"
#include "mm/pv/tables.h"
#include "mm/range.h"
#include "options.h"

namespace kernel {
namespace {

constexpr uint64_t kFirstAddress = uint64_t{1} << 30;
constexpr uint64_t kTableSpan = uint64_t{1} << 21;
constexpr uint64_t kMostTables = 64;

// Whoever uses the subject, but for the one who made it, is counted.
struct Subject {
  Mm* mm = nullptr;
  Page* page = nullptr;  // which all its entries map
  uint64_t tables = 0;
  unsigned users = 0;
};
constinit Spinlock subject_lock;
constinit Subject subject;

class SubjectUse {
 public:
  SubjectUse() {
    SpinlockGuard guard(subject_lock);
    if (subject.mm != nullptr) {
      ++subject.users;
      mm = subject.mm;
      page = subject.page;
      tables = subject.tables;
    }
  }
  ~SubjectUse() {
    SpinlockGuard guard(subject_lock);
    subject.users -= mm != nullptr ? 1 : 0;
  }
  SubjectUse(const SubjectUse&) = delete;
  SubjectUse& operator=(const SubjectUse&) = delete;

  Mm* mm = nullptr;
  Page* page = nullptr;
  uint64_t tables = 0;
};

// False: there is one already.
bool offer(Mm& mm, Page& page, uint64_t tables) {
  SpinlockGuard guard(subject_lock);
  if (subject.mm != nullptr) {
    return false;
  }
  subject = {&mm, &page, tables, 0};
  return true;
}

bool try_withdraw() {
  SpinlockGuard guard(subject_lock);
  if (subject.users != 0) {
    return false;
  }
  subject = {};
  return true;
}

bool build(Mm& mm, uint64_t tables) {
  for (uint64_t i = 0; i < tables; ++i) {
    if (make_l1_table(mm, kFirstAddress + i * kTableSpan) == nullptr) {
      return false;
    }
  }
  return true;
}

// In each table one entry comes if it is not there, and goes if it is.
void toggle(Mm& mm, Page& page, uint64_t tables) {
  for (uint64_t i = 0; i < tables; ++i) {
    const uint64_t address = kFirstAddress + i * kTableSpan;
    const PtePlace place{mm, *find_l1_table(mm, address), address};
    FlushPromise flush(mm);
    LazySection section(mm, place.table);
    if (pte_read(place).none()) {
      frame_get(page);
      pte_establish(place, UserPte::make(mfn_of(page), guest_abi::kProtRead, false));
    } else {
      pte_zap(place);
      flush.add_page(address);
      flush.pay();
      frame_put(page);  // others have it, too
    }
  }
}

// While others use the tables. Pinning takes each table's lock if it has one, and otherwise leaves
// it to the caller to keep them out.
class PinLock {
 public:
  explicit PinLock(Mm& mm) {
    if (!options().split_ptl) {
      guard_.emplace(mm.table_lock);
    }
  }

 private:
  std::optional<SpinlockGuard> guard_;
};

int64_t mmuext(unsigned command, const Page& table) {
  mmuext_op_t operation{};
  operation.cmd = command;
  operation.arg1.mfn = mfn_of(table).raw();
  return hypercall(__HYPERVISOR_mmuext_op, hypercall_pointer(&operation), 1, 0, DOMID_SELF);
}

void protect_direct_map(Page& page, bool writable) {
  CallBatch batch;
  batch.protect_direct_map(page, writable);
}

}  // namespace

int64_t sys_race_pin(uint64_t length) {
  const uint64_t tables = length / pvmmu::kPageSize;
  if (tables == 0 || tables > kMostTables) {
    return -kEinval;
  }
  Page* page = alloc_zeroed_frame();
  Mm* mm = page != nullptr ? mm_create() : nullptr;
  int64_t error = mm != nullptr && build(*mm, tables) ? 0 : -kEnomem;
  if (error == 0 && !offer(*mm, *page, tables)) {
    error = -kEagain;
  }
  if (error == 0) {
    {
      const PinLock lock(*mm);
      pin_address_space(*mm);
    }
    toggle(*mm, *page, tables);
    {
      const PinLock lock(*mm);
      unpin_address_space(*mm);
    }
    for (unsigned round = 0; !try_withdraw(); ++round) {
      spin_wait(round);
    }
  }
  if (mm != nullptr) {
    mm_put(*mm);
  }
  if (page != nullptr) {
    frame_put(*page);
  }
  return error;
}

int64_t sys_race_set() {
  const SubjectUse use;
  if (use.mm != nullptr) {
    toggle(*use.mm, *use.page, use.tables);
  }
  return 0;
}

int64_t sys_retype(Mm& mm, uint64_t address, uint64_t length) {
  Range range;
  if (!range_from(address, length, range)) {
    return -kEinval;
  }
  SettledMm guard(mm);
  for (uint64_t at = range.start; at < range.end; at += pvmmu::kPageSize) {
    Page* table = find_l1_table(mm, at);
    if (table == nullptr) {
      continue;
    }
    const PtePlace place{mm, *table, at};
    TableLock lock(mm, *table);
    const UserPte entry = pte_read(place);
    if (!entry.writable() || !entry.has_page()) {
      continue;
    }
    // Nobody flushes but the hypervisor, to which the frame's change of type is enough.
    pte_zap(place);
    Page& page = page_of(entry.frame());
    protect_direct_map(page, false);
    // What the process wrote may make it no table, and then it is refused.
    if (mmuext(MMUEXT_PIN_L1_TABLE, page) == 0) {
      mmuext(MMUEXT_UNPIN_TABLE, page);
    }
    protect_direct_map(page, true);
    pte_establish(place, entry);
  }
  return 0;
}

}  // namespace kernel
