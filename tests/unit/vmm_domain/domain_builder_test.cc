// The start of day: what is where, how it is mapped, and when it does not fit.
#include "domain/domain_builder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "abi/xen.h"
#include "base/pte.h"
#include "elf_writer.h"
#include "fake_domain.h"

namespace vmm {
namespace {

using pvmmu::kPageSize;
using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::Pfn;

constexpr uint64_t kPages = 16 << 8;  // 16 MiB
constexpr uint64_t kMib = 1 << 20;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

// A domain built from an image, with accessors by linear address.
class BuiltDomain {
 public:
  explicit BuiltDomain(const ElfWriter& writer, uint64_t pages = kPages,
                       std::string_view module = "the boot module")
      : file_(writer.write()), module_(bytes_of(module)), memory_(pages) {
    auto image = parse_guest_image(file_, "guest");
    EXPECT_TRUE(image.ok()) << image.status();
    image_ = *std::move(image);
    config_.command_line = "mode=test seed=1";
    config_.boot_module = module_;
    config_.shared_info = Mfn(77);
    config_.console_port = 3;
    result_ = build_domain(image_, config_, memory_);
  }

  const absl::Status status() const { return result_.status(); }
  const DomainStart& start() const { return *result_; }
  const GuestImage& image() const { return image_; }
  FakeDomainMemory& memory() { return memory_; }

  start_info_t start_info() {
    start_info_t info;
    const auto bytes = read(start().start_info, sizeof info);
    std::memcpy(&info, bytes.data(), sizeof info);
    return info;
  }
  std::vector<std::byte> read(LinearAddr address, size_t size) {
    return memory_.read(start().root, address, size);
  }
  std::optional<FakeDomainMemory::Translation> translate(uint64_t address) {
    return memory_.translate(start().root, LinearAddr(address));
  }
  Mfn frame_of(uint64_t pfn) { return memory_.frames()[pfn]; }

