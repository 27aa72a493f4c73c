#include "domain/domain_layout.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace vmm {
namespace {

using pvmmu::kPageSize;
using pvmmu::LinearAddr;
using pvmmu::PtLevel;

// [xen/public/xen.h: start-of-day memory layout, items 6 and 7]
constexpr uint64_t kRegionAlignment = uint64_t{4} << 20;
constexpr uint64_t kRegionSpare = uint64_t{512} << 10;
constexpr uint64_t kHypervisorStart = 0xffff'8000'0000'0000;  // L4 slots 256..271
constexpr uint64_t kHypervisorEnd = 0xffff'8800'0000'0000;

constexpr uint64_t pages_of(uint64_t bytes) {
  return (bytes + kPageSize - 1) / kPageSize;
}

// What one table of the level covers, as a shift.
constexpr unsigned table_shift(PtLevel level) {
  return pvmmu::level_shift(level) + 9;
}

// Hands out pages from low to high.
class PageCursor {
 public:
  PfnRange take(uint64_t count) {
    const PfnRange range{pvmmu::Pfn(next_), count};
    next_ += count;
    return range;
  }
  uint64_t next() const { return next_; }
  void move_to(uint64_t pfn) { next_ = pfn; }

 private:
  uint64_t next_ = 0;
};

// In the guest's part of the address space, wholly on one side of the canonical hole?
bool mappable(LinearRange range) {
  if (range.page_count == 0) return true;
  const uint64_t first = range.first.raw();
  const uint64_t last = first + (range.page_count * kPageSize - 1);
  if (last < first || !range.first.canonical() || !LinearAddr(last).canonical()) return false;
  if (first >> 63 != last >> 63) return false;
  return last < kHypervisorStart || first >= kHypervisorEnd;
}

bool overlap(LinearRange left, LinearRange right) {
  const uint64_t left_last = left.first.raw() + left.page_count * kPageSize - 1;
  const uint64_t right_last = right.first.raw() + right.page_count * kPageSize - 1;
  return left.page_count != 0 && right.page_count != 0 && left.first.raw() <= right_last &&
         right.first.raw() <= left_last;
}

// The layout for a given number of page tables; the region grows with them.
DomainLayout lay_out(const GuestImage& image, uint64_t page_count, uint64_t module_size,
                     uint64_t table_count) {
  DomainLayout layout;
  PageCursor cursor;
  const uint64_t list_pages = pages_of(page_count * sizeof(uint64_t));
  layout.kernel = cursor.take(pages_of(image.end.raw()));
  if (!image.module_by_frame) layout.module = cursor.take(pages_of(module_size));
  if (!image.p2m_base) layout.p2m_list = cursor.take(list_pages);
  layout.start_info = cursor.take(1);
  layout.store = cursor.take(1);
  layout.console = cursor.take(1);
  layout.tables = cursor.take(table_count);
  layout.stack = cursor.take(1);

  const uint64_t needed = cursor.next() * kPageSize + kRegionSpare;
  const uint64_t end = image.virtual_base.raw() + needed;
  const uint64_t padded = (end + kRegionAlignment - 1) & ~(kRegionAlignment - 1);
  layout.mapped = {image.virtual_base, (padded - image.virtual_base.raw()) / kPageSize};
  cursor.move_to(layout.mapped.page_count);
  if (image.module_by_frame) layout.module = cursor.take(pages_of(module_size));
  if (image.p2m_base) {
    layout.p2m_list = cursor.take(list_pages);
    layout.separate_p2m = {*image.p2m_base, list_pages};
  }
  layout.table_set.add(layout.mapped);
  layout.table_set.add(layout.separate_p2m);
  return layout;
}

uint64_t last_page(const DomainLayout& layout) {
  uint64_t end = layout.mapped.page_count;
  for (const PfnRange& range : {layout.module, layout.p2m_list}) {
    if (range.count != 0) end = std::max(end, range.first.raw() + range.count);
  }
  return end;
}

absl::Status check_layout(const GuestImage& image, const DomainLayout& layout,
                          uint64_t page_count) {
  if (last_page(layout) > page_count) {
    const uint64_t needed = (last_page(layout) * kPageSize + 0xfffff) >> 20;
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: too little memory: the guest needs at least %u MiB, the domain has %u",
                        image.name, needed, page_count * kPageSize >> 20));
  }
  if (!mappable(layout.mapped)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: the VIRT_BASE 0x%x leads into addresses that no guest may use",
                        image.name, image.virtual_base.raw()));
  }
  if (!mappable(layout.separate_p2m) || overlap(layout.mapped, layout.separate_p2m)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: the INIT_P2M 0x%x leads into addresses that are taken", image.name,
                        layout.separate_p2m.first.raw()));
  }
  return absl::OkStatus();
}

}  // namespace

void TableSet::add(LinearRange range) {
  if (range.page_count == 0) return;
  const uint64_t first = range.first.raw();
  const uint64_t last = first + (range.page_count * kPageSize - 1);
  for (const PtLevel level : {PtLevel::kL1, PtLevel::kL2, PtLevel::kL3}) {
    const unsigned shift = table_shift(level);
    for (uint64_t table = first >> shift; table <= last >> shift; ++table) {
      tables_[pvmmu::level_number(level) - 1].insert(table);
    }
  }
}

uint64_t TableSet::count() const {
  return 1 + tables_[0].size() + tables_[1].size() + tables_[2].size();
}

const std::set<uint64_t>& TableSet::tables(PtLevel level) const {
  return tables_[pvmmu::level_number(level) - 1];
}

absl::StatusOr<DomainLayout> plan_domain(const GuestImage& image, uint64_t page_count,
                                         uint64_t module_size) {
  const uint64_t kernel_pages = pages_of(image.end.raw());
  if (kernel_pages > page_count || pages_of(module_size) > page_count) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: too little memory: kernel and module need %u MiB, the domain has %u", image.name,
        ((kernel_pages + pages_of(module_size)) * kPageSize + 0xfffff) >> 20,
        page_count * kPageSize >> 20));
  }
  // More tables can need a larger region and so more tables; both only grow.
  uint64_t table_count = 0;
  for (;;) {
    DomainLayout layout = lay_out(image, page_count, module_size, table_count);
    if (absl::Status status = check_layout(image, layout, page_count); !status.ok()) return status;
    if (layout.table_set.count() <= table_count) return layout;
    table_count = layout.table_set.count();
  }
}

}  // namespace vmm
