// Bounds-checked reading of a 64-bit x86 ELF file. Every answer lies wholly inside the file.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace vmm {

using ByteView = std::span<const std::byte>;

// The part [offset, offset + size) of the bytes; nullopt if it is not all there.
std::optional<ByteView> find_range(ByteView bytes, uint64_t offset, uint64_t size);

// A copy of the T at the offset; nullopt if it is not all there.
template <typename T>
std::optional<T> read_at(ByteView bytes, uint64_t offset) {
  const std::optional<ByteView> source = find_range(bytes, offset, sizeof(T));
  if (!source) return std::nullopt;
  T value;
  std::memcpy(&value, source->data(), sizeof(T));
  return value;
}

// The string that starts at the offset, without its terminator; nullopt if it has none.
std::optional<std::string_view> find_string(ByteView bytes, uint64_t offset);

class ElfFile {
 public:
  struct Section {
    std::string_view name;
    Elf64_Shdr header;
  };

  // InvalidArgument: not ELF, not for 64-bit x86, not an executable, tables outside the file.
  static absl::StatusOr<ElfFile> open(ByteView bytes);

  const Elf64_Ehdr& header() const { return header_; }
  const std::vector<Elf64_Phdr>& program_headers() const { return program_headers_; }
  const std::vector<Section>& sections() const { return sections_; }

  // Bytes in the file; nullopt if they are cut off.
  std::optional<ByteView> find_contents(const Elf64_Phdr& segment) const;
  std::optional<ByteView> find_contents(const Elf64_Shdr& section) const;

 private:
  explicit ElfFile(ByteView bytes) : bytes_(bytes) {}
  absl::Status read_header();
  absl::Status read_program_headers();
  absl::Status read_sections();

  ByteView bytes_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> program_headers_;
  std::vector<Section> sections_;
};

}  // namespace vmm
