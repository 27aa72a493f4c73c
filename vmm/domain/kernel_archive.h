// A Linux kernel as distributions ship it (bzImage): a small boot program that carries the ELF file
// of the kernel compressed. Xen's toolstack unpacks it for PV domains, and so do we.
// [Linux Documentation/arch/x86/boot.rst: payload_offset, payload_length]
//
// Nothing of the file is believed: offsets are checked against its length, and what comes out is
// limited. Knows nothing of what the ELF file says.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace vmm {

// True for a file that calls itself a bzImage. Then it is one, or damaged.
bool is_kernel_archive(std::span<const std::byte> file);

// The kernel's ELF file. InvalidArgument with one line for people: no payload, a damaged one, or
// one compressed by something else than gzip, xz, lz4 or zstd.
absl::StatusOr<std::vector<std::byte>> unpack_kernel(std::span<const std::byte> file);

}  // namespace vmm
