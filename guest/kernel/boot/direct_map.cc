#include "boot/direct_map.h"

#include <initializer_list>

#include "arch/boot.h"
#include "arch/memory.h"
#include "base/pte.h"
#include "boot/boot_tables.h"
#include "panic.h"

namespace kernel {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Pfn;
using pvmmu::PtLevel;

// A and D are set beforehand: nobody looks at them, and setting them costs a processor time.
constexpr uint64_t kTableFlags =
    pvmmu::kPtePresent | pvmmu::kPteWritable | pvmmu::kPteUser | pvmmu::kPteAccessed;
constexpr uint64_t kReadOnlyFlags =
    pvmmu::kPtePresent | pvmmu::kPteUser | pvmmu::kPteAccessedDirty | pvmmu::kPteNoExecute;
constexpr uint64_t kDataFlags = kReadOnlyFlags | pvmmu::kPteWritable;
constexpr uint64_t kCodeFlags = kReadOnlyFlags & ~pvmmu::kPteNoExecute;

uint64_t entry_for(Pfn frame, uint64_t flags) {
  return pvmmu::L1Pte(mfn_from_pfn(frame), flags).raw();
}

LinearAddr boot_linear(Pfn frame) {
  return LinearAddr(boot_linear_address(frame));
}

class DirectMapBuilder {
 public:
  explicit DirectMapBuilder(const BootMemory& boot)
      : boot_(boot), tables_(boot.tables), next_(boot.used_end) {
    const uint64_t l1_count = divide_up(boot.frame_total);
    const uint64_t l2_count = divide_up(l1_count);
    kernel_assert(l2_count <= pvmmu::kEntriesPerTable, "more memory than one L3 table maps");
    // Which frames become tables must be known before the first entry that maps one is written.
    tables_end_ = after(next_, l1_count + l2_count + 1);
  }

  Pfn build() {
    const Pfn l3 = take_table();
    Pfn l2;
    for (uint64_t first = 0; first < boot_.frame_total; first += pvmmu::kEntriesPerTable) {
      const unsigned l2_index = LinearAddr(first << pvmmu::kPageShift).index(PtLevel::kL2);
      const unsigned l3_index = LinearAddr(first << pvmmu::kPageShift).index(PtLevel::kL3);
      if (l2_index == 0) {
        l2 = take_table();
        link(l3, l3_index, l2);
      }
      const Pfn l1 = take_table();
      fill(l1, Pfn(first));
      link(l2, l2_index, l1);
      // From the frames mapped so far on the direct map itself must give room for tables.
      if (!linked_ && !in_boot_region(next_)) {
        link_to_root(l3);
      }
    }
    if (!linked_) {
      link_to_root(l3);
    }
    return tables_end_;
  }

 private:
  static uint64_t divide_up(uint64_t count) {
    return (count + pvmmu::kEntriesPerTable - 1) / pvmmu::kEntriesPerTable;
  }
  bool in_boot_region(Pfn frame) const { return frame < boot_.mapped_end; }

  // The frame behind `count` frames from `frame` on, not counting the module's.
  Pfn after(Pfn frame, uint64_t count) const {
    for (; count > 0; --count) {
      frame = skip_module(frame) + 1;
    }
    return skip_module(frame);
  }
  Pfn skip_module(Pfn frame) const {
    return boot_.in_module(frame) ? boot_.module + boot_.module_pages : frame;
  }

  uint64_t* entries_of(Pfn table) const {
    return static_cast<uint64_t*>(in_boot_region(table) ? boot_address(table)
                                                        : frame_address(table));
  }

  Pfn take_table() {
    const Pfn table = next_;
    kernel_assert(table < tables_end_, "more tables for the direct map than counted");
    kernel_assert(in_boot_region(table) || table < mapped_end_, "no mapped frame for a table");
    next_ = skip_module(table + 1);
    uint64_t* entries = entries_of(table);
    for (unsigned i = 0; i < pvmmu::kEntriesPerTable; ++i) {
      entries[i] = 0;
    }
    return table;
  }

  // Tables are read-only from the start where the direct map is not their only mapping.
  bool starts_read_only(Pfn frame) const {
    const bool boot_table = boot_.tables <= frame && frame < boot_.tables + boot_.table_count;
    const bool our_table = boot_.used_end <= frame && frame < tables_end_ &&
                           in_boot_region(frame) && !boot_.in_module(frame);
    const ImagePart part = image_part(boot_linear(frame).raw());
    return boot_table || our_table || part == ImagePart::kCode || part == ImagePart::kConstants;
  }

  void fill(Pfn table, Pfn first) {
    uint64_t* entries = entries_of(table);
    for (unsigned i = 0; i < pvmmu::kEntriesPerTable; ++i) {
      const Pfn frame = first + i;
      if (frame.raw() < boot_.frame_total) {
        entries[i] = entry_for(frame, starts_read_only(frame) ? kReadOnlyFlags : kDataFlags);
      }
    }
    if (!linked_) {
      mapped_end_ = first + pvmmu::kEntriesPerTable;
    } else {
      mapping_end_ = first + pvmmu::kEntriesPerTable;
    }
  }

