#include "fake_domain.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "base/pte.h"

namespace vmm {

using pvmmu::LinearAddr;
using pvmmu::Mfn;
using pvmmu::PtLevel;

FakeDomainMemory::FakeDomainMemory(uint64_t page_count, P2mOrder order)
    : p2m_(make_p2m(order, Mfn(1000), page_count, 5)) {
  for (const Mfn frame : p2m_) pages_[frame] = nullptr;
}

std::byte* FakeDomainMemory::frame(Mfn frame) {
  const auto found = pages_.find(frame);
  if (found == pages_.end()) return nullptr;
  if (!found->second) found->second = std::make_unique<std::byte[]>(pvmmu::kPageSize);
  return found->second.get();
}

uint64_t FakeDomainMemory::read_entry(Mfn table, unsigned index) {
  uint64_t entry = 0;
  std::memcpy(&entry, frame(table) + index * sizeof entry, sizeof entry);
  return entry;
}

std::optional<FakeDomainMemory::Translation> FakeDomainMemory::translate(Mfn root,
                                                                         LinearAddr address) {
  Mfn table = root;
  uint64_t writable = pvmmu::kPteWritable;
  for (const PtLevel level : {PtLevel::kL4, PtLevel::kL3, PtLevel::kL2, PtLevel::kL1}) {
    const pvmmu::L1Pte entry(read_entry(table, address.index(level)));
    if (!entry.present()) return std::nullopt;
    writable &= entry.raw();
    table = entry.frame();
    if (level == PtLevel::kL1) {
      return Translation{table, (entry.flags() & ~pvmmu::kPteWritable) | writable};
    }
  }
  return std::nullopt;
}

std::vector<std::byte> FakeDomainMemory::read(Mfn root, LinearAddr address, size_t size) {
  std::vector<std::byte> bytes(size);
  for (size_t done = 0; done < size;) {
    const LinearAddr at = address + done;
    const auto place = translate(root, at);
    if (!place) throw std::runtime_error("not mapped");
    const size_t part = std::min<size_t>(size - done, pvmmu::kPageSize - at.offset());
    std::memcpy(bytes.data() + done, frame(place->frame) + at.offset(), part);
    done += part;
  }
  return bytes;
}

}  // namespace vmm
