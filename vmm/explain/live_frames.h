// The frames of the running machine. Only with the domain's lock held.
#pragma once

#include <span>

#include "explain/frame_source.h"
#include "pvmmu/mmu.h"

namespace vmm {

FrameState frame_state(const pvmmu::PageInfo& page);

class LiveFrames final : public FrameSource {
 public:
  // `m2p` may be empty: then no page is found.
  LiveFrames(pvmmu::Mmu& mmu, std::span<const uint64_t> m2p) : mmu_(mmu), m2p_(m2p) {}
  size_t frame_count() const override { return mmu_.frame_count(); }
  FrameState state(pvmmu::Mfn frame) const override { return frame_state(mmu_.page_info(frame)); }
  size_t find_users(pvmmu::Mfn frame, size_t limit,
                    std::vector<pvmmu::FrameUser>& users) const override;
  std::optional<pvmmu::Mfn> frame_of_page(pvmmu::Pfn page) const override;

 private:
  pvmmu::Mmu& mmu_;
  std::span<const uint64_t> m2p_;
};

}  // namespace vmm
