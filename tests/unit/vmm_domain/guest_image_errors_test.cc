// Images that must be refused, each with a line that says why; and damaged ones, which must never
// do more than that.
#include <gtest/gtest.h>

#include <random>

#include "abi/xen.h"
#include "domain/guest_image.h"
#include "elf_writer.h"

namespace vmm {
namespace {

struct BadImage {
  const char* name;
  std::vector<std::byte> file;
  const char* message;
};

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

template <typename Change>
std::vector<std::byte> with_header(Change change) {
  ElfWriter writer = high_half_kernel();
  change(writer.header);
  return writer.write();
}

std::vector<std::byte> cut(std::vector<std::byte> file, size_t size) {
  file.resize(size);
  return file;
}

ElfWriter two_segments(uint64_t first, uint64_t first_size, uint64_t second, uint64_t second_size) {
  ElfWriter writer;
  writer.header.e_entry = first;
  writer.segment(first, "a", first_size)
      .segment(second, "b", second_size)
      .note(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
  return writer;
}

std::vector<BadImage> bad_files() {
  return {
      {"empty", {}, "not an ELF file"},
      {"text", bytes_of("#!/bin/sh\n"), "not an ELF file"},
      {"only the magic", bytes_of("\177ELF"), "truncated"},
      {"32 bits", with_header([](auto& h) { h.e_ident[EI_CLASS] = ELFCLASS32; }), "64-bit"},
      {"big endian", with_header([](auto& h) { h.e_ident[EI_DATA] = ELFDATA2MSB; }), "64-bit"},
      {"arm", with_header([](auto& h) { h.e_machine = EM_AARCH64; }), "not for x86-64"},
      {"object", with_header([](auto& h) { h.e_type = ET_REL; }), "not an executable"},
      {"program header size", with_header([](auto& h) { h.e_phentsize = 8; }), "unknown size"},
      {"section header size", with_header([](auto& h) { h.e_shentsize = 8; }), "unknown size"},
      {"no program headers", ElfWriter().write(), "no program headers"},
      {"program headers cut", cut(high_half_kernel().write(), 80), "truncated"},
      {"contents cut", cut(high_half_kernel().write(), 260), "truncated"},
  };
}

std::vector<BadImage> bad_notes() {
  ElfWriter no_notes;
  no_notes.segment(0x1000, "x", 0x1000);
  ElfWriter number = identity_kernel();
  return {
      {"no notes", no_notes.write(), "no Xen notes"},
      {"loader", identity_kernel().note(XEN_ELFNOTE_LOADER, "special").write(), "loader 'special'"},
      {"interface", identity_kernel().note(XEN_ELFNOTE_XEN_VERSION, "xen-2.0").write(),
       "interface 'xen-2.0'"},
      {"a text where a number belongs", number.note(XEN_ELFNOTE_VIRT_BASE, "not a number").write(),
       "malformed Xen note 3"},
      {"old number", ElfWriter().segment(0x1000, "x", 0x1000).old_section("VIRT_BASE=zero").write(),
       "malformed VIRT_BASE"},
      {"offset without base", identity_kernel().note(XEN_ELFNOTE_PADDR_OFFSET, 0).write(),
       "without a VIRT_BASE"},
      {"odd base", identity_kernel().note(XEN_ELFNOTE_VIRT_BASE, 0x123).write(), "VIRT_BASE 0x123"},
      {"base in the hole", identity_kernel().note(XEN_ELFNOTE_VIRT_BASE, 0x800000000000).write(),
       "VIRT_BASE"},
      {"entry outside", identity_kernel().note(XEN_ELFNOTE_ENTRY, 0x103000).write(),
       "entry point 0x103000"},
      {"entry below", identity_kernel().note(XEN_ELFNOTE_ENTRY, 0xff000).write(), "entry point"},
      {"hypercall page outside",
       identity_kernel().note(XEN_ELFNOTE_HYPERCALL_PAGE, 0x104000).write(), "hypercall page"},
      {"hypercall page not a page",
       identity_kernel().note(XEN_ELFNOTE_HYPERCALL_PAGE, 0x100800).write(), "hypercall page"},
      {"hypercall page that wraps",
       identity_kernel().note(XEN_ELFNOTE_HYPERCALL_PAGE, 0xfffffffffffff000).write(),
       "hypercall page"},
      {"list not on a page", identity_kernel().note(XEN_ELFNOTE_INIT_P2M, 0x8000000800).write(),
       "INIT_P2M"},
  };
}

std::vector<BadImage> bad_segments() {
  return {
      {"overlap", two_segments(0x1000, 0x1001, 0x2000, 0x1000).write(), "overlap"},
      {"same place", two_segments(0x1000, 0x1000, 0x1000, 0x1000).write(), "overlap"},
      {"wrap", two_segments(0x1000, 0x1000, 0xfffffffffffff000, 0x2000).write(), "wraps"},
      {"far away", two_segments(0x1000, 0x1000, uint64_t{1} << 50, 0x1000).write(), "beyond all"},
      {"linked high without offset", two_segments(kHighBase, 0x1000, kHighBase + 0x1000, 1).write(),
       "PADDR_OFFSET"},
      {"file larger than memory",
       ElfWriter().segment(0x1000, "long text", 2).note(XEN_ELFNOTE_ENTRY, 0x1000).write(),
       "larger in the file"},
      {"below the offset",
       ElfWriter()
           .segment(0x1000, "x", 0x1000)
           .note(XEN_ELFNOTE_VIRT_BASE, 0)
           .note(XEN_ELFNOTE_PADDR_OFFSET, 0x2000)
           .write(),
       "below the PADDR_OFFSET"},
      {"nothing to load",
       ElfWriter().segment(0x1000, "", 0).note(XEN_ELFNOTE_ENTRY, 0x1000).write(), "no segments"},
  };
}

void expect_refused(const std::vector<BadImage>& images) {
  for (const BadImage& bad : images) {
    const auto image = parse_guest_image(bad.file, "guest.elf");
    ASSERT_FALSE(image.ok()) << bad.name;
    EXPECT_EQ(image.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(image.status().message());
    EXPECT_NE(message.find(bad.message), std::string::npos) << bad.name << ": " << message;
    EXPECT_TRUE(message.starts_with("guest.elf: ")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(GuestImageErrors, Files) {
  expect_refused(bad_files());
}
TEST(GuestImageErrors, Notes) {
  expect_refused(bad_notes());
}
TEST(GuestImageErrors, Segments) {
  expect_refused(bad_segments());
}

TEST(GuestImageErrors, TruncatedAnywhere) {
  const auto whole = high_half_kernel().symbol("f", kHighBase + 0x100000, 4).write();
  ASSERT_TRUE(parse_guest_image(whole, "whole").ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto image = parse_guest_image(cut(whole, size), "cut");
    EXPECT_FALSE(image.ok()) << size;  // the section headers are last: any cut hits them
  }
}

// Not what the answer is, but that there is one: the sanitizers watch.
TEST(GuestImageErrors, DamagedAnywhere) {
  const auto whole = high_half_kernel().symbol("f", kHighBase + 0x100000, 4).write();
  std::mt19937 random(4);
  unsigned refused = 0;
  constexpr unsigned kRounds = 20'000;
  for (unsigned round = 0; round < kRounds; ++round) {
    auto file = whole;
    for (unsigned changes = 1 + random() % 4; changes != 0; --changes) {
      file[random() % file.size()] = static_cast<std::byte>(random() % 3 == 0 ? 0xff : random());
    }
    const auto image = parse_guest_image(file, "damaged");
    if (!image.ok()) {
      ++refused;
      continue;
    }
    for (const GuestSegment& segment : image->segments) {
      EXPECT_LE(segment.data.size(), segment.memory_size);
    }
  }
  EXPECT_GT(refused, kRounds / 10);
}

}  // namespace
}  // namespace vmm
