// The recount: everything that PageInfo claims, counted again from the entries in memory.
//
// It starts from what keeps frames in use by itself (pins, base pointers, references of the VMM,
// loans, work in progress) and reads the tables from L4 down, each once. What it takes from the
// frame table is only who owns a frame, whether it is pinned and as what, how far it is validated,
// and, to tell a same-level entry from an ordinary one, the type of a table that an entry names; a
// wrong type there shows as a difference.
#include <utility>

#include "entry_bits.h"
#include "pvmmu/mmu.h"

namespace pvmmu {

namespace {

class Recount {
 public:
  Recount(Platform& platform, FrameTable& frames, AuditSink& sink)
      : platform_(platform), frames_(frames), sink_(sink), tallies_(sink.tallies(frames.size())) {}

  // False if the sink gave too little scratch space.
  bool start() {
    if (tallies_.size() < frames_.size()) return false;
    for (size_t i = 0; i < frames_.size(); ++i) tallies_[i] = AuditTally{};
    for (size_t i = 0; i < frames_.size(); ++i) count_standing_references(Mfn(i));
    return true;
  }

  // The frame must be in range.
  void use_as(Mfn frame, PageType type) {
    AuditTally& tally = tallies_[frame.raw()];
    ++tally.total_count;
    ++tally.type_count;
    if (tally.type == PageType::kNone) {
      tally.type = type;
      if (is_table(type)) tally.next_table = std::exchange(unread(type), frame);
    }
    if (tally.type != type) {
      report("used as two types", frame, static_cast<uint64_t>(tally.type),
             static_cast<uint64_t>(type));
    }
  }

  // What the device itself says that it has entries for.
  void count_device_entries() {
    for (const Mfn frame : platform_.device_frames()) {
      if (frames_.contains(frame)) {
        ++tallies_[frame.raw()].device_entries;
      } else {
        report("an entry of a device", frame, 0, 1);
      }
    }
  }

  void use_root(Mfn root) {
    // never: out of range; a base pointer is loaded only after the frame got its type.
    if (!frames_.contains(root)) return report("base pointer", root, 0, 0);
    use_as(root, PageType::kL4);
    if (!frames_.at(root).whole()) report("base pointer", root, 1, 0);
  }

  void read_tables() {
    read_level<PtLevel::kL4>();
    read_level<PtLevel::kL3>();
    read_level<PtLevel::kL2>();
    read_level<PtLevel::kL1>();
  }

  bool compare() {
    for (size_t i = 0; i < frames_.size(); ++i) compare_frame(Mfn(i));
    return agrees_;
  }

 private:
  void count_standing_references(Mfn frame) {
    const PageInfo& page = frames_.at(frame);
    if (page.pinned) use_as(frame, page.type);
    if (page.owner == FrameOwner::kShared) use_as(frame, PageType::kWritable);
    if (page.in_progress) use_as(frame, page.type);
    for (uint32_t i = 0; i < page.external_count; ++i) use_as(frame, page.type);
    if (page.pinned && !is_table(page.type)) report("pinned without being a table", frame, 1, 0);
    if (page.external_count != 0 && is_table(page.type)) {
      report("the VMM's reference on a table", frame, page.external_count, 0);
    }
  }

  // The first of the tables of a level that are still to be read.
  Mfn& unread(PageType table) { return unread_[level_number(table_level(table)) - 1]; }

  // A same-level entry can add a table to the level that is being read.
  template <PtLevel L>
  void read_level() {
    Mfn& first = unread(table_type(L));
    while (first != kInvalidMfn) {
      const Mfn table = std::exchange(first, tallies_[first.raw()].next_table);
      read_table<L>(table);
    }
  }

  template <PtLevel L>
  void read_table(Mfn table) {
    const PageInfo& page = frames_.at(table);
    const std::span<uint64_t> entries = std::span(entries_).first(page.validated_entries);
    platform_.read_entries(table, entries);
    for (unsigned slot = 0; slot < entries.size(); ++slot) {
      const Pte<L> entry(entries[slot]);
      at_ = WalkStep{table, slot, entry.raw()};
      if (is_hypervisor_slot(L, slot)) {
        if (!page.whole()) continue;
        const uint64_t wanted = platform_.hypervisor_slot_entry(slot);
        if (((entry.raw() ^ wanted) & ~kPteAccessedDirty) != 0) {
          report("a hypervisor slot", table, wanted, entry.raw());
        }
      } else if (entry.present()) {
        count_entry(entry, table);
      }
    }
    at_ = WalkStep{};
  }

