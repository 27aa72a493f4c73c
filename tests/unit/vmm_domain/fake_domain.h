// Memory of a domain that remembers which frames were touched, and a walk of its tables.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "domain/domain_builder.h"
#include "domain/p2m.h"

namespace vmm {

class FakeDomainMemory final : public DomainMemory {
 public:
  explicit FakeDomainMemory(uint64_t page_count, P2mOrder order = P2mOrder::kShuffled);

  std::span<const pvmmu::Mfn> frames() const override { return p2m_; }
  std::byte* frame(pvmmu::Mfn frame) override;

  uint64_t read_entry(pvmmu::Mfn table, unsigned index);

  struct Translation {
    pvmmu::Mfn frame;
    uint64_t flags = 0;
  };
  // As the processor walks: flags are the leaf's, W only if every level has it; nullopt if not
  // present.
  std::optional<Translation> translate(pvmmu::Mfn root, pvmmu::LinearAddr address);
  // Bytes at a mapped address.
  std::vector<std::byte> read(pvmmu::Mfn root, pvmmu::LinearAddr address, size_t size);

 private:
  std::vector<pvmmu::Mfn> p2m_;
  std::map<pvmmu::Mfn, std::unique_ptr<std::byte[]>> pages_;
};

}  // namespace vmm
