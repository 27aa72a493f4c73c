#include "domain/elf_file.h"

#include "absl/strings/str_cat.h"

namespace vmm {

std::optional<ByteView> find_range(ByteView bytes, uint64_t offset, uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.subspan(offset, size);
}

std::optional<std::string_view> find_string(ByteView bytes, uint64_t offset) {
  if (offset >= bytes.size()) return std::nullopt;
  const auto* start = reinterpret_cast<const char*>(bytes.data()) + offset;
  const void* end = std::memchr(start, 0, bytes.size() - offset);
  if (end == nullptr) return std::nullopt;
  return std::string_view(start, static_cast<size_t>(static_cast<const char*>(end) - start));
}

absl::StatusOr<ElfFile> ElfFile::open(ByteView bytes) {
  ElfFile file(bytes);
  if (absl::Status status = file.read_header(); !status.ok()) return status;
  if (absl::Status status = file.read_program_headers(); !status.ok()) return status;
  if (absl::Status status = file.read_sections(); !status.ok()) return status;
  return file;
}

absl::Status ElfFile::read_header() {
  if (bytes_.size() < SELFMAG || std::memcmp(bytes_.data(), ELFMAG, SELFMAG) != 0) {
    return absl::InvalidArgumentError("not an ELF file");
  }
  const auto header = read_at<Elf64_Ehdr>(bytes_, 0);
  if (!header) return absl::InvalidArgumentError("truncated: the ELF header is cut off");
  header_ = *header;
  if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB) {
    return absl::InvalidArgumentError("not a 64-bit little-endian ELF file");
  }
  if (header_.e_machine != EM_X86_64) {
    return absl::InvalidArgumentError(
        absl::StrCat("not for x86-64 (ELF machine ", header_.e_machine, ")"));
  }
  if (header_.e_type != ET_EXEC && header_.e_type != ET_DYN) {
    return absl::InvalidArgumentError("not an executable ELF file");
  }
  return absl::OkStatus();
}

absl::Status ElfFile::read_program_headers() {
  if (header_.e_phnum == 0) return absl::InvalidArgumentError("no program headers");
  if (header_.e_phentsize != sizeof(Elf64_Phdr)) {
    return absl::InvalidArgumentError("program headers of an unknown size");
  }
  const uint64_t size = uint64_t{header_.e_phnum} * sizeof(Elf64_Phdr);
  const std::optional<ByteView> table = find_range(bytes_, header_.e_phoff, size);
  if (!table) return absl::InvalidArgumentError("truncated: the program headers are cut off");
  program_headers_.resize(header_.e_phnum);
  std::memcpy(program_headers_.data(), table->data(), size);
  return absl::OkStatus();
}

absl::Status ElfFile::read_sections() {
  if (header_.e_shnum == 0) return absl::OkStatus();  // stripped of them
  if (header_.e_shentsize != sizeof(Elf64_Shdr)) {
    return absl::InvalidArgumentError("section headers of an unknown size");
  }
  const uint64_t size = uint64_t{header_.e_shnum} * sizeof(Elf64_Shdr);
  const std::optional<ByteView> table = find_range(bytes_, header_.e_shoff, size);
  if (!table) return absl::InvalidArgumentError("truncated: the section headers are cut off");
  std::vector<Elf64_Shdr> headers(header_.e_shnum);
  std::memcpy(headers.data(), table->data(), size);

  ByteView names;
  if (header_.e_shstrndx < headers.size()) {
    const std::optional<ByteView> contents = find_contents(headers[header_.e_shstrndx]);
    if (!contents) return absl::InvalidArgumentError("truncated: the section names are cut off");
    names = *contents;
  }
  for (const Elf64_Shdr& header : headers) {
    sections_.push_back({find_string(names, header.sh_name).value_or(""), header});
  }
  return absl::OkStatus();
}

std::optional<ByteView> ElfFile::find_contents(const Elf64_Phdr& segment) const {
  return find_range(bytes_, segment.p_offset, segment.p_filesz);
}

std::optional<ByteView> ElfFile::find_contents(const Elf64_Shdr& section) const {
  if (section.sh_type == SHT_NOBITS) return ByteView();
  return find_range(bytes_, section.sh_offset, section.sh_size);
}

}  // namespace vmm
