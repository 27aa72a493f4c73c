#include "hypercalls/run_state.h"

#include <algorithm>
#include <cstddef>

#include "hypercalls/guest_arguments.h"

namespace vmm {
namespace {

// Adds the time since the state was entered.
void account(vcpu_runstate_info_t& info, uint64_t now) {
  info.time[info.state] += now - std::min(now, info.state_entry_time);
}

}  // namespace

RunStates::RunStates(unsigned vcpu_count, Clock& clock) : clock_(clock), entries_(vcpu_count) {
  const uint64_t now = clock_.now();
  for (Entry& entry : entries_) {
    entry.info.state = RUNSTATE_offline;
    entry.info.state_entry_time = now;
  }
  entries_.front().info.state = RUNSTATE_running;
}

void RunStates::change(VcpuId vcpu, int state) {
  const uint64_t now = clock_.now();
  std::lock_guard lock(mutex_);
  vcpu_runstate_info_t& info = entries_[vcpu_index(vcpu)].info;
  account(info, now);
  info.state = state;
  info.state_entry_time = now;
}

vcpu_runstate_info_t RunStates::snapshot(VcpuId vcpu) const {
  const uint64_t now = clock_.now();
  std::lock_guard lock(mutex_);
  vcpu_runstate_info_t info = entries_[vcpu_index(vcpu)].info;
  account(info, now);
  return info;
}

void RunStates::register_area(VcpuId vcpu, pvmmu::LinearAddr area) {
  std::lock_guard lock(mutex_);
  entries_[vcpu_index(vcpu)].area = area;
}

void RunStates::publish(VcpuId vcpu, GuestAccess& access, bool announce_update) {
  Entry entry;
  {
    std::lock_guard lock(mutex_);
    entry = entries_[vcpu_index(vcpu)];
  }
  if (!entry.area) return;
  if (!announce_update) {
    write_argument(access, *entry.area, entry.info);
    return;
  }
  const pvmmu::LinearAddr time_place =
      *entry.area + offsetof(vcpu_runstate_info_t, state_entry_time);
  const uint64_t entry_time = entry.info.state_entry_time;
  entry.info.state_entry_time |= XEN_RUNSTATE_UPDATE;
  if (!write_argument(access, time_place, entry.info.state_entry_time)) return;
  if (!write_argument(access, *entry.area, entry.info)) return;
  write_argument(access, time_place, entry_time);
}

}  // namespace vmm
