#include "domain/kernel_archive.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "domain/decompress.h"
#include "domain/elf_file.h"

namespace vmm {
namespace {

// Places in the setup header.
constexpr uint64_t kSetupSectors = 0x1f1, kBootFlag = 0x1fe, kMagic = 0x202, kVersion = 0x206,
                   kPayloadOffset = 0x248, kPayloadLength = 0x24c;
constexpr uint16_t kBootFlagValue = 0xaa55;
constexpr uint32_t kMagicValue = 0x53726448;  // "HdrS"
constexpr uint16_t kVersionWithPayload = 0x208;
constexpr uint64_t kSectorBytes = 512;
constexpr uint64_t kStandardSetupSectors = 4;  // what 0 stands for

constexpr uint64_t kLargestKernel = uint64_t{512} << 20;

absl::Status damaged(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("the kernel image is damaged: ", why));
}

}  // namespace

bool is_kernel_archive(std::span<const std::byte> file) {
  return read_at<uint16_t>(file, kBootFlag) == kBootFlagValue &&
         read_at<uint32_t>(file, kMagic) == kMagicValue;
}

absl::StatusOr<std::vector<std::byte>> unpack_kernel(std::span<const std::byte> file) {
  const auto version = read_at<uint16_t>(file, kVersion);
  const auto sectors = read_at<uint8_t>(file, kSetupSectors);
  const auto offset = read_at<uint32_t>(file, kPayloadOffset);
  const auto length = read_at<uint32_t>(file, kPayloadLength);
  if (!version || *version < kVersionWithPayload || !sectors || !offset || !length) {
    return absl::InvalidArgumentError("a kernel image that does not say where its kernel is");
  }
  const uint64_t setup = (*sectors == 0 ? kStandardSetupSectors : *sectors) + uint64_t{1};
  const auto payload = find_range(file, setup * kSectorBytes + *offset, *length);
  // The kernel's build puts the size of what was compressed behind it.
  const auto size = payload && *length > sizeof(uint32_t)
                        ? read_at<uint32_t>(*payload, payload->size() - sizeof(uint32_t))
                        : std::nullopt;
  if (!size) return damaged("its kernel lies outside the file");
  if (*size == 0) return damaged("its kernel is empty");
  if (*size > kLargestKernel) return damaged("its kernel would be larger than 512 MiB");
  auto kernel = decompress(*payload, *size);
  if (!kernel.ok()) return kernel.status();
  if (kernel->size() != *size) return damaged("its kernel has not the size that it says");
  return kernel;
}

}  // namespace vmm
