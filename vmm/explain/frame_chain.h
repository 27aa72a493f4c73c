// Who uses a frame, and who uses those tables in turn, up to a root.
//
// A use that relies on the frame's type stands in the way of everything else the frame might
// become, so those come first and the chain follows one of them upwards.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/linear_addr.h"
#include "explain/frame_source.h"
#include "pvmmu/walk.h"

namespace vmm {

struct FrameUse {
  pvmmu::FrameUser user;
  // kEntry: what the table is that holds the entry.
  pvmmu::PageType table_type = pvmmu::PageType::kNone;
  // Whether it relies on the frame's type (I2). A read-only mapping of a page does not.
  bool relies_on_type = false;
};

// One frame of the chain and its users: those that rely on its type first, of either at most so
// many.
struct FrameLink {
  static constexpr size_t kMaxUses = 8;

  pvmmu::Mfn frame;
  FrameState state;
  std::vector<FrameUse> uses;
  size_t use_count = 0;  // of all

  size_t uses_not_listed() const { return use_count - uses.size(); }
};

struct FrameChain {
  // A page, four levels of tables, and a same-level step at one of them.
  static constexpr size_t kMaxLinks = 6;

  std::vector<FrameLink> links;        // the frame asked for first
  std::vector<pvmmu::WalkStep> steps;  // steps[i] is in the table links[i + 1], names links[i]

  // What the first link maps, or the start of the region that it is the table of; none if the chain
  // does not lead to an L4 table by one level at a time.
  std::optional<pvmmu::LinearAddr> address() const;
};

// For a frame that the machine has.
FrameLink find_link(const FrameSource& frames, pvmmu::Mfn frame);
FrameChain find_chain(const FrameSource& frames, pvmmu::Mfn frame);

// The linear address that an entry translates, by the first way from a root to its table.
std::optional<pvmmu::LinearAddr> address_of_entry(const FrameSource& frames, pvmmu::Mfn table,
                                                  unsigned slot);

}  // namespace vmm
