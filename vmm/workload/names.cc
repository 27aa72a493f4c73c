#include "workload/names.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/frame.h"

namespace vmm {
namespace {

constexpr uint64_t kTableSpan = uint64_t{2} << 20;  // of one L1 table
constexpr uint64_t kMaxRegionPages = uint64_t{1} << 24;

}  // namespace

const Region* Names::find_region(absl::string_view name) const {
  const auto found = regions_.find(name);
  return found == regions_.end() ? nullptr : &found->second;
}

const Register* Names::find_variable(absl::string_view name) const {
  const auto found = std::ranges::find(variables_, name, &Variable::name);
  return found == variables_.end() ? nullptr : &found->where;
}

bool Names::defined(absl::string_view name) const {
  return find_region(name) != nullptr || find_variable(name) != nullptr;
}

std::string Names::add_region(const std::string& name, uint64_t pages, const std::string& after) {
  if (pages == 0 || pages > kMaxRegionPages) {
    return absl::StrCat("a region has 1 to ", kMaxRegionPages, " pages");
  }
  Region region;
  region.pages = pages;
  if (after.empty()) {
    const uint64_t start = std::max(next_address_, guest_abi::kArenaBase);
    region.address = (start + kTableSpan - 1) / kTableSpan * kTableSpan;
  } else {
    const auto neighbour = regions_.find(after);
    if (neighbour == regions_.end()) {
      return absl::StrCat("there is no region '", after, "'");
    }
    if (neighbour->second.followed) {
      return absl::StrCat("another region follows '", after, "' already");
    }
    region.address = neighbour->second.address + neighbour->second.pages * pvmmu::kPageSize;
    if (region.address + kTableSpan < next_address_) {
      return absl::StrCat("'", after, "' is not the last region so far");
    }
    neighbour->second.followed = true;
  }
  // A gap keeps neighbours that were not asked for apart.
  const uint64_t end = region.address + pages * pvmmu::kPageSize;
  next_address_ = end + kTableSpan;
  if (end > guest_abi::kArenaLimit) {
    return "the regions do not fit the address space";
  }
  regions_.emplace(name, region);
  return "";
}

}  // namespace vmm