  // By a plain store while the upper table is not linked itself. An L1 table is full by then.
  void link(Pfn upper, unsigned index, Pfn lower) {
    if (!linked_) {
      entries_of(upper)[index] = entry_for(lower, kTableFlags);
      return;
    }
    make_read_only(lower);
    writer_.set(pvmmu::Maddr(mfn_from_pfn(upper), index * sizeof(uint64_t)),
                entry_for(lower, kTableFlags));
    writer_.flush();
    mapped_end_ = mapping_end_;
  }

  void make_read_only(Pfn table) {
    const pvmmu::Maddr place =
        in_boot_region(table) ? tables_.leaf_place(boot_linear(table)) : direct_map_place(table);
    kernel_assert(place.raw() != 0, "a table is not mapped");
    writer_.set(place, entry_for(table, kReadOnlyFlags));
  }

  // The entry of the direct map for a frame; its tables are found through what is mapped.
  pvmmu::Maddr direct_map_place(Pfn frame) const {
    const LinearAddr linear(linear_address(frame_address(frame)));
    Pfn table = l3_;
    for (const PtLevel level : {PtLevel::kL3, PtLevel::kL2}) {
      table = pfn_from_mfn(pvmmu::L1Pte(entries_of(table)[linear.index(level)]).frame());
    }
    return {mfn_from_pfn(table), linear.index(PtLevel::kL1) * sizeof(uint64_t)};
  }

  void link_to_root(Pfn l3) {
    l3_ = l3;
    for (Pfn table = boot_.used_end; table < next_; table = skip_module(table + 1)) {
      make_read_only(table);
    }
    writer_.set(pvmmu::Maddr(mfn_from_pfn(tables_.root()),
                             LinearAddr(kDirectMapBase).index(PtLevel::kL4) * sizeof(uint64_t)),
                entry_for(l3, kTableFlags));
    writer_.flush();
    linked_ = true;
  }

  const BootMemory& boot_;
  BootTables tables_;
  EntryWriter writer_;
  Pfn next_;  // the next frame that becomes a table
  Pfn tables_end_;
  Pfn l3_;
  Pfn mapped_end_{0};   // frames below can be reached through the direct map
  Pfn mapping_end_{0};  // ... once the table that was filled last is linked
  bool linked_ = false;
};

// What is left of the boot region: the image with the right permissions, start-of-day pages.
void tidy_boot_region(const BootMemory& boot) {
  const BootTables tables(boot.tables);
  EntryWriter writer;
  for (Pfn frame(0); frame < boot.mapped_end; frame = frame + 1) {
    const LinearAddr linear = boot_linear(frame);
    const pvmmu::Maddr place = tables.leaf_place(linear);
    switch (image_part(linear.raw())) {
      case ImagePart::kOutside:
        // A frame that has another mapping could never become a page table.
        if (frame < boot.image || boot.used_end <= frame) {
          writer.set(place, 0);
        }
        break;
      case ImagePart::kCode:
        writer.set(place, entry_for(frame, kCodeFlags));
        break;
      case ImagePart::kConstants:
        writer.set(place, entry_for(frame, kReadOnlyFlags));
        break;
      case ImagePart::kData:
        // shared_info has taken the place of one of the image's pages.
        if (pvmmu::L1Pte(tables.leaf(linear)).frame() == mfn_from_pfn(frame)) {
          writer.set(place, entry_for(frame, kDataFlags));
        }
        break;
    }
  }
}

}  // namespace

BootMemory find_boot_memory(const start_info_t& start_info) {
  BootMemory boot;
  boot.frame_total = start_info.nr_pages;
  boot.image = pfn_of_boot_linear_address(image_start());
  boot.tables = pfn_of_boot_linear_address(start_info.pt_base);
  boot.table_count = start_info.nr_pt_frames;
  boot.used_end = boot.tables + boot.table_count + 1;
  const BootTables tables(boot.tables);
  boot.mapped_end = boot.used_end;
  while (boot.mapped_end.raw() < boot.frame_total &&
         (tables.leaf(boot_linear(boot.mapped_end)) & pvmmu::kPtePresent) != 0) {
    boot.mapped_end = boot.mapped_end + 1;
  }
  kernel_assert((start_info.flags & SIF_MOD_START_PFN) != 0 || start_info.mod_len == 0,
                "the boot module is not given by its frame");
  boot.module = Pfn(start_info.mod_start);
  boot.module_pages = (start_info.mod_len + pvmmu::kPageSize - 1) / pvmmu::kPageSize;
  return boot;
}

Pfn build_direct_map(const BootMemory& boot) {
  const Pfn end = DirectMapBuilder(boot).build();
  tidy_boot_region(boot);
  return end;
}

}  // namespace kernel
