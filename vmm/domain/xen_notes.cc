#include "domain/xen_notes.h"

#include <vector>

#include "abi/xen.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace vmm {
namespace {

constexpr std::string_view kNoteOwner = "Xen";
constexpr std::string_view kOldSection = "__xen_guest";

struct Note {
  uint32_t type;
  ByteView value;
};

constexpr uint64_t align_note(uint64_t size) {
  return (size + 3) & ~uint64_t{3};
}

absl::Status malformed(uint32_t type) {
  return absl::InvalidArgumentError(absl::StrCat("malformed Xen note ", type));
}

// The notes of one note segment or section whose owner is Xen.
absl::Status collect_notes(ByteView area, std::vector<Note>& notes) {
  uint64_t offset = 0;
  while (area.size() - offset >= sizeof(Elf64_Nhdr)) {
    const Elf64_Nhdr header = *read_at<Elf64_Nhdr>(area, offset);
    const uint64_t name_offset = offset + sizeof(Elf64_Nhdr);
    const uint64_t value_offset = name_offset + align_note(header.n_namesz);
    const auto name = find_range(area, name_offset, header.n_namesz);
    const auto value = find_range(area, value_offset, header.n_descsz);
    if (!name || !value) return absl::InvalidArgumentError("truncated: an ELF note is cut off");
    const auto owner = find_string(*name, 0);
    if (owner == kNoteOwner) notes.push_back({header.n_type, *value});
    offset = value_offset + align_note(header.n_descsz);
    if (offset > area.size()) break;  // the last one needs no padding
  }
  return absl::OkStatus();
}

std::optional<uint64_t> note_number(ByteView value) {
  switch (value.size()) {
    case 1:
      return read_at<uint8_t>(value, 0);
    case 2:
      return read_at<uint16_t>(value, 0);
    case 4:
      return read_at<uint32_t>(value, 0);
    case 8:
      return read_at<uint64_t>(value, 0);
    default:
      return std::nullopt;
  }
}

absl::Status take_number(const Note& note, std::optional<uint64_t>& field) {
  field = note_number(note.value);
  return field ? absl::OkStatus() : malformed(note.type);
}

absl::Status take_string(const Note& note, std::string& field) {
  const auto text = find_string(note.value, 0);
  if (!text) return malformed(note.type);
  field = std::string(*text);
  return absl::OkStatus();
}

absl::Status take_note(const Note& note, XenNotes& notes) {
  switch (note.type) {
    case XEN_ELFNOTE_GUEST_OS:
      return take_string(note, notes.guest_os);
    case XEN_ELFNOTE_LOADER:
      return take_string(note, notes.loader);
    case XEN_ELFNOTE_XEN_VERSION:
      return take_string(note, notes.xen_version);
    case XEN_ELFNOTE_VIRT_BASE:
      return take_number(note, notes.virtual_base);
    case XEN_ELFNOTE_ENTRY:
      return take_number(note, notes.entry);
    case XEN_ELFNOTE_PADDR_OFFSET:
      return take_number(note, notes.physical_offset);
    case XEN_ELFNOTE_HYPERCALL_PAGE:
      return take_number(note, notes.hypercall_page);
    case XEN_ELFNOTE_INIT_P2M:
      return take_number(note, notes.p2m_base);
    case XEN_ELFNOTE_MOD_START_PFN: {
      const auto wanted = note_number(note.value);
      if (!wanted) return malformed(note.type);
      notes.module_by_frame = *wanted != 0;
      return absl::OkStatus();
    }
    default:  // features, PAE_MODE, HV_START_LOW, L1_MFN_VALID, ...: change nothing here
      return absl::OkStatus();
  }
}

// Notes are in PT_NOTE segments; images stripped of these may still have note sections.
absl::StatusOr<std::vector<Note>> find_notes(const ElfFile& file) {
  std::vector<Note> notes;
  const auto add = [&notes](std::optional<ByteView> area) {
    if (!area) return absl::InvalidArgumentError("truncated: the ELF notes are cut off");
    return collect_notes(*area, notes);
  };
  for (const Elf64_Phdr& segment : file.program_headers()) {
    if (segment.p_type != PT_NOTE) continue;
    if (absl::Status status = add(file.find_contents(segment)); !status.ok()) return status;
  }
  if (!notes.empty()) return notes;
  for (const ElfFile::Section& section : file.sections()) {
    if (section.header.sh_type != SHT_NOTE) continue;
    if (absl::Status status = add(file.find_contents(section.header)); !status.ok()) return status;
  }
  return notes;
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const bool ok = hex ? absl::SimpleHexAtoi(absl::string_view(text.data(), text.size()), &value)
                      : absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &value);
  return ok ? std::optional(value) : std::nullopt;
}