 private:
  std::vector<std::byte> file_;
  std::vector<std::byte> module_;
  FakeDomainMemory memory_;
  GuestImage image_;
  DomainConfig config_;
  absl::StatusOr<DomainStart> result_ = absl::UnknownError("not built");
};

TEST(DomainBuilder, FirstProcessor) {
  BuiltDomain domain(high_half_kernel());
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  const GuestRegisters& registers = domain.start().registers;
  EXPECT_EQ(registers.rip, kHighBase + 0x100010);
  EXPECT_EQ(registers.rsi, domain.start().start_info.raw());
  EXPECT_EQ(registers.cs, 0xe033);
  EXPECT_EQ(registers.ss, 0xe02b);
  EXPECT_EQ(registers.rflags, 0x200u);
  EXPECT_EQ(registers.rax | registers.rbx | registers.rdi | registers.r15, 0u);
  const auto stack = domain.translate(registers.rsp - 8);
  ASSERT_TRUE(stack);
  EXPECT_TRUE(stack->flags & pvmmu::kPteWritable);
}

TEST(DomainBuilder, StartInfo) {
  BuiltDomain domain(high_half_kernel());
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  const start_info_t info = domain.start_info();
  EXPECT_STREQ(info.magic, "xen-3.0-x86_64");
  EXPECT_EQ(info.nr_pages, kPages);
  EXPECT_EQ(info.shared_info, 77 * kPageSize);
  EXPECT_EQ(info.flags, 0u);
  EXPECT_EQ(info.store_evtchn, 0u);
  EXPECT_EQ(info.console.domU.evtchn, 3u);
  EXPECT_EQ(Mfn(info.console.domU.mfn), domain.start().console_frame);
  EXPECT_EQ(Mfn(info.store_mfn), domain.start().store_frame);
  EXPECT_EQ(info.nr_pt_frames, domain.start().page_tables.size());
  EXPECT_EQ(domain.translate(info.pt_base)->frame, domain.start().root);
  EXPECT_EQ(info.first_p2m_pfn, 0u);
  EXPECT_EQ(info.nr_p2m_frames, 0u);
  EXPECT_STREQ(reinterpret_cast<const char*>(info.cmd_line), "mode=test seed=1");
  EXPECT_EQ(domain.read(LinearAddr(info.mod_start), info.mod_len), bytes_of("the boot module"));
}

TEST(DomainBuilder, KernelIsLoaded) {
  BuiltDomain domain(high_half_kernel());
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  EXPECT_EQ(domain.read(LinearAddr(kHighBase + 0x100000), 11), bytes_of("kernel text"));
  EXPECT_EQ(domain.read(LinearAddr(kHighBase + 0x102000), 11), bytes_of("kernel data"));
  EXPECT_EQ(domain.read(LinearAddr(kHighBase + 0x10200b), 1), std::vector<std::byte>(1));
  EXPECT_EQ(domain.start().hypercall_page, domain.frame_of(0x101));
}

TEST(DomainBuilder, P2mList) {
  BuiltDomain domain(high_half_kernel());
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  const auto list = domain.read(LinearAddr(domain.start_info().mfn_list), kPages * 8);
  for (uint64_t pfn = 0; pfn < kPages; ++pfn) {
    uint64_t mfn = 0;
    std::memcpy(&mfn, list.data() + pfn * 8, 8);
    ASSERT_EQ(Mfn(mfn), domain.frame_of(pfn));
  }
}

// Every page of the region is mapped to its frame, tables read-only, all others writable.
TEST(DomainBuilder, Region) {
  BuiltDomain domain(high_half_kernel());
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  const DomainStart& start = domain.start();
  const std::set<Mfn> tables(start.page_tables.begin(), start.page_tables.end());
  EXPECT_EQ(tables.size(), start.page_tables.size());
  const uint64_t size = start.mapped_end.raw() - kHighBase;
  EXPECT_EQ(start.mapped_end.raw() % (4 * kMib), 0u);
  const uint64_t stack_end = (start.stack.first.raw() + start.stack.count) * kPageSize;
  EXPECT_GE(size - stack_end, kMib / 2);
  for (uint64_t pfn = 0; pfn < size / kPageSize; ++pfn) {
    const auto place = domain.translate(kHighBase + pfn * kPageSize);
    ASSERT_TRUE(place) << pfn;
    ASSERT_EQ(place->frame, domain.frame_of(pfn));
    ASSERT_EQ((place->flags & pvmmu::kPteWritable) == 0, tables.contains(place->frame)) << pfn;
    ASSERT_TRUE(place->flags & pvmmu::kPteUser);
    ASSERT_FALSE(place->flags & pvmmu::kPteNoExecute);
  }
  EXPECT_FALSE(domain.translate(kHighBase - kPageSize));
  EXPECT_FALSE(domain.translate(start.mapped_end.raw()));
}

// Nothing else is mapped: the number of present entries in all tables is what the region needs.
TEST(DomainBuilder, TablesHoldNothingElse) {
  BuiltDomain domain(high_half_kernel());
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  uint64_t present = 0;
  for (const Mfn table : domain.start().page_tables) {
    for (unsigned index = 0; index < 512; ++index) {
      present += domain.memory().read_entry(table, index) & 1;
    }
  }
  const uint64_t pages = (domain.start().mapped_end.raw() - kHighBase) / kPageSize;
  EXPECT_EQ(present, pages + domain.start().page_tables.size() - 1);
}

TEST(DomainBuilder, IdentityStyle) {
  BuiltDomain domain(identity_kernel());
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  EXPECT_FALSE(domain.start().hypercall_page);
  EXPECT_EQ(domain.start().registers.rip, 0x100004u);
  const auto low = domain.translate(0);
  ASSERT_TRUE(low);
  EXPECT_EQ(low->frame, domain.frame_of(0));
  EXPECT_TRUE(low->flags & pvmmu::kPteWritable);
  EXPECT_EQ(domain.translate(domain.start_info().pt_base)->frame, domain.start().root);
}

TEST(DomainBuilder, OwnPlacesForListAndModule) {
  BuiltDomain domain(high_half_kernel()
                         .note(XEN_ELFNOTE_INIT_P2M, 0x8000000000)
                         .note(XEN_ELFNOTE_MOD_START_PFN, 1));
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  const start_info_t info = domain.start_info();
  EXPECT_EQ(info.mfn_list, 0x8000000000u);
  EXPECT_EQ(info.nr_p2m_frames, kPages * 8 / kPageSize);
  EXPECT_EQ(info.flags, unsigned{SIF_MOD_START_PFN});
  const uint64_t mapped = (domain.start().mapped_end.raw() - kHighBase) / kPageSize;
  EXPECT_GE(info.mod_start, mapped);  // a pfn behind the region
  const std::byte* module = domain.memory().frame(domain.frame_of(info.mod_start));
  EXPECT_EQ(std::memcmp(module, "the boot module", info.mod_len), 0);
  uint64_t last = 0;
  const auto entry = domain.read(LinearAddr(0x8000000000 + (kPages - 1) * 8), 8);
  std::memcpy(&last, entry.data(), 8);
  EXPECT_EQ(Mfn(last), domain.frame_of(kPages - 1));
  EXPECT_GE(info.first_p2m_pfn, mapped);
}

TEST(DomainBuilder, WithoutModule) {
  BuiltDomain domain(high_half_kernel(), kPages, "");
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  EXPECT_EQ(domain.start_info().mod_start, 0u);
  EXPECT_EQ(domain.start_info().mod_len, 0u);
}

// A large p2m list needs more than one L1 table; the tables map themselves too.
TEST(DomainBuilder, LargeDomain) {
  BuiltDomain domain(high_half_kernel(), uint64_t{2} << 18);  // 2 GiB: a list of 4 MiB
  ASSERT_TRUE(domain.status().ok()) << domain.status();
  EXPECT_EQ(domain.start().mapped_end.raw() - kHighBase, 8 * kMib);
  EXPECT_EQ(domain.start().page_tables.size(), 3u + 4u);
}

TEST(DomainBuilder, TooLittleMemory) {
  BuiltDomain domain(high_half_kernel(), 3 << 8);
  ASSERT_FALSE(domain.status().ok());
  const std::string message(domain.status().message());
  EXPECT_NE(message.find("guest: too little memory"), std::string::npos) << message;
  EXPECT_NE(message.find("at least 4 MiB"), std::string::npos) << message;
  EXPECT_TRUE(BuiltDomain(high_half_kernel(), 4 << 8).status().ok());
  EXPECT_FALSE(BuiltDomain(high_half_kernel(), 0).status().ok());
}

TEST(DomainBuilder, ModuleLargerThanMemory) {
  BuiltDomain domain(high_half_kernel(), kPages, std::string(17 * kMib, 'm'));
  ASSERT_FALSE(domain.status().ok());
  EXPECT_NE(domain.status().message().find("too little memory"), absl::string_view::npos);
}

TEST(DomainBuilder, ForbiddenPlaces) {
  const auto at = [](uint64_t base) {
    ElfWriter writer;
    writer.segment(0x1000, "x", 0x1000)
        .note(XEN_ELFNOTE_VIRT_BASE, base)
        .note(XEN_ELFNOTE_ENTRY, base + 0x1000);
    return BuiltDomain(writer).status();
  };
  EXPECT_FALSE(at(0xffff800000000000).ok());  // the hypervisor's
  EXPECT_FALSE(at(0xffff87ffffc00000).ok());
  EXPECT_FALSE(at(0x00007fffffff0000).ok());  // runs into the canonical hole
  EXPECT_FALSE(at(0xffffffffffff0000).ok());  // wraps
  EXPECT_TRUE(at(0xffff880000000000).ok());
  EXPECT_TRUE(at(0x00007fffffc00000).ok());
  const auto with_list = [](uint64_t address) {
    return BuiltDomain(high_half_kernel().note(XEN_ELFNOTE_INIT_P2M, address)).status();
  };
  EXPECT_FALSE(with_list(0xffff800000000000).ok());
  EXPECT_FALSE(with_list(kHighBase + 0x200000).ok());
  EXPECT_TRUE(with_list(0x1000).ok());
}

TEST(DomainBuilder, CommandLineMustFit) {
  const auto file = high_half_kernel().write();
  const auto image = parse_guest_image(file, "guest");
  FakeDomainMemory memory(kPages);
  DomainConfig config;
  config.command_line = std::string(MAX_GUEST_CMDLINE - 1, 'x');
  EXPECT_TRUE(build_domain(*image, config, memory).ok());
  config.command_line += 'x';
  EXPECT_FALSE(build_domain(*image, config, memory).ok());
}

}  // namespace
}  // namespace vmm
