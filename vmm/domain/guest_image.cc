#include "domain/guest_image.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "domain/elf_file.h"
#include "domain/guest_symbols.h"
#include "domain/xen_notes.h"

namespace vmm {
namespace {

using pvmmu::kPageSize;
using pvmmu::LinearAddr;
using pvmmu::Paddr;

// More pseudo-physical memory than any domain has; keeps all sums of addresses from wrapping.
constexpr uint64_t kPhysicalLimit = uint64_t{1} << 46;

absl::Status invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::StatusOr<GuestSegment> read_segment(const ElfFile& file, const Elf64_Phdr& header,
                                          uint64_t physical_offset) {
  const std::string where = absl::StrFormat("the segment at physical 0x%x", header.p_paddr);
  const auto data = file.find_contents(header);
  if (!data) return invalid(absl::StrCat("truncated: ", where, " is cut off"));
  if (header.p_filesz > header.p_memsz) {
    return invalid(absl::StrCat(where, " is larger in the file than in memory"));
  }
  if (header.p_paddr + header.p_memsz < header.p_paddr) {
    return invalid(absl::StrCat(where, " wraps around the address space"));
  }
  if (header.p_paddr < physical_offset) {
    return invalid(absl::StrFormat("%s lies below the PADDR_OFFSET 0x%x", where, physical_offset));
  }
  const uint64_t destination = header.p_paddr - physical_offset;
  if (destination >= kPhysicalLimit || header.p_memsz > kPhysicalLimit - destination) {
    return invalid(absl::StrCat(where, " lies beyond all memory (a PADDR_OFFSET note missing?)"));
  }
  return GuestSegment{Paddr(destination), *data, header.p_memsz};
}

absl::Status read_segments(const ElfFile& file, uint64_t physical_offset, GuestImage& image) {
  for (const Elf64_Phdr& header : file.program_headers()) {
    if (header.p_type != PT_LOAD || header.p_memsz == 0) continue;
    absl::StatusOr<GuestSegment> segment = read_segment(file, header, physical_offset);
    if (!segment.ok()) return segment.status();
    image.segments.push_back(*segment);
  }
  if (image.segments.empty()) return invalid("no segments to load");
  std::sort(image.segments.begin(), image.segments.end(),
            [](const auto& a, const auto& b) { return a.destination < b.destination; });
  image.end = Paddr(0);
  for (const GuestSegment& segment : image.segments) {
    if (segment.destination < image.end) {
      return invalid(absl::StrFormat("segments overlap at physical 0x%x",
                                     segment.destination.raw() + physical_offset));
    }
    image.end = segment.destination + segment.memory_size;
  }
  return absl::OkStatus();
}

// Whether [address, address + size) is inside what the segments span in linear addresses.
bool inside_kernel(const GuestImage& image, uint64_t address, uint64_t size) {
  const uint64_t base = image.virtual_base.raw();
  const uint64_t start = image.segments.front().destination.raw();
  const uint64_t end = (image.end.raw() + kPageSize - 1) & pvmmu::kPageMask;
  if (address < base) return false;
  const uint64_t offset = address - base;
  return offset >= (start & pvmmu::kPageMask) && offset < end && size <= end - offset;
}

absl::Status place_hypercall_page(const XenNotes& notes, GuestImage& image) {
  std::optional<uint64_t> address = notes.hypercall_page;
  if (notes.hypercall_page_number) {
    if (*notes.hypercall_page_number > kPhysicalLimit / kPageSize) {
      return invalid("the hypercall page lies outside the kernel");
    }
    address = image.virtual_base.raw() + *notes.hypercall_page_number * kPageSize;
  }
  if (!address) return absl::OkStatus();
  if (*address % kPageSize != 0 || !inside_kernel(image, *address, kPageSize)) {
    return invalid(absl::StrFormat("the hypercall page 0x%x is no page of the kernel", *address));
  }
  image.hypercall_page = LinearAddr(*address);
  return absl::OkStatus();
}

absl::Status fill_image(const ElfFile& file, const XenNotes& notes, GuestImage& image) {
  if (notes.physical_offset && !notes.virtual_base) {
    return invalid("a PADDR_OFFSET note without a VIRT_BASE note");
  }
  image.guest_os = notes.guest_os;
  image.virtual_base = LinearAddr(notes.virtual_base.value_or(0));
  if (image.virtual_base.offset() != 0 || !image.virtual_base.canonical()) {
    return invalid(absl::StrFormat("the VIRT_BASE 0x%x cannot be mapped", *notes.virtual_base));
  }
  // Before there were notes, physical addresses in ELF headers counted from VIRT_BASE.
  const uint64_t default_offset = notes.from_old_section ? image.virtual_base.raw() : 0;
  const uint64_t physical_offset = notes.physical_offset.value_or(default_offset);
  if (absl::Status status = read_segments(file, physical_offset, image); !status.ok()) {
    return status;
  }
  image.entry = LinearAddr(notes.entry.value_or(file.header().e_entry));
  if (!inside_kernel(image, image.entry.raw(), 1)) {
    return invalid(
        absl::StrFormat("the entry point 0x%x lies outside the kernel", image.entry.raw()));
  }
  if (absl::Status status = place_hypercall_page(notes, image); !status.ok()) return status;
  if (notes.p2m_base) {
    image.p2m_base = LinearAddr(*notes.p2m_base);
    if (image.p2m_base->offset() != 0 || !image.p2m_base->canonical()) {
      return invalid(absl::StrFormat("the INIT_P2M 0x%x cannot be mapped", *notes.p2m_base));
    }
  }
  image.module_by_frame = notes.module_by_frame;
  return absl::OkStatus();
}

absl::Status read_image(std::span<const std::byte> bytes, GuestImage& image) {
  absl::StatusOr<ElfFile> file = ElfFile::open(bytes);
  if (!file.ok()) return file.status();
  absl::StatusOr<XenNotes> notes = read_xen_notes(*file);
  if (!notes.ok()) return notes.status();
  if (absl::Status status = fill_image(*file, *notes, image); !status.ok()) return status;
  absl::StatusOr<std::vector<GuestSymbol>> symbols = read_guest_symbols(*file);
  if (!symbols.ok()) return symbols.status();
  image.symbols = *std::move(symbols);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GuestImage> parse_guest_image(std::span<const std::byte> file,
                                             std::string_view name) {
  GuestImage image;
  image.name = std::string(name);
  if (absl::Status status = read_image(file, image); !status.ok()) {
    return invalid(absl::StrCat(image.name, ": ", status.message()));
  }
  return image;
}

}  // namespace vmm
