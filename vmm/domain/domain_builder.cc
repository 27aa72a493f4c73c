#include "domain/domain_builder.h"

#include <algorithm>
#include <cstring>

#include "abi/xen.h"
#include "absl/strings/str_format.h"
#include "domain/domain_layout.h"
#include "domain/initial_tables.h"

namespace vmm {
namespace {

using pvmmu::kPageSize;
using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::Pfn;

constexpr uint64_t kInterruptFlag = 0x200;
constexpr char kStartInfoMagic[] = "xen-3.0-x86_64";

class Builder {
 public:
  Builder(const GuestImage& image, const DomainConfig& config, const DomainLayout& layout,
          DomainMemory& memory)
      : image_(image), config_(config), layout_(layout), memory_(memory) {}

  DomainStart build() {
    for (const GuestSegment& segment : image_.segments) {
      copy_in(segment.destination.raw(), segment.data);
    }
    copy_in(layout_.module.first.raw() * kPageSize, config_.boot_module);
    write_p2m_list();
    DomainStart start;
    start.page_tables = write_initial_tables(layout_, memory_);
    start.root = start.page_tables.front();
    write_start_info();
    describe(start);
    return start;
  }

 private:
  Mfn frame_of(Pfn pfn) const { return memory_.frames()[pfn.raw()]; }
  LinearAddr address_of(Pfn pfn) const { return image_.virtual_base + pfn.raw() * kPageSize; }

  // Copies to a pseudo-physical address, page by page, as the frames are scattered.
  void copy_in(uint64_t physical, std::span<const std::byte> data) {
    while (!data.empty()) {
      const uint64_t offset = physical % kPageSize;
      const size_t size = std::min<size_t>(data.size(), kPageSize - offset);
      std::memcpy(memory_.frame(frame_of(Pfn(physical / kPageSize))) + offset, data.data(), size);
      data = data.subspan(size);
      physical += size;
    }
  }

  void write_p2m_list() {
    std::vector<uint64_t> list;
    list.reserve(memory_.frames().size());
    for (const Mfn frame : memory_.frames()) list.push_back(frame.raw());
    copy_in(layout_.p2m_list.first.raw() * kPageSize, std::as_bytes(std::span(list)));
  }

  LinearAddr p2m_address() const {
    return image_.p2m_base ? *image_.p2m_base : address_of(layout_.p2m_list.first);
  }

  void write_module(start_info_t& info) const {
    if (config_.boot_module.empty()) return;
    info.mod_len = config_.boot_module.size();
    info.mod_start = image_.module_by_frame ? layout_.module.first.raw()
                                            : address_of(layout_.module.first).raw();
    if (image_.module_by_frame) info.flags |= SIF_MOD_START_PFN;
  }

  void write_start_info() {
    start_info_t info{};
    static_assert(sizeof kStartInfoMagic <= sizeof info.magic);
    std::memcpy(info.magic, kStartInfoMagic, sizeof kStartInfoMagic);
    info.nr_pages = memory_.frames().size();
    info.shared_info = config_.shared_info.raw() * kPageSize;
    info.store_mfn = frame_of(layout_.store.first).raw();
    info.store_evtchn = config_.store_port;
    info.console.domU.mfn = frame_of(layout_.console.first).raw();
    info.console.domU.evtchn = config_.console_port;
    info.pt_base = address_of(layout_.tables.first).raw();
    info.nr_pt_frames = layout_.tables.count;
    info.mfn_list = p2m_address().raw();
    write_module(info);
    std::memcpy(info.cmd_line, config_.command_line.data(), config_.command_line.size());
    if (image_.p2m_base) {  // else the list is part of the mapped region
      info.first_p2m_pfn = layout_.p2m_list.first.raw();
      info.nr_p2m_frames = layout_.p2m_list.count;
    }
    copy_in(layout_.start_info.first.raw() * kPageSize, std::as_bytes(std::span(&info, 1)));
  }

  void describe(DomainStart& start) const {
    start.start_info = address_of(layout_.start_info.first);
    start.registers.rip = image_.entry.raw();
    start.registers.rsi = start.start_info.raw();
    start.registers.rsp = (address_of(layout_.stack.first) + kPageSize).raw();
    start.registers.rflags = kInterruptFlag;
    start.registers.cs = FLAT_KERNEL_CS;
    start.registers.ss = FLAT_KERNEL_SS;
    if (image_.hypercall_page) {
      const uint64_t offset = image_.hypercall_page->raw() - image_.virtual_base.raw();
      start.hypercall_page = frame_of(Pfn(offset / kPageSize));
    }
    start.start_info_frame = frame_of(layout_.start_info.first);
    start.console_frame = frame_of(layout_.console.first);
    start.store_frame = frame_of(layout_.store.first);
    start.kernel = layout_.kernel;
    start.module = layout_.module;
    start.p2m_list = layout_.p2m_list;
    start.tables = layout_.tables;
    start.stack = layout_.stack;
    start.mapped_end = layout_.mapped.first + layout_.mapped.page_count * kPageSize;
  }

  const GuestImage& image_;
  const DomainConfig& config_;
  const DomainLayout& layout_;
  DomainMemory& memory_;
};

}  // namespace

absl::StatusOr<DomainStart> build_domain(const GuestImage& image, const DomainConfig& config,
                                         DomainMemory& memory) {
  if (config.command_line.size() >= MAX_GUEST_CMDLINE) {
    return absl::InvalidArgumentError(
        absl::StrFormat("the guest's command line has %u bytes, at most %u fit",
                        config.command_line.size(), MAX_GUEST_CMDLINE - 1));
  }
  absl::StatusOr<DomainLayout> layout =
      plan_domain(image, memory.frames().size(), config.boot_module.size());
  if (!layout.ok()) return layout.status();
  return Builder(image, config, *layout, memory).build();
}

}  // namespace vmm
