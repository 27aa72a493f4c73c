#include "domain/initial_tables.h"

#include <cstring>
#include <map>

#include "base/pte.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::Pfn;
using pvmmu::PtLevel;

// Accessed and Dirty are set ahead: nobody tracks them in start-of-day entries, and processors then
// need not write them.
constexpr uint64_t kReadOnlyFlags = pvmmu::kPtePresent | pvmmu::kPteUser | pvmmu::kPteAccessed;
constexpr uint64_t kWritableFlags = kReadOnlyFlags | pvmmu::kPteWritable | pvmmu::kPteDirty;

class TableWriter {
 public:
  TableWriter(const DomainLayout& layout, DomainMemory& memory)
      : layout_(layout), memory_(memory) {}

  std::vector<Mfn> write() {
    allot_tables();
    link_tables(PtLevel::kL3);
    link_tables(PtLevel::kL2);
    link_tables(PtLevel::kL1);
    map(layout_.mapped, Pfn(0));
    map(layout_.separate_p2m, layout_.p2m_list.first);
    return frames_;
  }

 private:
  static LinearAddr first_address(PtLevel level, uint64_t table) {
    const uint64_t address = table << (pvmmu::level_shift(level) + 9);
    return LinearAddr(address);
  }
  static uint64_t table_index(PtLevel level, LinearAddr address) {
    return address.raw() >> (pvmmu::level_shift(level) + 9);
  }

  // Frames in the order of the page range: root, L3, L2, L1.
  void allot_tables() {
    uint64_t pfn = layout_.tables.first.raw();
    const auto take = [&] {
      frames_.push_back(memory_.frames()[pfn++]);
      return frames_.back();
    };
    root_ = take();
    for (const PtLevel level : {PtLevel::kL3, PtLevel::kL2, PtLevel::kL1}) {
      for (const uint64_t table : layout_.table_set.tables(level)) {
        tables_[level][table] = take();
      }
    }
  }

  Mfn table_for(PtLevel level, LinearAddr address) const {
    if (level == PtLevel::kL4) return root_;
    return tables_.at(level).at(table_index(level, address));
  }

  void write_entry(PtLevel level, LinearAddr address, Mfn target, uint64_t flags) {
    std::byte* table = memory_.frame(table_for(level, address));
    const uint64_t entry = (target.raw() << pvmmu::kPageShift) | flags;
    std::memcpy(table + address.index(level) * sizeof entry, &entry, sizeof entry);
  }

  void link_tables(PtLevel level) {
    const PtLevel above = static_cast<PtLevel>(pvmmu::level_number(level) + 1);
    for (const auto& [table, frame] : tables_[level]) {
      write_entry(above, first_address(level, table), frame, kWritableFlags);
    }
  }

  void map(LinearRange range, Pfn first) {
    for (uint64_t page = 0; page < range.page_count; ++page) {
      const uint64_t pfn = first.raw() + page;
      const uint64_t table_offset = pfn - layout_.tables.first.raw();
      const bool is_table = table_offset < layout_.tables.count;
      write_entry(PtLevel::kL1, range.first + page * pvmmu::kPageSize, memory_.frames()[pfn],
                  is_table ? kReadOnlyFlags : kWritableFlags);
    }
  }

  const DomainLayout& layout_;
  DomainMemory& memory_;
  Mfn root_;
  std::map<PtLevel, std::map<uint64_t, Mfn>> tables_;
  std::vector<Mfn> frames_;
};

}  // namespace

std::vector<Mfn> write_initial_tables(const DomainLayout& layout, DomainMemory& memory) {
  return TableWriter(layout, memory).write();
}

}  // namespace vmm
