#include "mm/notifier.h"

#include <string.h>

#include "panic.h"
#include "yield_point.h"

namespace kernel {
namespace {

template <typename Visit>
void for_each(const Mm& mm, Visit visit) {
  for (MmuNotifier* notifier = mm.notifiers; notifier != nullptr; notifier = notifier->next) {
    visit(*notifier);
  }
}

}  // namespace

void notifier_register(Mm& mm, MmuNotifier& notifier) {
  notifier.next = mm.notifiers;
  mm.notifiers = &notifier;
}

void notifier_unregister(Mm& mm, MmuNotifier& notifier) {
  MmuNotifier** place = &mm.notifiers;
  while (*place != &notifier) {
    kernel_assert(*place != nullptr, "a notifier is taken out that is not registered");
    place = &(*place)->next;
  }
  *place = notifier.next;
}

// Each is taken out first: what it does on its way is nothing that it must hear of.
void notifier_release(Mm& mm) {
  while (MmuNotifier* notifier = mm.notifiers) {
    mm.notifiers = notifier->next;
    notifier->ops->release(*notifier);
  }
}

void notify_page(Mm& mm, uint64_t address) {
  for_each(mm, [address](MmuNotifier& notifier) {
    yield_point(YieldPoint::notify_page);
    notifier.ops->invalidate_page(notifier, address & pvmmu::kPageMask);
  });
}

void NotifierRange::begin(Mm& mm, uint64_t start, uint64_t end) {
  mm_ = &mm;
  start_ = start;
  end_ = end;
  for_each(mm, [=](MmuNotifier& notifier) {
    yield_point(YieldPoint::notify_start);
    notifier.ops->range_start(notifier, start, end);
  });
}

void NotifierRange::finish() {
  for_each(*mm_, [this](MmuNotifier& notifier) {
    yield_point(YieldPoint::notify_end);
    notifier.ops->range_end(notifier, start_, end_);
  });
}

void SecondaryYoung::ask(Mm& mm, uint64_t end) {
  const auto count = static_cast<unsigned>((end - start_) / pvmmu::kPageSize);
  kernel_assert(count <= kPages, "more pages are asked about than fit");
  memset(young_, 0, sizeof(young_));
  for_each(mm, [&](MmuNotifier& notifier) {
    uint64_t of_one[kPages / kBits] = {};
    notifier.ops->clear_young(notifier, start_, count, of_one);
    for (unsigned i = 0; i < kPages / kBits; ++i) {
      young_[i] |= of_one[i];
    }
  });
  any_ = true;
}

}  // namespace kernel
