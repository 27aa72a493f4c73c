// The page tables that a domain starts on.
#pragma once

#include <vector>

#include "domain/domain_builder.h"
#include "domain/domain_layout.h"

namespace vmm {

// Writes the tables of layout.table_set into layout.tables: the root in the first page, then L3, L2
// and L1 tables. Every entry is present, user, accessed; pages of layout.tables are mapped
// read-only. Returns the frames of the tables, the root first.
std::vector<pvmmu::Mfn> write_initial_tables(const DomainLayout& layout, DomainMemory& memory);

}  // namespace vmm
