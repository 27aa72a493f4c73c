#include "mm/ahead.h"

#include "arch/hypercall.h"
#include "arch/memory.h"
#include "guest_abi/accounting.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"
#include "mm/pv/page_list.h"
#include "mm/pv/table_lock.h"
#include "mm/swap_area.h"
#include "options.h"

namespace kernel {
namespace {

constexpr unsigned kLeast = 4;
static_assert(kLeast <= AheadWindow::kMost);

bool hypervisor_fills = false;

bool prepares_ahead() {
  return hypervisor_fills && options().mode == Mode::kBest && options().batch.batching();
}
// Whether a processor may use an entry while this one withdraws it.
bool others_may_run() {
  return options().vcpus > 1;
}

uint64_t address_in(const AheadWindow& window, unsigned i) {
  return window.start + i * pvmmu::kPageSize;
}
bool from_swap(const AheadWindow& window, unsigned i) {
  return ((window.from_swap >> i) & 1) != 0;
}

// Calls visit(i, place, entry) for each entry of the window.
template <typename Visit>
void for_each_entry(Mm& mm, Visit visit) {
  const AheadWindow& window = mm.ahead;
  for (unsigned i = 0; i < window.count; ++i) {
    const PtePlace place{mm, *window.table, address_in(window, i)};
    visit(i, place, pte_read(place));
  }
}

unsigned count_unused(Mm& mm) {
  unsigned unused = 0;
  for_each_entry(mm, [&unused](unsigned, const PtePlace&, UserPte entry) {
    unused += entry.prepared() ? 1 : 0;
  });
  return unused;
}

// The next window is larger if this one was used up, and smaller if most of it was not.
void learn(AheadWindow& window, unsigned unused) {
  if (unused == 0) {
    window.size = window.size * 2 < AheadWindow::kMost ? window.size * 2 : AheadWindow::kMost;
  } else if (unused * 2 > window.count) {
    window.size = window.size / 2 > kLeast ? window.size / 2 : kLeast;
  }
}

// An entry that was not used becomes what it was. Its frame, which was only ever prepared, may be
// freed when the update has been made.
void withdraw(const PtePlace& place, UserPte entry, bool was_swapped, PageList& unused_pages) {
  Page& page = page_of(entry.frame());
  if (was_swapped) {
    pte_establish(place, UserPte::make_swapped(pfn_of(page), true));
    return;
  }
  unused_pages.push(page);
  pte_zap(place);
}

// Queues the withdrawal of what is unused, and notes which slots have become pages. `hidden`: what
// was prepared has been hidden first, and A says whether it was used until then.
void withdraw_unused(Mm& mm, bool hidden, PageList& unused_pages) {
  for_each_entry(mm, [&](unsigned i, const PtePlace& place, UserPte entry) {
    const bool was_swapped = from_swap(mm.ahead, i);
    const bool unused = hidden ? entry.hidden() && !entry.accessed() : entry.prepared();
    if (unused) {
      withdraw(place, entry, was_swapped, unused_pages);
      return;
    }
    if (entry.hidden()) {
      pte_establish(place, entry.to_present());
    }
    if (was_swapped) {
      swap_slot_is_page();
    }
  });
}

// When the updates have been made.
void free_all(PageList& pages) {
  while (Page* page = pages.pop()) {
    frame_put(*page);
  }
}

// Takes what is prepared away from processors that may be using it.
void hide_prepared(Mm& mm) {
  FlushPromise flush(mm);
  LazySection section(mm, *mm.ahead.table);
  for_each_entry(mm, [&flush](unsigned, const PtePlace& place, UserPte entry) {
    if (entry.prepared()) {
      pte_hide(place, entry);
      flush.add_page(place.address);
    }
  });
  flush.pay();
}

// Entries that will be prepared, ascending from the one behind a fault's own.
struct Preparation {
  UserPte entries[AheadWindow::kMost];
  unsigned count = 0;
  uint64_t from_swap = 0;
};

// Not the last quarter of memory: that is for those who need it now.
bool frames_to_spare() {
  return free_frame_count() > frame_count() / 4;
}

bool add_entry(Preparation& preparation, const Vma& area, UserPte old) {
  Page* page = nullptr;
  if (old.none()) {
    page = frames_to_spare() ? alloc_zeroed_frame() : nullptr;
  } else if (old.exclusive() && is_sole(slot_of(old))) {
    page = &slot_of(old);
    preparation.from_swap |= uint64_t{1} << preparation.count;
  }
  if (page == nullptr) {
    return false;
  }
  preparation.entries[preparation.count++] =
      UserPte::make(mfn_of(*page), area.prot, true).to_prepared();
  return true;
}

Preparation prepare_behind(const PtePlace& place, const Vma& area) {
  Preparation preparation;
  while (preparation.count < place.mm.ahead.size) {
    const uint64_t address = place.address + (preparation.count + 1) * pvmmu::kPageSize;
    const PtePlace next{place.mm, place.table, address};
    if (next.index() == 0 || address >= area.end || !add_entry(preparation, area, pte_read(next))) {
      break;
    }
  }
  return preparation;
}

// A fault right behind the last one, or behind the window; or anywhere, after windows that were
// used up.
bool seems_worth_it(const PtePlace& place, const Vma& area) {
  const AheadWindow& window = place.mm.ahead;
  return prepares_ahead() && place.mm.pinned && area.is_private() && !area.eager &&
         (place.address == window.expected || window.size > kLeast);
}

void establish_all(const PtePlace& place, UserPte value, const Preparation& preparation) {
  pte_establish(place, value);
  for (unsigned i = 0; i < preparation.count; ++i) {
    const uint64_t address = place.address + (i + 1) * pvmmu::kPageSize;
    pte_establish({place.mm, place.table, address}, preparation.entries[i]);
  }
}

// The old window goes and the new one comes in one section.
void replace_window(const PtePlace& place, UserPte value, const Preparation& preparation) {
  Mm& mm = place.mm;
  PageList unused_pages;
  if (mm.ahead.table == nullptr) {
    LazySection section(mm, place.table);
    establish_all(place, value, preparation);
  } else {
    learn(mm.ahead, count_unused(mm));
    LazySectionOfTwo section(mm, *mm.ahead.table, place.table);
    withdraw_unused(mm, false, unused_pages);
    establish_all(place, value, preparation);
  }
  free_all(unused_pages);
  mm.ahead.start = place.address + pvmmu::kPageSize;
  mm.ahead.table = preparation.count != 0 ? &place.table : nullptr;
  mm.ahead.count = preparation.count;
  mm.ahead.from_swap = preparation.from_swap;
}

}  // namespace

void ahead_start() {
  hypervisor_fills = options().mode == Mode::kBest &&
                     hypercall(guest_abi::kHypercallPvmmuOp, guest_abi::kPvmmuOpFillOnDemand) == 0;
}

bool ahead_establish(const PtePlace& place, const Vma& area, UserPte value) {
  AheadWindow& window = place.mm.ahead;
  if (!seems_worth_it(place, area)) {
    window.expected = place.address + pvmmu::kPageSize;
    return false;
  }
  if (others_may_run()) {
    ahead_settle(place.mm);
  }
  const Preparation preparation = prepare_behind(place, area);
  replace_window(place, value, preparation);
  window.expected = place.address + (preparation.count + 1) * pvmmu::kPageSize;
  return true;
}

bool ahead_covers(const Mm& mm, uint64_t address) {
  const AheadWindow& window = mm.ahead;
  return window.table != nullptr && address >= window.start &&
         address < address_in(window, window.count);
}

void ahead_settle(Mm& mm) {
  AheadWindow& window = mm.ahead;
  if (window.table == nullptr) {
    return;
  }
  const unsigned unused = count_unused(mm);
  learn(window, unused);
  const bool hide = unused != 0 && others_may_run();
  if (hide) {
    hide_prepared(mm);
  }
  PageList unused_pages;
  {
    LazySection section(mm, *window.table);
    withdraw_unused(mm, hide, unused_pages);
  }
  free_all(unused_pages);
  window.table = nullptr;
  window.count = 0;
}

}  // namespace kernel
