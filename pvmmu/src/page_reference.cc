// References to frames, typed and untyped, and the references that entries take.
#include "base/mutant.h"
#include "entry_bits.h"
#include "leaf_reference.h"
#include "pvmmu/mmu_events.h"
#include "pvmmu/type_keeper.h"

namespace pvmmu {

namespace {

FrameSnapshot snapshot_of(const PageInfo& page) {
  return FrameSnapshot{true,        page.owner,      page.type,        page.whole(),
                       page.pinned, page.type_count, page.total_count, page.linear_count};
}

// Whether translations made under the last type may stand in the way of the new one.
bool must_flush(PageType last, PageType type) {
  if (kMutated<Mutant::contents_read_before_flush>) return false;
  if (kMutated<Mutant::flush_by_new_type> && !is_table(type)) return false;
  return last != PageType::kNone && last != type;
}

}  // namespace

Errno TypeKeeper::refuse(Call& call, Rule rule, Errno error, const char* reason) {
  call.refusal = Refusal{};
  call.refusal.rule = rule;
  call.refusal.error = error;
  call.refusal.reason = reason;
  return error;
}

Errno TypeKeeper::refuse(Call& call, Rule rule, Errno error, const char* reason, Mfn frame) {
  refuse(call, rule, error, reason);
  call.refusal.frame = frame;
  if (frames_.contains(frame)) call.refusal.now = snapshot_of(frames_.at(frame));
  return error;
}

Errno TypeKeeper::get_page(Call& call, Mfn frame) {
  PageInfo* page = frames_.find_guest(frame);
  if (page == nullptr) {
    return refuse(call, Rule::kEntryTarget, Errno::kEINVAL, "the frame is not the domain's", frame);
  }
  // Of a frame in progress, one of the references is about to be taken over.
  if (page->total_count >= count_limit_ && !page->in_progress &&
      !kMutated<Mutant::count_limit_ignored>) {
    return refuse(call, Rule::kCounts, Errno::kEINVAL, "the frame is used too often", frame);
  }
  ++page->total_count;
  return Errno::kOk;
}

Errno TypeKeeper::get_page_and_type(Call& call, Mfn frame, PageType type) {
  const Errno error = get_validated(call, frame, type);
  if (error != Errno::kOk || type == PageType::kWritable) return error;
  return store_validated(call, frame);
}

Errno TypeKeeper::get_validated(Call& call, Mfn frame, PageType type) {
  Errno error = get_page(call, frame);
  if (error != Errno::kOk) return error;
  error = get_type(call, frame, type);
  if (error == Errno::kOk) return error;
  // A frame that is in progress keeps the two references that were to be the caller's.
  if (!frames_.at(frame).in_progress || frames_.at(frame).type != type) {
    if (!kMutated<Mutant::reference_leaked_on_refusal>) put_page(frame);
  } else if (error != kRestart) {
    unfinished_ = frame;
  }
  return error;
}

Errno TypeKeeper::store_validated(Call& call, Mfn frame) {
  PageInfo& page = frames_.at(frame);
  if (page.validation != Validation::kValidated) return Errno::kOk;
  const Errno error = store_table(call, frame);
  if (error != Errno::kOk) page.in_progress = true;  // with the caller's references
  return error;
}

void TypeKeeper::put_page_and_type(MmuCounters& counters, Mfn frame) {
  if (put_type(counters, frame)) {
    put_page(frame);
  } else {
    unfinished_ = frame;
  }
}

// The frequent case of get_type: there are no contents to check.
Errno TypeKeeper::get_writable_type(Call& call, Mfn frame) {
  PageInfo& page = frames_.at(frame);
  if (page.type_count != 0) {
    if (page.type != PageType::kWritable) return refuse_type(call, frame);
    ++page.type_count;  // at most total_count, which was checked
    return Errno::kOk;
  }
  page.type = PageType::kWritable;
  page.type_count = 1;
  if (must_flush(page.last_type, PageType::kWritable)) {
    tlb_.flush_older_than(call.counters, page.tlb_stamp);
  }
  return Errno::kOk;
}

Errno TypeKeeper::refuse_type(Call& call, Mfn frame) {
  return refuse(call, Rule::kOneType, Errno::kEINVAL, "the frame has another type", frame);
}

Errno TypeKeeper::get_type(Call& call, Mfn frame, PageType type) {
  if (type == PageType::kWritable) return get_writable_type(call, frame);
  PageInfo& page = frames_.at(frame);
  if (page.type_count == 0) {
    // The type is set before anything is read, so that no entry met on the way can use the frame as
    // something else; and the flush comes before that, so that no processor still writes it.
    page.type = type;
    page.type_count = 1;
    if (kMutated<Mutant::type_kept_when_unused> && page.last_type == type && is_table(type)) {
      page.validated_entries = kEntriesPerTable;
      page.validation = Validation::kWhole;
      return Errno::kOk;
    }
    if (must_flush(page.last_type, type)) tlb_.flush_older_than(call.counters, page.tlb_stamp);
    if (is_table(type)) platform_.frame_becomes_table(frame);
    return validate(call, frame, type);
  }
  if (page.type != type) return refuse_type(call, frame);
  if (page.in_progress) {
    // Its own references are the caller's from here on.
    page.in_progress = false;
    put_page(frame);
    if (page.validation != Validation::kUnvalidated) return Errno::kOk;
    if (kMutated<Mutant::partial_type_reused>) {
      page.validation = Validation::kWhole;
      return Errno::kOk;
    }
    return validate(call, frame, type);
  }
  // never: this call is in the middle of it; its own entries ask for levels below, and a same-level
  // entry does not ask here.
  if (page.validation == Validation::kUnvalidated) {
    // never: as above.
    return refuse(call, Rule::kOneType, Errno::kEINVAL, "the frame is being validated", frame);
  }
  ++page.type_count;  // cannot pass the limit: it is not above total_count, which was checked
  return Errno::kOk;
}

// False if that was a table's last reference: then the frame is in progress, downwards, and has the
// caller's reference to the frame too.
bool TypeKeeper::put_type(MmuCounters& counters, Mfn frame) {
  PageInfo& page = frames_.at(frame);
  if (page.type_count != 1) {
    --page.type_count;
    return true;
  }
  if (page.type != PageType::kWritable && !put_last_of_validated(counters, frame)) return false;
  page.last_type = page.type;
  if (!kMutated<Mutant::time_stamp_skipped>) page.tlb_stamp = tlb_.stamp();
  page.type = PageType::kNone;
  page.type_count = 0;
  return true;
}

// False: it is a table, and its entries are still to give their references back.
bool TypeKeeper::put_last_of_validated(MmuCounters& counters, Mfn frame) {
  PageInfo& page = frames_.at(frame);
  if (is_table(page.type) && !kMutated<Mutant::last_reference_without_teardown>) {
    begin_teardown(counters, frame);
    return false;
  }
  ++counters.demotions;  // of descriptors, which hold no references
  if (MmuEvents* events = platform_.events()) events->demoted(counters, frame, page.type);
  page.validation = Validation::kUnvalidated;
  return true;
}

// Why an L1 entry gets no reference. Errors are those of Xen: EPERM beyond memory, EBUSY where the
// frame belongs to somebody else or is in use as what must not be written.
Errno TypeKeeper::refuse_leaf(Call& call, L1Pte entry) {
  const Mfn frame = entry.frame();
  if (has_refused_bits(entry)) return refuse_bits(call);
  if (!frames_.contains(frame)) {
    return refuse(call, Rule::kEntryTarget, Errno::kEPERM, "the frame does not exist", frame);
  }
  if (frames_.find_guest(frame) == nullptr) {
    return refuse(call, Rule::kEntryBits, Errno::kEBUSY, "the frame is the hypervisor's", frame);
  }
  if (frames_.at(frame).total_count >= count_limit_) {
    return refuse(call, Rule::kCounts, Errno::kEBUSY, "the frame is used too often", frame);
  }
  return refuse(call, Rule::kNoWritableTable, Errno::kEBUSY,
                "a writable mapping of a frame that must not be written", frame);
}

Errno TypeKeeper::refuse_bits(Call& call) {
  return refuse(call, Rule::kEntryBits, Errno::kEINVAL, "the entry has bits that are not allowed");
}

void TypeKeeper::note_entry(Refusal& refusal, PtLevel level, Mfn table, unsigned slot,
                            uint64_t entry) {
  if (refusal.level != 0) return;
  refusal.level = static_cast<uint8_t>(level_number(level));
  refusal.table = table;
  refusal.slot = static_cast<uint16_t>(slot);
  refusal.entry = entry;
}

// An entry that names a table of its own level. The mapping it makes is read-only because every
// path through it is; it may only name a validated table that has no such entries itself.
template <PtLevel L>
Errno TypeKeeper::get_same_level(Call& call, Pte<L> entry, Mfn table) {
  const Mfn frame = entry.frame();
  if (entry.writable()) {
    return refuse(call, Rule::kNoWritableTable, Errno::kEINVAL,
                  "a same-level entry must be read-only", frame);
  }
  if (frame == table) return Errno::kOk;  // relies on nothing new: see page_info.h
  PageInfo& holder = frames_.at(table);
  PageInfo& used = frames_.at(frame);
  const bool chain = (holder.linear_count < 0 || used.linear_count > 0) &&
                     !kMutated<Mutant::linear_chains_unlimited>;
  if (used.validation == Validation::kUnvalidated || chain) {
    return refuse(call, Rule::kEntryTarget, Errno::kEINVAL,
                  "same-level entries may be one deep, and name validated tables", frame);
  }
  static_assert(kEntriesPerTable < kLinearCountLimit, "a holder's count cannot pass the limit");
  if (used.linear_count == -kLinearCountLimit || used.total_count >= count_limit_) {
    return refuse(call, Rule::kCounts, Errno::kEINVAL, "the frame is used too often", frame);
  }
  ++holder.linear_count;
  --used.linear_count;
  ++used.type_count;
  ++used.total_count;
  return Errno::kOk;
}

// For an entry of a table of any state: what it names may stay to be stored.
template <PtLevel L>
Errno TypeKeeper::get_entry(Call& call, Pte<L> entry, Mfn table, unsigned slot) {
  if constexpr (L == PtLevel::kL1) return get_leaf(call, entry, table, slot);
  Errno error;
  if (has_refused_bits(entry)) {
    error = refuse_bits(call);
  } else {
    const PageInfo* page = frames_.find_guest(entry.frame());
    if (page != nullptr && page->type == table_type(L)) {
      error = get_same_level(call, entry, table);
    } else {
      error = get_validated(call, entry.frame(), table_type(level_below(L)));
    }
  }
  if (error != Errno::kOk && error != kRestart) {
    note_entry(call.refusal, L, table, slot, entry.raw());
  }
  return error;
}

template <PtLevel L>
Errno TypeKeeper::get_from_entry(Call& call, Pte<L> entry, Mfn table, unsigned slot) {
  Errno error = get_entry(call, entry, table, slot);
  if constexpr (L != PtLevel::kL1) {
    if (error != Errno::kOk || entry.frame() == table) return error;
    PageInfo& page = frames_.at(entry.frame());
    if (page.validation != Validation::kValidated) return error;
    error = store_table(call, entry.frame());
    if (error == Errno::kOk) return error;
    if (page.type == table_type(L)) {
      // It has other users, or it could not have been named: so this is not the last reference.
      put_entry(call.counters, entry, table);
    } else {
      page.in_progress = true;
    }
  }
  return error;
}

// False if that was the last reference of a table: as put_type.
template <PtLevel L>
bool TypeKeeper::put_entry(MmuCounters& counters, Pte<L> entry, Mfn table) {
  if constexpr (L == PtLevel::kL1) {
    put_leaf(counters, entry);
  } else {
    const Mfn frame = entry.frame();
    PageInfo& page = frames_.at(frame);
    if (frame == table) return true;
    if (page.type == table_type(L)) {
      --frames_.at(table).linear_count;
      ++page.linear_count;
    }
    if (!put_type(counters, frame)) return false;
    put_page(frame);
  }
  return true;
}

template <PtLevel L>
void TypeKeeper::put_from_entry(MmuCounters& counters, Pte<L> entry, Mfn table) {
  if (!put_entry(counters, entry, table)) unfinished_ = entry.frame();
}

#define PVMMU_INSTANTIATE(Entry)                                          \
  template Errno TypeKeeper::get_entry(Call&, Entry, Mfn, unsigned);      \
  template bool TypeKeeper::put_entry(MmuCounters&, Entry, Mfn);          \
  template Errno TypeKeeper::get_from_entry(Call&, Entry, Mfn, unsigned); \
  template void TypeKeeper::put_from_entry(MmuCounters&, Entry, Mfn);
PVMMU_INSTANTIATE(L1Pte)
PVMMU_INSTANTIATE(L2Pte)
PVMMU_INSTANTIATE(L3Pte)
PVMMU_INSTANTIATE(L4Pte)
#undef PVMMU_INSTANTIATE

}  // namespace pvmmu
