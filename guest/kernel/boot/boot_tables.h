// The page tables that the domain was started on, and changing their entries.
#pragma once

#include <stdint.h>

#include "abi/xen.h"
#include "base/frame.h"
#include "base/linear_addr.h"

namespace kernel {

// Finds leaves in the boot tables, which are mapped in the boot region.
class BootTables {
 public:
  explicit BootTables(pvmmu::Pfn root) : root_(root) {}
  pvmmu::Pfn root() const { return root_; }
  // The machine address of the entry that maps the page, 0 if a table is missing.
  pvmmu::Maddr leaf_place(pvmmu::LinearAddr address) const;
  // The entry itself; 0 if there is none.
  uint64_t leaf(pvmmu::LinearAddr address) const;

 private:
  pvmmu::Pfn root_;
};

// Collects changes of entries and makes them in few hypercalls. A refusal panics. Everything has
// been made after flush().
class EntryWriter {
 public:
  EntryWriter() = default;
  ~EntryWriter() { flush(); }
  EntryWriter(const EntryWriter&) = delete;
  EntryWriter& operator=(const EntryWriter&) = delete;

  void set(pvmmu::Maddr entry, uint64_t value);
  void flush();

 private:
  static constexpr unsigned kCapacity = 128;
  mmu_update_t requests_[kCapacity];
  unsigned count_ = 0;
};

}  // namespace kernel