  template <PtLevel L>
  void count_entry(Pte<L> entry, Mfn table) {
    const Mfn frame = entry.frame();
    const bool stored = frames_.at(table).whole();
    if (has_refused_bits(entry) || (stored && adjusted_entry(entry) != entry)) {
      report("bits of an entry", table, adjusted_entry(entry).raw(), entry.raw());
    }
    const PageInfo* page = frames_.find_guest(frame);
    if (page == nullptr) return report("an entry's frame is not the domain's", frame, 0, 0);
    if constexpr (L == PtLevel::kL1) {
      if (entry.writable()) return use_as(frame, PageType::kWritable);
      ++tallies_[frame.raw()].total_count;
    } else {
      const bool same_level = frame == table || page->type == table_type(L);
      if (stored && frame != table && !page->whole()) report("a table not whole", frame, 1, 0);
      if (!same_level) return use_as(frame, table_type(level_below(L)));
      if (entry.writable()) report("a writable same-level entry", frame, 0, entry.raw());
      if (frame == table) return;
      ++tallies_[table.raw()].linear_entries;
      ++tallies_[frame.raw()].linear_uses;
      use_as(frame, table_type(L));
    }
  }

  void compare_frame(Mfn frame) {
    const PageInfo& page = frames_.at(frame);
    const AuditTally& tally = tallies_[frame.raw()];
    check("type", frame, static_cast<uint64_t>(page.type), static_cast<uint64_t>(tally.type));
    check("type count", frame, page.type_count, tally.type_count);
    check("total count", frame, page.total_count, tally.total_count);
    check("references for a device", frame, page.device_count, tally.device_entries);
    if (page.device_count > page.external_count) {
      report("the VMM's references", frame, page.external_count, page.device_count);
    }
    check("same-level count", frame, static_cast<uint64_t>(int64_t{page.linear_count}),
          static_cast<uint64_t>(int64_t{tally.linear_entries} - tally.linear_uses));
    if (tally.linear_entries != 0 && tally.linear_uses != 0) {
      report("a chain of same-level entries", frame, 0, 1);
    }
    check_validation(frame, page);
  }

  // How far a frame has come goes with its type and with who holds on to it.
  void check_validation(Mfn frame, const PageInfo& page) {
    const bool table = is_table(page.type);
    const bool any = page.validation != Validation::kUnvalidated;
    if (any && !table && page.type != PageType::kSegDesc) report("validated", frame, 1, 0);
    if (!table || any) {
      check("validated entries", frame, page.validated_entries, table ? kEntriesPerTable : 0);
    } else if (!page.in_progress) {
      report("a table that nobody validates", frame, 1, 0);
    } else if (page.type_count != 1) {
      report("users of a table in progress", frame, page.type_count, 1);
    }
    if (page.in_progress && !table) report("in progress without being a table", frame, 1, 0);
  }

  void check(const char* what, Mfn frame, uint64_t believed, uint64_t counted) {
    if (believed != counted) report(what, frame, believed, counted);
  }

  void report(const char* what, Mfn frame, uint64_t believed, uint64_t counted) {
    agrees_ = false;
    AuditDifference found;
    found.frame = frame;
    found.what = what;
    found.believed = believed;
    found.counted = counted;
    if (frames_.contains(frame)) found.info = frames_.at(frame);
    found.table = at_.table;
    found.slot = at_.slot;
    found.entry = at_.entry;
    sink_.difference(found);
  }

  Platform& platform_;
  FrameTable& frames_;
  AuditSink& sink_;
  std::span<AuditTally> tallies_;
  WalkStep at_;  // the entry that is being read
  uint64_t entries_[kEntriesPerTable];
  Mfn unread_[level_number(PtLevel::kL4)];  // L1 first
  bool agrees_ = true;
};

}  // namespace

bool Mmu::audit(AuditSink& sink) {
  Recount recount(platform_, frames_, sink);
  if (!recount.start()) return false;
  for (unsigned vcpu = 0; vcpu < vcpu_count_; ++vcpu) {
    const Roots& roots = roots_[vcpu];
    for (const Mfn root : {roots.kernel, roots.user}) {
      if (root != kInvalidMfn) recount.use_root(root);
    }
  }
  recount.count_device_entries();
  recount.read_tables();
  return recount.compare();
}

}  // namespace pvmmu
