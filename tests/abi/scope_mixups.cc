// What the types of the guest's mm refuse: a transaction or a lazy section that is copied, kept, or
// gone at once. With no MIXUP defined the file must compile, so that a failure of the others can
// only come from the mix-up itself.
#include <utility>

#include "mm/pv/accessors.h"
#include "mm/pv/flush.h"
#include "mm/pv/lazy_section.h"

namespace kernel {

void change(const PtePlace& place, UserPte value) {
  LazySection section(place.mm, place.table);
  PteModification modification(place);
#if defined(MIXUP_COPY_TRANSACTION)
  PteModification other = modification;
  other.commit(value);
#elif defined(MIXUP_ASSIGN_TRANSACTION)
  PteModification other(place);
  other = std::move(modification);
  other.commit(value);
#elif defined(MIXUP_DISCARD_TRANSACTION)
  PteModification{place};
  modification.commit(value);
#elif defined(MIXUP_KEEP_TRANSACTION)
  PteModification* kept = new PteModification(place);
  kept->commit(value);
#elif defined(MIXUP_COMMIT_RAW_BITS)
  modification.commit(value.raw());
#elif defined(MIXUP_COPY_SECTION)
  LazySection other = section;
#elif defined(MIXUP_MOVE_SECTION)
  LazySection other = std::move(section);
#elif defined(MIXUP_KEEP_SECTION)
  new LazySection(place.mm, place.table);
#elif defined(MIXUP_DISCARD_SECTION)
  LazySection{place.mm, place.table};
#elif defined(MIXUP_COPY_LAZY_MODE)
  LazyMode mode;
  LazyMode other = mode;
#elif defined(MIXUP_COPY_LOCK)
  TableLock lock(place.mm, place.table);
  TableLock other = lock;
#elif defined(MIXUP_COPY_FLUSH)
  FlushPromise flush(place.mm);
  FlushPromise other = flush;
#else
  PteModification moved = std::move(modification);
  moved.commit(value);
#endif
}

}  // namespace kernel
