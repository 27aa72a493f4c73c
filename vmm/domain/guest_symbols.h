// The symbol table of a guest's ELF file.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "domain/elf_file.h"
#include "domain/guest_image.h"

namespace vmm {

// Functions, objects and assembly labels by ascending address; empty for a stripped file.
absl::StatusOr<std::vector<GuestSymbol>> read_guest_symbols(const ElfFile& file);

}  // namespace vmm