absl::Status take_pair(std::string_view key, std::string_view value, XenNotes& notes) {
  struct NumberKey {
    std::string_view key;
    std::optional<uint64_t>& field;
  };
  const NumberKey numbers[] = {{"VIRT_BASE", notes.virtual_base},
                               {"VIRT_ENTRY", notes.entry},
                               {"ELF_PADDR_OFFSET", notes.physical_offset},
                               {"HYPERCALL_PAGE", notes.hypercall_page_number},
                               {"INIT_P2M", notes.p2m_base}};
  for (const NumberKey& number : numbers) {
    if (key != number.key) continue;
    number.field = parse_number(value);
    if (number.field) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("malformed ", std::string(key), " in ", std::string(kOldSection)));
  }
  if (key == "GUEST_OS") notes.guest_os = std::string(value);
  if (key == "LOADER") notes.loader = std::string(value);
  if (key == "XEN_VER") notes.xen_version = std::string(value);
  return absl::OkStatus();
}

absl::StatusOr<XenNotes> read_old_section(const ElfFile& file) {
  for (const ElfFile::Section& section : file.sections()) {
    if (section.name != kOldSection) continue;
    const auto contents = file.find_contents(section.header);
    if (!contents) return absl::InvalidArgumentError("truncated: __xen_guest is cut off");
    XenNotes notes;
    notes.from_old_section = true;
    std::string_view text(reinterpret_cast<const char*>(contents->data()), contents->size());
    text = text.substr(0, text.find('\0'));
    for (const auto pair : absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
      const std::string_view entry(pair.data(), pair.size());
      const size_t equals = entry.find('=');
      if (equals == std::string_view::npos) continue;  // flags without a value: none matters
      const absl::Status status =
          take_pair(entry.substr(0, equals), entry.substr(equals + 1), notes);
      if (!status.ok()) return status;
    }
    return notes;
  }
  return absl::InvalidArgumentError("no Xen notes: not a kernel for Xen");
}

absl::Status check_interface(const XenNotes& notes) {
  if (!notes.loader.empty() && notes.loader != "generic" && notes.guest_os != "linux") {
    return absl::InvalidArgumentError(
        absl::StrCat("made for the loader '", notes.loader, "', not for 'generic'"));
  }
  if (!notes.xen_version.empty() && !std::string_view(notes.xen_version).starts_with("xen-3.0")) {
    return absl::InvalidArgumentError(
        absl::StrCat("made for the interface '", notes.xen_version, "', not for 'xen-3.0'"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<XenNotes> read_xen_notes(const ElfFile& file) {
  absl::StatusOr<std::vector<Note>> found = find_notes(file);
  if (!found.ok()) return found.status();
  absl::StatusOr<XenNotes> notes = XenNotes();
  if (found->empty()) notes = read_old_section(file);
  if (!notes.ok()) return notes;
  for (const Note& note : *found) {
    if (absl::Status status = take_note(note, *notes); !status.ok()) return status;
  }
  if (absl::Status status = check_interface(*notes); !status.ok()) return status;
  return notes;
}

}  // namespace vmm
