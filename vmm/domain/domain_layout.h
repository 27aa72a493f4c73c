// Which page of the domain holds what at the start of day, and how many page tables that takes.
// Arithmetic only; touches no memory.
#pragma once

#include <cstdint>
#include <set>

#include "absl/status/statusor.h"
#include "base/level.h"
#include "base/linear_addr.h"
#include "domain/domain_builder.h"
#include "domain/guest_image.h"

namespace vmm {

// The linear range [first, first + page_count * 4096).
struct LinearRange {
  pvmmu::LinearAddr first;
  uint64_t page_count = 0;
};

// The tables needed to map some ranges: for each level, the indices (address >> what one table of
// that level covers) of its tables. The root is always one.
class TableSet {
 public:
  void add(LinearRange range);
  uint64_t count() const;
  const std::set<uint64_t>& tables(pvmmu::PtLevel level) const;  // L1..L3

 private:
  std::set<uint64_t> tables_[3];
};

struct DomainLayout {
  PfnRange kernel;  // from pfn 0 to the end of the image
  PfnRange module;
  PfnRange p2m_list;
  PfnRange start_info, store, console;
  PfnRange tables;
  PfnRange stack;
  LinearRange mapped;        // the region, from virtual_base on
  LinearRange separate_p2m;  // page_count 0 if the list is inside the region
  TableSet table_set;
};

// InvalidArgument: does not fit into page_count pages, or not into the guest's part of the address
// space.
absl::StatusOr<DomainLayout> plan_domain(const GuestImage& image, uint64_t page_count,
                                         uint64_t module_size);

}  // namespace vmm
