#include "lazy_lab/bench.h"

#include "arch/memory.h"
#include "console.h"
#include "mm/mm.h"
#include "mm/pv/call_batch.h"
#include "mm/pv/entry_memory.h"
#include "panic.h"

namespace kernel::lazy_lab {
namespace {

constexpr uint64_t kWriteFault = 2;
constexpr unsigned kMostFindings = 8;

constinit const char* findings[kMostFindings] = {};
constinit unsigned finding_count = 0;

Page& take_page() {
  Page* page = alloc_zeroed_frame();
  kernel_assert(page != nullptr, "no page for the laboratory");
  return *page;
}

uint64_t address_in_map(const Page& page) {
  return linear_address(address_of(page));
}

}  // namespace

void found(const char* what) {
  for (unsigned i = 0; i < finding_count; ++i) {
    if (findings[i] == what) {  // a literal each
      return;
    }
  }
  kernel_assert(finding_count < kMostFindings, "more findings than were thought of");
  findings[finding_count++] = what;
  console_print("lazy lab: found: %s\n", what);
}

bool found_any() {
  return finding_count != 0;
}

SparePage::SparePage() : page_(take_page()) {}

SparePage::~SparePage() {
  give_back();
  pv_this_vcpu().queue.flush(multicall::FlushReason::kExplicit);
  free_frame(page_);
}

void SparePage::change() {
  CallBatch batch;
  batch.protect_direct_map(page_, false);
}

bool SparePage::is_changed() const {
  return !kernel_fault_is_spurious(address_in_map(page_), kWriteFault);
}

void SparePage::must_be_changed(const char* otherwise) const {
  if (!is_changed()) {
    found(otherwise);
  }
}

void SparePage::take_away() {
  mm_unmap_kernel_pages(static_cast<const std::byte*>(address_of(page_)), 0, 1);
}

void SparePage::give_back() {
  CallBatch batch;
  batch.protect_direct_map(page_, true);
}

void SparePage::touch() {
  entry_store(static_cast<uint64_t*>(address_of(page_)), 1);
}

bool SparePage::contains(uint64_t address) const {
  return (address & pvmmu::kPageMask) == address_in_map(page_);
}

}  // namespace kernel::lazy_lab
