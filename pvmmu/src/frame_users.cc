// Who uses a frame: the chain of references that an explanation shows.
#include "pvmmu/mmu.h"

namespace pvmmu {

namespace {

class UserList {
 public:
  explicit UserList(std::span<FrameUser> users) : users_(users) {}
  void add(const FrameUser& user) {
    if (count_ < users_.size()) users_[count_] = user;
    ++count_;
  }
  size_t count() const { return count_; }

 private:
  std::span<FrameUser> users_;
  size_t count_ = 0;
};

}  // namespace

size_t Mmu::find_users(Mfn frame, std::span<FrameUser> users) {
  UserList list(users);
  if (!frames_.contains(frame)) return 0;
  const PageInfo& page = frames_.at(frame);
  if (page.pinned) list.add(FrameUser{.kind = FrameUser::Kind::kPin});
  for (unsigned vcpu = 0; vcpu < vcpu_count_; ++vcpu) {
    if (roots_[vcpu].kernel == frame) {
      list.add(FrameUser{.kind = FrameUser::Kind::kKernelBasePointer, .vcpu = vcpu});
    }
    if (roots_[vcpu].user == frame) {
      list.add(FrameUser{.kind = FrameUser::Kind::kUserBasePointer, .vcpu = vcpu});
    }
  }
  for (uint32_t i = 0; i < page.external_count; ++i) {
    list.add(FrameUser{.kind = i < page.device_count ? FrameUser::Kind::kDevice
                                                     : FrameUser::Kind::kVmm});
  }
  for (size_t i = 0; i < frames_.size(); ++i) {
    const Mfn table(i);
    const PageType type = frames_.at(table).type;
    if (!is_table(type)) continue;
    for (unsigned slot = 0; slot < frames_.at(table).validated_entries; ++slot) {
      if (is_hypervisor_slot(table_level(type), slot)) continue;
      const uint64_t entry = platform_.read_entry(table, slot);
      if ((entry & kPtePresent) == 0 || (entry & kPteFrameMask) >> kPageShift != frame.raw()) {
        continue;
      }
      list.add(
          FrameUser{.kind = FrameUser::Kind::kEntry, .table = table, .slot = slot, .entry = entry});
    }
  }
  return list.count();
}

}  // namespace pvmmu
