// References to frames, typed and untyped, and the references that entries take.
#include "entry_bits.h"
#include "pvmmu/type_keeper.h"

namespace pvmmu {

namespace {

FrameSnapshot snapshot_of(const PageInfo& page) {
  return FrameSnapshot{true,        page.owner,      page.type,        page.validated,
                       page.pinned, page.type_count, page.total_count, page.linear_count};
}

// Names the entry in a refusal, unless a deeper one is named already.
void note_entry(Refusal& refusal, PtLevel level, Mfn table, unsigned slot, uint64_t entry) {
  if (refusal.level != 0) return;
  refusal.level = static_cast<uint8_t>(level_number(level));
  refusal.table = table;
  refusal.slot = static_cast<uint16_t>(slot);
  refusal.entry = entry;
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
  if (page->total_count >= count_limit_) {
    return refuse(call, Rule::kCounts, Errno::kEINVAL, "the frame is used too often", frame);
  }
  ++page->total_count;
  return Errno::kOk;
}

void TypeKeeper::put_page(Mfn frame) {
  --frames_.at(frame).total_count;
}

Errno TypeKeeper::get_page_and_type(Call& call, Mfn frame, PageType type) {
  const Errno error = get_page(call, frame);
  if (error != Errno::kOk) return error;
  const Errno type_error = get_type(call, frame, type);
  if (type_error != Errno::kOk) put_page(frame);
  return type_error;
}

void TypeKeeper::put_page_and_type(MmuCounters& counters, Mfn frame) {
  put_type(counters, frame);
  put_page(frame);
}

Errno TypeKeeper::get_type(Call& call, Mfn frame, PageType type) {
  PageInfo& page = frames_.at(frame);
  if (page.type_count != 0) {
    if (page.type != type) {
      return refuse(call, Rule::kOneType, Errno::kEINVAL, "the frame has another type", frame);
    }
    if (type != PageType::kWritable && !page.validated) {
      return refuse(call, Rule::kOneType, Errno::kEINVAL, "the frame is being validated", frame);
    }
    ++page.type_count;  // cannot pass the limit: it is not above total_count, which was checked
    return Errno::kOk;
  }
  // The type is set before anything is read, so that no entry met on the way can use the frame as
  // something else; and the flush comes before that, so that no processor still writes it.
  page.type = type;
  page.type_count = 1;
  if (page.last_type != PageType::kNone && page.last_type != type) {
    tlb_.flush_older_than(call.counters, page.tlb_stamp);
  }
  if (type == PageType::kWritable) return Errno::kOk;
  const Errno error = validate(call, frame, type);
  if (error == Errno::kOk) return Errno::kOk;
  page.type = PageType::kNone;
  page.type_count = 0;
  return error;
}

void TypeKeeper::put_type(MmuCounters& counters, Mfn frame) {
  PageInfo& page = frames_.at(frame);
  if (--page.type_count != 0) return;
  const PageType type = page.type;
  if (type != PageType::kWritable) tear_down(counters, frame, type);
  page.last_type = type;
  page.type = PageType::kNone;
  page.tlb_stamp = tlb_.stamp();
}

// An L1 entry's reference. Errors are those of Xen: EPERM beyond memory, EBUSY where the frame
// belongs to somebody else or is in use as what must not be written.
Errno TypeKeeper::get_leaf(Call& call, L1Pte entry) {
  const Mfn frame = entry.frame();
  PageInfo* page = frames_.find_guest(frame);
  if (page == nullptr) {
    if (!frames_.contains(frame)) {
      return refuse(call, Rule::kEntryTarget, Errno::kEPERM, "the frame does not exist", frame);
    }
    return refuse(call, Rule::kEntryBits, Errno::kEBUSY, "the frame is the hypervisor's", frame);
  }
  if (page->total_count >= count_limit_) {
    return refuse(call, Rule::kCounts, Errno::kEBUSY, "the frame is used too often", frame);
  }
  if (entry.writable()) {
    if (page->type_count != 0 && page->type != PageType::kWritable) {
      return refuse(call, Rule::kNoWritableTable, Errno::kEBUSY,
                    "a writable mapping of a frame that must not be written", frame);
    }
    if (get_type(call, frame, PageType::kWritable) != Errno::kOk) {
      call.refusal.error = Errno::kEBUSY;
      return Errno::kEBUSY;
    }
  }
  ++page->total_count;
  return Errno::kOk;
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
  if (!used.validated || holder.linear_count < 0 || used.linear_count > 0) {
    return refuse(call, Rule::kEntryTarget, Errno::kEINVAL,
                  "same-level entries may be one deep, and name validated tables", frame);
  }
  if (holder.linear_count == kLinearCountLimit || used.linear_count == -kLinearCountLimit ||
      used.total_count >= count_limit_) {
    return refuse(call, Rule::kCounts, Errno::kEINVAL, "the frame is used too often", frame);
  }
  ++holder.linear_count;
  --used.linear_count;
  ++used.type_count;
  ++used.total_count;
  return Errno::kOk;
}

template <PtLevel L>
Errno TypeKeeper::get_from_entry(Call& call, Pte<L> entry, Mfn table, unsigned slot) {
  Errno error;
  if (has_refused_bits(entry)) {
    error =
        refuse(call, Rule::kEntryBits, Errno::kEINVAL, "the entry has bits that are not allowed");
  } else if constexpr (L == PtLevel::kL1) {
    error = get_leaf(call, entry);
  } else {
    const PageInfo* page = frames_.find_guest(entry.frame());
    if (page != nullptr && page->type == table_type(L)) {
      error = get_same_level(call, entry, table);
    } else {
      error = get_page_and_type(call, entry.frame(), table_type(level_below(L)));
    }
  }
  if (error != Errno::kOk) note_entry(call.refusal, L, table, slot, entry.raw());
  return error;
}

template <PtLevel L>
void TypeKeeper::put_from_entry(MmuCounters& counters, Pte<L> entry, Mfn table) {
  const Mfn frame = entry.frame();
  PageInfo& page = frames_.at(frame);
  if constexpr (L == PtLevel::kL1) {
    if (entry.writable()) put_type(counters, frame);
    --page.total_count;
  } else {
    if (frame == table) return;
    if (page.type == table_type(L)) {
      --frames_.at(table).linear_count;
      ++page.linear_count;
    }
    put_page_and_type(counters, frame);
  }
}

template Errno TypeKeeper::get_from_entry(Call&, L1Pte, Mfn, unsigned);
template Errno TypeKeeper::get_from_entry(Call&, L2Pte, Mfn, unsigned);
template Errno TypeKeeper::get_from_entry(Call&, L3Pte, Mfn, unsigned);
template Errno TypeKeeper::get_from_entry(Call&, L4Pte, Mfn, unsigned);
template void TypeKeeper::put_from_entry(MmuCounters&, L1Pte, Mfn);
template void TypeKeeper::put_from_entry(MmuCounters&, L2Pte, Mfn);
template void TypeKeeper::put_from_entry(MmuCounters&, L3Pte, Mfn);
template void TypeKeeper::put_from_entry(MmuCounters&, L4Pte, Mfn);

}  // namespace pvmmu
