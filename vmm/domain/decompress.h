// The compressed formats that kernels come in, each undone by its own library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace vmm {

// What the data say, at most `limit` bytes: gzip, xz, lz4 (the legacy format) or zstd, told by
// their first bytes. Bytes behind the end of the compressed data are ignored. InvalidArgument:
// damaged, cut short, longer than the limit, or of another format.
absl::StatusOr<std::vector<std::byte>> decompress(std::span<const std::byte> data, uint64_t limit);

}  // namespace vmm
