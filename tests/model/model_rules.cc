// Which references may be taken, and what follows from an accepted request.
#include <cstdlib>

#include "base/pte.h"
#include "reference_model.h"

namespace pvmmu::model {

namespace {

constexpr uint64_t kBit62 = uint64_t{1} << 62;

uint64_t frame_of(uint64_t entry) {
  return (entry & kPteFrameMask) >> kPageShift;
}

PageType type_of_level(unsigned level) {
  return table_type(static_cast<PtLevel>(level));
}

unsigned level_of(PageType type) {
  return level_number(table_level(type));
}

// No device memory and no superpages here; GLOBAL is dropped in an L1 entry and refused above.
bool has_forbidden_bits(unsigned level, uint64_t entry) {
  const uint64_t everywhere = kPteWriteThrough | kPteCacheDisable | kPtePageSize;
  return (entry & (everywhere | (level == 1 ? kBit62 : kPteGlobal))) != 0;
}

uint64_t as_stored(unsigned level, uint64_t entry) {
  if ((entry & kPtePresent) == 0) return entry;
  entry |= kPteUser;
  return level == 1 ? entry & ~kPteGlobal : entry;
}

bool same_reference(uint64_t a, uint64_t b) {
  constexpr uint64_t kWhatCounts = kPtePresent | kPteWritable | kPteFrameMask;
  return (a & kWhatCounts) == (b & kWhatCounts);
}

// Code and data segments, for DPL 3; an empty type fills wide descriptors.
bool descriptor_allowed(uint64_t descriptor) {
  const bool present = descriptor >> 47 & 1;
  const uint64_t system_type = descriptor >> 40 & 0xf;
  const bool code_or_data = descriptor >> 44 & 1;
  return !present || code_or_data || system_type == 0;
}

}  // namespace

uint64_t stored_descriptor(uint64_t descriptor, bool& allowed) {
  allowed = descriptor_allowed(descriptor);
  return descriptor >> 47 & 1 ? descriptor | uint64_t{3} << 45 : descriptor;
}

ReferenceModel::Verdict ReferenceModel::take(Books& books, uint64_t frame, PageType type) const {
  if (!is_guest_frame(frame)) return {Errno::kEINVAL, Rule::kEntryTarget};
  Usage& usage = books[frame];
  if (usage.total >= count_limit_) return {Errno::kEINVAL, Rule::kCounts};
  if (usage.typed != 0 && usage.type != type) return {Errno::kEINVAL, Rule::kOneType};
  if (usage.typed >= count_limit_) return {Errno::kEINVAL, Rule::kCounts};
  ++usage.total;
  if (usage.typed++ != 0) return {};
  usage.type = type;
  return take_contents(books, frame, type);
}

ReferenceModel::Verdict ReferenceModel::take_contents(Books& books, uint64_t frame,
                                                      PageType type) const {
  for (const unsigned slot : used_slots_) {
    const uint64_t value = word(frame, slot);
    Verdict verdict;
    if (type == PageType::kSegDesc) {
      if (!descriptor_allowed(value)) verdict = {Errno::kEINVAL, Rule::kEntryBits};
    } else if (is_table(type) && (value & kPtePresent) != 0) {
      const unsigned level = level_of(type);
      if (level == 4 && is_hypervisor_slot_of_l4(slot)) continue;
      verdict = take_entry(books, level, value, frame);
    }
    if (!verdict.ok()) return verdict;
  }
  return {};
}

ReferenceModel::Verdict ReferenceModel::take_entry(Books& books, unsigned level, uint64_t entry,
                                                   uint64_t table) const {
  if (has_forbidden_bits(level, entry)) return {Errno::kEINVAL, Rule::kEntryBits};
  if (level == 1) return take_leaf(books, entry);
  const uint64_t frame = frame_of(entry);
  if (is_guest_frame(frame) && books[frame].type == type_of_level(level)) {
    return take_same_level(books, entry, table);
  }
  return take(books, frame, type_of_level(level - 1));
}

ReferenceModel::Verdict ReferenceModel::take_leaf(Books& books, uint64_t entry) const {
  const uint64_t frame = frame_of(entry);
  if (!exists(frame)) return {Errno::kEPERM, Rule::kEntryTarget};
  if (!is_guest_frame(frame)) return {Errno::kEBUSY, Rule::kEntryBits};
  Usage& usage = books[frame];
  if (usage.total >= count_limit_) return {Errno::kEBUSY, Rule::kCounts};
  if ((entry & kPteWritable) != 0) {
    if (usage.typed != 0 && usage.type != PageType::kWritable) {
      return {Errno::kEBUSY, Rule::kNoWritableTable};
    }
    if (usage.typed >= count_limit_) return {Errno::kEBUSY, Rule::kCounts};
    usage.type = PageType::kWritable;
    ++usage.typed;
  }
  ++usage.total;
  return {};
}

// Read-only, to a table that is valid already, and one deep: a table that holds same-level entries
// is named by none. Its own name in it counts nowhere.
ReferenceModel::Verdict ReferenceModel::take_same_level(Books& books, uint64_t entry,
                                                        uint64_t table) const {
  const uint64_t frame = frame_of(entry);
  if ((entry & kPteWritable) != 0) return {Errno::kEINVAL, Rule::kNoWritableTable};
  if (frame == table) return {};
  Usage& holder = books[table];
  Usage& named = books[frame];
  if (holder.same_level_named != 0 || named.same_level_held != 0) {
    return {Errno::kEINVAL, Rule::kEntryTarget};
  }
  if (named.typed >= count_limit_ || named.total >= count_limit_) {
    return {Errno::kEINVAL, Rule::kCounts};
  }
  ++holder.same_level_held;
  ++named.same_level_named;
  ++named.typed;
  ++named.total;
  return {};
}

ReferenceModel::Verdict ReferenceModel::can_write(uint64_t frame) const {
  Books books = books_;
  return take(books, frame, PageType::kWritable);
}

// An entry of a validated table becomes what `compute` says.
ReferenceModel::Verdict ReferenceModel::change_entry(uint64_t table, unsigned slot,
                                                     const Compute& compute, uint64_t& old_value) {
  const unsigned level = level_of(books_[table].type);
  if (level == 4 && is_hypervisor_slot_of_l4(slot)) return {Errno::kEINVAL, Rule::kEntryBits};
  while (true) {
    old_value = word(table, slot);
    const std::optional<uint64_t> wanted = compute(old_value);
    if (!wanted) return {};
    const uint64_t stored = as_stored(level, *wanted);
    Books books = books_;
    if ((stored & kPtePresent) != 0) {
      if (has_forbidden_bits(level, *wanted)) return {Errno::kEINVAL, Rule::kEntryBits};
      if (!same_reference(old_value, stored)) {
        const Verdict verdict = take_entry(books, level, *wanted, table);
        if (!verdict.ok()) return verdict;
      }
    }
    if (race_at(table, slot)) continue;
    set_word(table, slot, stored);
    accept(books);
    return {};
  }
}

// The books with the new references stand: new tables get the form that tables have, and all counts
// are derived again, without what was given back.
void ReferenceModel::accept(const Books& books) {
  for (uint64_t frame = 0; frame < kFrames; ++frame) {
    const PageType type = books[frame].type;
    if (type == books_[frame].type) continue;
    for (const unsigned slot : used_slots_) {
      const uint64_t value = word(frame, slot);
      bool allowed = true;
      if (is_table(type)) set_word(frame, slot, as_stored(level_of(type), value));
      if (type == PageType::kSegDesc) set_word(frame, slot, stored_descriptor(value, allowed));
    }
    if (type != PageType::kL4) continue;
    for (unsigned slot = 256; slot <= 271; ++slot) set_word(frame, slot, hypervisor_entry(slot));
  }
  books_ = books;
  derive_books();
}

void ReferenceModel::derive_books() {
  Books fresh{};
  for (uint64_t frame = 0; frame < kFrames; ++frame) {
    if (frame == kSharedFrame) use(fresh, frame, PageType::kWritable);
    if (pins_.contains(frame)) use(fresh, frame, books_[frame].type);
    for (uint64_t i = 0; i < writable_references_[frame]; ++i) {
      use(fresh, frame, PageType::kWritable);
    }
    for (uint64_t i = 0; i < descriptor_references_[frame]; ++i) {
      use(fresh, frame, PageType::kSegDesc);
    }
  }
  for (const Roots& roots : roots_) {
    if (roots.kernel) use(fresh, *roots.kernel, PageType::kL4);
    if (roots.user) use(fresh, *roots.user, PageType::kL4);
  }
  const Books before = books_;
  books_ = fresh;
  for (uint64_t frame = 0; frame < kFrames; ++frame) {
    if (before[frame].type != PageType::kL4 || fresh[frame].type == PageType::kL4) continue;
    for (unsigned slot = 256; slot <= 271; ++slot) set_word(frame, slot, 0);
  }
}

void ReferenceModel::use(Books& books, uint64_t frame, PageType type) const {
  Usage& usage = books[frame];
  // Accepted requests cannot lead here with two types; if they do, the model itself is wrong.
  if (usage.typed != 0 && usage.type != type) std::abort();
  usage.type = type;
  ++usage.total;
  if (usage.typed++ == 0 && is_table(type)) scan(books, frame);
}

void ReferenceModel::scan(Books& books, uint64_t table) const {
  const unsigned level = level_of(books[table].type);
  for (const unsigned slot : used_slots_) {
    const uint64_t entry = word(table, slot);
    if ((entry & kPtePresent) == 0) continue;
    if (level == 4 && is_hypervisor_slot_of_l4(slot)) continue;
    const uint64_t frame = frame_of(entry);
    if (level == 1) {
      if ((entry & kPteWritable) != 0) {
        use(books, frame, PageType::kWritable);
      } else {
        ++books[frame].total;
      }
    } else if (frame == table) {
      continue;
    } else if (books_[frame].type == type_of_level(level)) {
      ++books[table].same_level_held;
      ++books[frame].same_level_named;
      use(books, frame, type_of_level(level));
    } else {
      use(books, frame, type_of_level(level - 1));
    }
  }
}

}  // namespace pvmmu::model
