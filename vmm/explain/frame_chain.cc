#include "explain/frame_chain.h"

#include <algorithm>

#include "base/pte.h"

namespace vmm {
namespace {

using pvmmu::FrameUser;
using pvmmu::Mfn;
using pvmmu::PageType;

// Enough that those which rely on the type are among them, or are too many to list anyway.
constexpr size_t kUsersRead = 256;

// Whether a use by an entry counts in the type count. [pvmmu/page_info.h]
bool entry_relies_on_type(const FrameUser& user, PageType table_type, Mfn frame) {
  if (user.table == frame) return false;
  return table_type != PageType::kL1 || (user.entry & pvmmu::kPteWritable) != 0;
}

FrameUse use_of(const FrameSource& frames, const FrameUser& user, Mfn frame) {
  FrameUse use{user, PageType::kNone, true};
  if (user.kind != FrameUser::Kind::kEntry) return use;
  use.table_type = frames.state(user.table).type;
  use.relies_on_type = entry_relies_on_type(user, use.table_type, frame);
  // The processor's bits say nothing about the reference, and differ between machines.
  use.user.entry &= ~pvmmu::kPteAccessedDirty;
  return use;
}

// 0 for what is no table.
unsigned level_of(PageType type) {
  return pvmmu::is_table(type) ? pvmmu::level_number(pvmmu::table_level(type)) : 0;
}

// The entry by which the chain goes on: of a table one level above if there is one. For a page that
// nobody writes, a mapping of it; a mapping of a table leads nowhere.
const FrameUse* upward_use(const FrameLink& link) {
  const FrameUse* other = nullptr;
  for (const FrameUse& use : link.uses) {
    if (use.user.kind != FrameUser::Kind::kEntry || use.user.table == link.frame) continue;
    if (!use.relies_on_type && pvmmu::is_table(link.state.type)) continue;
    if (level_of(use.table_type) == level_of(link.state.type) + 1) return &use;
    if (other == nullptr) other = &use;
  }
  return other;
}

pvmmu::LinearAddr sign_extended(uint64_t address) {
  return pvmmu::LinearAddr((address >> 47) == 0 ? address : address | 0xffff'0000'0000'0000);
}

}  // namespace

FrameLink find_link(const FrameSource& frames, Mfn frame) {
  FrameLink link;
  link.frame = frame;
  link.state = frames.state(frame);
  std::vector<FrameUser> users;
  link.use_count = frames.find_users(frame, kUsersRead, users);
  for (const FrameUser& user : users) link.uses.push_back(use_of(frames, user, frame));
  std::stable_partition(link.uses.begin(), link.uses.end(),
                        [](const FrameUse& use) { return use.relies_on_type; });
  if (link.uses.size() > FrameLink::kMaxUses) link.uses.resize(FrameLink::kMaxUses);
  return link;
}

FrameChain find_chain(const FrameSource& frames, Mfn frame) {
  FrameChain chain;
  chain.links.push_back(find_link(frames, frame));
  while (chain.links.size() < FrameChain::kMaxLinks) {
    const FrameUse* use = upward_use(chain.links.back());
    if (use == nullptr) break;
    const FrameUser user = use->user;
    chain.steps.push_back({user.table, user.slot, user.entry});
    chain.links.push_back(find_link(frames, user.table));
  }
  return chain;
}

std::optional<pvmmu::LinearAddr> FrameChain::address() const {
  if (links.empty() || links.back().state.type != PageType::kL4) return std::nullopt;
  uint64_t address = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const PageType above = links[i + 1].state.type;
    if (level_of(above) != level_of(links[i].state.type) + 1) return std::nullopt;
    address |= uint64_t{steps[i].slot} << pvmmu::level_shift(pvmmu::table_level(above));
  }
  return sign_extended(address);
}

std::optional<pvmmu::LinearAddr> address_of_entry(const FrameSource& frames, Mfn table,
                                                  unsigned slot) {
  if (!frames.contains(table) || !pvmmu::is_table(frames.state(table).type)) return std::nullopt;
  const FrameChain chain = find_chain(frames, table);
  const auto region = chain.address();
  if (!region) return std::nullopt;
  const pvmmu::PtLevel level = pvmmu::table_level(chain.links.front().state.type);
  return sign_extended(region->raw() | uint64_t{slot} << pvmmu::level_shift(level));
}

}  // namespace vmm
