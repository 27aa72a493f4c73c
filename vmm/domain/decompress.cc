#include "domain/decompress.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "domain/elf_file.h"

namespace vmm {
namespace {

using Bytes = std::vector<std::byte>;

absl::Status damaged(absl::string_view format) {
  return absl::InvalidArgumentError(
      absl::StrCat("data compressed by ", format, " are damaged, cut short or too long"));
}

const uint8_t* raw(ByteView data) {
  return reinterpret_cast<const uint8_t*>(data.data());
}
uint8_t* raw(Bytes& bytes) {
  return reinterpret_cast<uint8_t*>(bytes.data());
}

absl::StatusOr<Bytes> undo_gzip(ByteView data, uint64_t limit) {
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  Bytes result(limit);
  z_stream stream{};
  stream.next_in = const_cast<Bytef*>(raw(data));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = raw(result);
  stream.avail_out = static_cast<uInt>(limit);
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return damaged("gzip");
  const int end = inflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  inflateEnd(&stream);
  if (end != Z_STREAM_END) return damaged("gzip");
  return result;
}

absl::StatusOr<Bytes> undo_xz(ByteView data, uint64_t limit) {
  constexpr uint64_t kMemory = uint64_t{256} << 20;
  Bytes result(limit);
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kMemory, 0) != LZMA_OK) return damaged("xz");
  stream.next_in = raw(data);
  stream.avail_in = data.size();
  stream.next_out = raw(result);
  stream.avail_out = result.size();
  const lzma_ret end = lzma_code(&stream, LZMA_RUN);
  result.resize(stream.total_out);
  lzma_end(&stream);
  if (end != LZMA_STREAM_END) return damaged("xz");
  return result;
}

// Behind the magic number, blocks of up to 8 MiB, each behind its compressed size; there is no mark
// at the end, so a size that leads outside the data ends them.
absl::StatusOr<Bytes> undo_lz4(ByteView data, uint64_t limit) {
  Bytes result(limit);
  uint64_t filled = 0;
  for (uint64_t at = sizeof(uint32_t); filled < limit;) {
    const auto size = read_at<uint32_t>(data, at);
    const auto block =
        size ? find_range(data, at + sizeof(uint32_t), *size) : std::optional<ByteView>();
    if (!block || block->size() > LZ4_MAX_INPUT_SIZE) break;
    const int made = LZ4_decompress_safe(
        reinterpret_cast<const char*>(block->data()),
        reinterpret_cast<char*>(result.data()) + filled, static_cast<int>(block->size()),
        static_cast<int>(std::min<uint64_t>(limit - filled, LZ4_MAX_INPUT_SIZE)));
    if (made < 0) return damaged("lz4");
    filled += static_cast<uint64_t>(made);
    at += sizeof(uint32_t) + *size;
  }
  result.resize(filled);
  return result;
}

absl::StatusOr<Bytes> undo_zstd(ByteView data, uint64_t limit) {
  const size_t frame = ZSTD_findFrameCompressedSize(data.data(), data.size());
  if (ZSTD_isError(frame)) return damaged("zstd");
  Bytes result(limit);
  const size_t made = ZSTD_decompress(result.data(), result.size(), data.data(), frame);
  if (ZSTD_isError(made)) return damaged("zstd");
  result.resize(made);
  return result;
}

struct Format {
  std::array<uint8_t, 4> magic;
  unsigned magic_bytes;
  absl::StatusOr<Bytes> (*undo)(ByteView data, uint64_t limit);
};

constexpr Format kFormats[] = {{{0x1f, 0x8b}, 2, undo_gzip},
                               {{0xfd, '7', 'z', 'X'}, 4, undo_xz},
                               {{0x02, 0x21, 0x4c, 0x18}, 4, undo_lz4},
                               {{0x28, 0xb5, 0x2f, 0xfd}, 4, undo_zstd}};

}  // namespace

absl::StatusOr<Bytes> decompress(ByteView data, uint64_t limit) {
  for (const Format& format : kFormats) {
    if (data.size() >= format.magic_bytes &&
        std::equal(format.magic.begin(), format.magic.begin() + format.magic_bytes, raw(data))) {
      return format.undo(data, limit);
    }
  }
  return absl::InvalidArgumentError("compressed by something else than gzip, xz, lz4 or zstd");
}

}  // namespace vmm
