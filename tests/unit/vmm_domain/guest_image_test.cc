// What well-formed images of each style are understood as.
#include "domain/guest_image.h"

#include <gtest/gtest.h>

#include "abi/xen.h"
#include "elf_writer.h"

namespace vmm {
namespace {

using pvmmu::LinearAddr;
using pvmmu::Paddr;

std::string_view text(std::span<const std::byte> data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

TEST(GuestImage, HighHalf) {
  const auto file = high_half_kernel().write();
  const auto image = parse_guest_image(file, "kernel.elf");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->name, "kernel.elf");
  EXPECT_EQ(image->guest_os, "test");
  EXPECT_EQ(image->virtual_base, LinearAddr(kHighBase));
  EXPECT_EQ(image->entry, LinearAddr(kHighBase + 0x100010));
  EXPECT_EQ(image->hypercall_page, LinearAddr(kHighBase + 0x101000));
  EXPECT_FALSE(image->p2m_base);
  EXPECT_FALSE(image->module_by_frame);
  ASSERT_EQ(image->segments.size(), 2u);
  EXPECT_EQ(image->segments[0].destination, Paddr(0x100000));
  EXPECT_EQ(text(image->segments[0].data), "kernel text");
  EXPECT_EQ(image->segments[1].memory_size, 0x5123u);
  EXPECT_EQ(image->end, Paddr(0x107123));
}

TEST(GuestImage, VirtualIsPhysicalWithoutVirtBase) {
  const auto file = identity_kernel().write();
  const auto image = parse_guest_image(file, "identity");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->virtual_base, LinearAddr(0));
  EXPECT_EQ(image->entry, LinearAddr(0x100004));
  EXPECT_FALSE(image->hypercall_page);
}

TEST(GuestImage, EntryZeroAtBaseZero) {
  ElfWriter writer;
  writer.segment(0, "at zero", 0x1000)
      .note(XEN_ELFNOTE_VIRT_BASE, 0)
      .note(XEN_ELFNOTE_ENTRY, 0)
      .note(XEN_ELFNOTE_HYPERCALL_PAGE, 0);
  const auto file = writer.write();
  const auto image = parse_guest_image(file, "zero");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->entry, LinearAddr(0));
  EXPECT_EQ(image->hypercall_page, LinearAddr(0));
}

TEST(GuestImage, OwnPlacesForListAndModule) {
  const auto file = high_half_kernel()
                        .note(XEN_ELFNOTE_INIT_P2M, 0x8000000000)
                        .note(XEN_ELFNOTE_MOD_START_PFN, 1)
                        .write();
  const auto image = parse_guest_image(file, "kernel");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->p2m_base, LinearAddr(0x8000000000));
  EXPECT_TRUE(image->module_by_frame);
}

TEST(GuestImage, NotesInASectionOnly) {
  const auto file = high_half_kernel().notes_in_section_only().write();
  const auto image = parse_guest_image(file, "kernel");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->entry, LinearAddr(kHighBase + 0x100010));
}

TEST(GuestImage, PhysicalOffset) {
  ElfWriter writer;
  writer.segment(kHighBase + 0x100000, "linked high", 0x1000)
      .note(XEN_ELFNOTE_VIRT_BASE, kHighBase)
      .note(XEN_ELFNOTE_PADDR_OFFSET, kHighBase)
      .note(XEN_ELFNOTE_ENTRY, kHighBase + 0x100000);
  const auto file = writer.write();
  const auto image = parse_guest_image(file, "kernel");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->segments[0].destination, Paddr(0x100000));
}

TEST(GuestImage, OldSection) {
  ElfWriter writer;
  writer.header.e_entry = 0xc0100000;
  writer.segment(0xc0100000, "old style", 0x3000)
      .old_section(
          "GUEST_OS=linux,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,"
          "HYPERCALL_PAGE=0x102,LOADER=generic,PAE=yes,BSD_SYMTAB");
  const auto file = writer.write();
  const auto image = parse_guest_image(file, "old");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->guest_os, "linux");
  EXPECT_EQ(image->virtual_base, LinearAddr(0xc0000000));
  EXPECT_EQ(image->segments[0].destination, Paddr(0x100000));
  EXPECT_EQ(image->entry, LinearAddr(0xc0100000));
  EXPECT_EQ(image->hypercall_page, LinearAddr(0xc0102000));
}

TEST(GuestImage, SegmentsAreSorted) {
  ElfWriter writer;
  writer.header.e_entry = 0x1000;
  writer.segment(0x3000, "second", 0x1000)
      .segment(0x1000, "first", 0x2000)
      .note(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
  const auto file = writer.write();
  const auto image = parse_guest_image(file, "kernel");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(text(image->segments[0].data), "first");
  EXPECT_EQ(image->end, Paddr(0x4000));
}

TEST(GuestImage, Symbols) {
  const auto file = high_half_kernel()
                        .symbol("second", kHighBase + 0x100100, 0x10)
                        .symbol("first", kHighBase + 0x100000, 0)
                        .symbol("third", kHighBase + 0x100200, 0x20)
                        .write();
  const auto image = parse_guest_image(file, "kernel");
  ASSERT_TRUE(image.ok()) << image.status();
  ASSERT_EQ(image->symbols.size(), 3u);
  EXPECT_EQ(find_symbol(*image, kHighBase), nullptr);
  ASSERT_NE(find_symbol(*image, kHighBase + 0x1000ff), nullptr);
  EXPECT_EQ(find_symbol(*image, kHighBase + 0x1000ff)->name, "first");
  EXPECT_EQ(find_symbol(*image, kHighBase + 0x10010f)->name, "second");
  EXPECT_EQ(find_symbol(*image, kHighBase + 0x100110), nullptr);
  EXPECT_EQ(find_symbol(*image, kHighBase + 0x100200)->name, "third");
}

}  // namespace
}  // namespace vmm
