// Kernels as distributions ship them: compressed inside a bzImage.
#include "domain/kernel_archive.h"

#include <gtest/gtest.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <functional>
#include <string>

#include "domain/decompress.h"

namespace vmm {
namespace {

using Bytes = std::vector<std::byte>;

// Compresses well, but not to nothing.
Bytes sample(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * i / 1000 + i % 7);
  return bytes;
}

void append(Bytes& to, const void* from, size_t size) {
  const auto* bytes = static_cast<const std::byte*>(from);
  to.insert(to.end(), bytes, bytes + size);
}

uint8_t* raw(Bytes& bytes) {
  return reinterpret_cast<uint8_t*>(bytes.data());
}

Bytes gzip(Bytes data) {
  Bytes result(data.size() + 1000);
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = raw(data);
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = raw(result);
  stream.avail_out = static_cast<uInt>(result.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

Bytes xz(Bytes data) {
  Bytes result(data.size() + 1000);
  size_t size = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, nullptr, raw(data), data.size(),
                                    raw(result), &size, result.size()),
            LZMA_OK);
  result.resize(size);
  return result;
}

// Two blocks, as a kernel of more than 8 MiB has.
Bytes lz4(Bytes data) {
  constexpr uint32_t kMagic = 0x184c2102;
  Bytes result;
  append(result, &kMagic, sizeof kMagic);
  const size_t half = data.size() / 2;
  for (const auto& [start, size] : {std::pair(size_t{0}, half), {half, data.size() - half}}) {
    Bytes block(size + 1000);
    const int made = LZ4_compress_default(reinterpret_cast<const char*>(data.data() + start),
                                          reinterpret_cast<char*>(block.data()),
                                          static_cast<int>(size), static_cast<int>(block.size()));
    EXPECT_GT(made, 0);
    append(result, &made, sizeof made);
    append(result, block.data(), static_cast<size_t>(made));
  }
  return result;
}

Bytes zstd(Bytes data) {
  Bytes result(ZSTD_compressBound(data.size()));
  result.resize(ZSTD_compress(result.data(), result.size(), data.data(), data.size(), 3));
  return result;
}

// A setup header with a payload in the second sector of what follows the setup code.
Bytes archive(const Bytes& compressed, uint32_t size) {
  Bytes file(3 * 512);
  const auto put = [&file](size_t at, auto value) {
    std::memcpy(file.data() + at, &value, sizeof value);
  };
  put(0x1f1, uint8_t{1});
  put(0x1fe, uint16_t{0xaa55});
  put(0x202, uint32_t{0x53726448});
  put(0x206, uint16_t{0x20f});
  put(0x248, uint32_t{512});
  put(0x24c, static_cast<uint32_t>(compressed.size() + sizeof size));
  append(file, compressed.data(), compressed.size());
  append(file, &size, sizeof size);
  return file;
}

struct Format {
  std::string name;
  std::function<Bytes(Bytes)> compress;
};

class KernelArchive : public testing::TestWithParam<Format> {
 protected:
  const Bytes kernel_ = sample(100'000);
  const Bytes compressed_ = GetParam().compress(kernel_);
};

TEST_P(KernelArchive, IsUnpacked) {
  const Bytes file = archive(compressed_, static_cast<uint32_t>(kernel_.size()));
  ASSERT_TRUE(is_kernel_archive(file));
  const auto unpacked = unpack_kernel(file);
  ASSERT_TRUE(unpacked.ok()) << unpacked.status();
  EXPECT_EQ(*unpacked, kernel_);
}

TEST_P(KernelArchive, CutShortAnywhereIsAnError) {
  const Bytes file = archive(compressed_, static_cast<uint32_t>(kernel_.size()));
  for (size_t size = 0; size < file.size(); size += size < 2000 ? 7 : 997) {
    EXPECT_FALSE(unpack_kernel(std::span(file).first(size)).ok()) << size;
  }
}

TEST_P(KernelArchive, WrongSizeIsAnError) {
  for (const size_t size : {kernel_.size() - 1, kernel_.size() + 1, size_t{0}, size_t{1} << 31}) {
    const auto unpacked = unpack_kernel(archive(compressed_, static_cast<uint32_t>(size)));
    EXPECT_FALSE(unpacked.ok()) << size;
  }
}

// Whatever the bytes are, the answer is the data or an error.
TEST_P(KernelArchive, DamagedDataHarmNobody) {
  for (size_t at = 4; at < compressed_.size(); at += compressed_.size() / 200 + 1) {
    Bytes damaged = compressed_;
    damaged[at] ^= std::byte{0x55};
    const auto result = decompress(damaged, kernel_.size());
    EXPECT_TRUE(!result.ok() || result->size() <= kernel_.size()) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, KernelArchive,
                         testing::Values(Format{"gzip", gzip}, Format{"xz", xz}, Format{"lz4", lz4},
                                         Format{"zstd", zstd}),
                         [](const auto& tested) { return tested.param.name; });

TEST(KernelArchiveErrors, OtherFilesAreNone) {
  EXPECT_FALSE(is_kernel_archive({}));
  EXPECT_FALSE(is_kernel_archive(sample(10'000)));
}

TEST(KernelArchiveErrors, AnotherCompressionIsNamed) {
  const auto unpacked = unpack_kernel(archive(sample(5000), 5000));
  EXPECT_EQ(unpacked.status().message(), "compressed by something else than gzip, xz, lz4 or zstd");
}

TEST(KernelArchiveErrors, PlacesOutsideTheFile) {
  Bytes file = archive(gzip(sample(1000)), 1000);
  for (const size_t field : {0x248, 0x24c}) {
    Bytes wrong = file;
    const uint32_t far = 0xffff'ff00;
    std::memcpy(wrong.data() + field, &far, sizeof far);
    EXPECT_EQ(unpack_kernel(wrong).status().message(),
              "the kernel image is damaged: its kernel lies outside the file");
  }
  const uint16_t old = 0x204;
  std::memcpy(file.data() + 0x206, &old, sizeof old);
  EXPECT_EQ(unpack_kernel(file).status().message(),
            "a kernel image that does not say where its kernel is");
}

}  // namespace
}  // namespace vmm
