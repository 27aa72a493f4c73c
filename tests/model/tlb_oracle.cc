#include "tlb_oracle.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "base/pte.h"
#include "pvmmu/type_keeper.h"

namespace pvmmu::model {

namespace {

std::string frame_text(uint64_t frame) {
  return "frame " + std::to_string(frame);
}

std::string vcpu_text(size_t vcpu) {
  return "vCPU " + std::to_string(vcpu);
}

bool has(uint64_t frames, uint64_t frame) {
  return (frames >> frame & 1) != 0;
}

uint8_t bit_of(PageType type) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(type));
}

template <typename T>
void merge_sorted(std::vector<T>& into, const std::vector<T>& more) {
  if (more.empty() || into == more) return;
  std::vector<T> merged;
  merged.reserve(into.size() + more.size());
  std::set_union(into.begin(), into.end(), more.begin(), more.end(), std::back_inserter(merged));
  into.swap(merged);
}

}  // namespace

bool TlbOracle::Structure::operator<(const Structure& other) const {
  return std::make_tuple(address, 4 - level, table, writable, type) <
         std::make_tuple(other.address, 4 - other.level, other.table, other.writable, other.type);
}

bool TlbOracle::Translation::operator<(const Translation& other) const {
  return std::tie(page, frame, table, upper_writable, writable, of_table) <
         std::tie(other.page, other.frame, other.table, other.upper_writable, other.writable,
                  other.of_table);
}

void TlbOracle::Reach::clear() {
  structures.clear();
  translations.clear();
  truncated = false;
}

TlbOracle::TlbOracle(const View& view, unsigned vcpu_count) : view_(view), vcpus_(vcpu_count) {}

void TlbOracle::leave_guest(VcpuId vcpu, bool from_kernel_mode) {
  catch_up();
  Vcpu& leaving = vcpus_.at(static_cast<uint32_t>(vcpu));
  leaving.running = false;
  leaving.held[from_kernel_mode ? kUser : kKernel].clear();
}

void TlbOracle::resume(const std::vector<Roots>& roots) {
  for (size_t i = 0; i < vcpus_.size(); ++i) {
    resume_one(VcpuId{static_cast<uint32_t>(i)}, roots[i]);
  }
}

void TlbOracle::resume_one(VcpuId id, Roots roots) {
  Vcpu& vcpu = vcpus_.at(static_cast<uint32_t>(id));
  if (vcpu.roots[kKernel] != roots.kernel) vcpu.held[kKernel].clear();
  if (vcpu.roots[kUser] != roots.user) vcpu.held[kUser].clear();
  vcpu.roots[kKernel] = roots.kernel;
  vcpu.roots[kUser] = roots.user;
  vcpu.running = true;
  dirty_ = true;
}

void TlbOracle::before_change() {
  catch_up();
  dirty_ = true;
}

void TlbOracle::flushed(VcpuMask vcpus, TlbFlush what) {
  // Types may have changed since the walks were made, and with them what a fresh load is.
  dirty_ = true;
  for (size_t i = 0; i < vcpus_.size(); ++i) {
    if ((vcpus >> i & 1) == 0) continue;
    for (Reach& held : vcpus_[i].held) {
      held.structures.clear();
      const uint64_t page = what.address.page().raw();
      std::erase_if(held.translations, [&](const Translation& translation) {
        return what.all || translation.page == page;
      });
    }
  }
  catch_up();
}

void TlbOracle::drop(VcpuId vcpu) {
  for (Reach& held : vcpus_.at(static_cast<uint32_t>(vcpu)).held) held.clear();
  dirty_ = true;
}

void TlbOracle::frame_becomes_table(Mfn frame) {
  catch_up();
  const PageType type = view_.type_of(frame);
  for (size_t i = 0; i < vcpus_.size(); ++i) {
    const Uses uses = uses_of(vcpus_[i]);
    if (has(uses.written, frame.raw())) {
      find(frame_text(frame.raw()) + " becomes a table while " + vcpu_text(i) +
           " may hold a writable translation to it");
    }
    if ((uses.walked[frame.raw()] & ~bit_of(type)) != 0) {
      find(frame_text(frame.raw()) + " becomes a table while " + vcpu_text(i) +
           " may still walk it as one of another level");
    }
  }
}

void TlbOracle::frame_is_written(Mfn frame) {
  catch_up();
  for (size_t i = 0; i < vcpus_.size(); ++i) {
    if (uses_of(vcpus_[i]).walked[frame.raw()] != 0) {
      find("the hypervisor writes " + frame_text(frame.raw()) + " while " + vcpu_text(i) +
           " may still walk it as a table");
    }
  }
}

void TlbOracle::check_at_rest() {
  check_tables();
  for (size_t i = 0; i < vcpus_.size(); ++i) {
    check_upper_levels(static_cast<unsigned>(i), vcpus_[i]);
  }
}

void TlbOracle::check_tables() {
  catch_up();
  for (size_t i = 0; i < vcpus_.size(); ++i) {
    const Uses uses = uses_of(vcpus_[i]);
    for (uint64_t frame = 0; frame < view_.frame_count(); ++frame) {
      const PageType type = view_.type_of(Mfn(frame));
      if (!has(uses.written, frame) || !(is_table(type) || type == PageType::kSegDesc)) continue;
      find(frame_text(frame) + " is a " + page_type_name(type) + " while " + vcpu_text(i) +
           " may hold a writable translation to it");
    }
  }
}

bool TlbOracle::may_write(VcpuId vcpu, Mfn frame) {
  catch_up();
  return has(uses_of(vcpus_.at(static_cast<uint32_t>(vcpu))).written, frame.raw());
}

// Lets every running vCPU load all that is walkable now.
void TlbOracle::catch_up() {
  if (!dirty_) return;
  walk_count_ = 0;
  dirty_ = false;
  for (Vcpu& vcpu : vcpus_) {
    if (vcpu.running) load(vcpu);
  }
  check_writable_frames();
}

void TlbOracle::load(Vcpu& vcpu) {
  for (unsigned mode = 0; mode < kModes; ++mode) {
    if (vcpu.roots[mode] == kInvalidMfn) continue;
    const Reach& now = reach_of(vcpu.roots[mode]);
    merge(vcpu.held[mode], now);
  }
}

const TlbOracle::Reach& TlbOracle::reach_of(Mfn root) {
  for (size_t i = 0; i < walk_count_; ++i) {
    if (walks_[i].first == root) return walks_[i].second;
  }
  if (walk_count_ == walks_.size()) walks_.emplace_back();
  auto& [walked, reach] = walks_[walk_count_++];
  walked = root;
  reach.clear();
  enumerate(root, 4, 0, true, reach);
  if (reach.truncated) ++truncations_;
  return reach;
}

void TlbOracle::enumerate(Mfn table, unsigned level, uint64_t address, bool writable,
                          Reach& reach) {
  const bool is_l4 = view_.type_of(table) == PageType::kL4;
  for (unsigned slot = view_.next_used_slot(table, 0); slot < kEntriesPerTable;
       slot = view_.next_used_slot(table, slot + 1)) {
    if (is_l4 && is_hypervisor_slot(PtLevel::kL4, slot)) continue;
    const uint64_t entry = view_.entry(table, slot);
    if ((entry & kPtePresent) == 0) continue;
    const uint64_t frame = (entry & kPteFrameMask) >> kPageShift;
    if (frame >= view_.frame_count()) {
      find("a walk leads out of memory, to " + frame_text(frame));
      continue;
    }
    const bool may_write = writable && (entry & kPteWritable) != 0;
    uint64_t at = address | uint64_t{slot} << level_shift(static_cast<PtLevel>(level));
    if (level == 4 && slot >= 256) at |= ~uint64_t{0} << 48;
    if (level != 1) {
      reach.structures.push_back({at, level, frame, may_write, view_.type_of(Mfn(frame))});
      enumerate(Mfn(frame), level - 1, at, may_write, reach);
    } else if (reach.translations.size() < kMostTranslations) {
      const bool of_table = is_table(view_.type_of(Mfn(frame))) && view_.is_validated(Mfn(frame));
      reach.translations.push_back({at, frame, table.raw(), writable, may_write, of_table});
    } else {
      reach.truncated = true;
    }
    if (reach.truncated) return;
  }
}

void TlbOracle::merge(Reach& held, const Reach& now) {
  merge_sorted(held.structures, now.structures);
  merge_sorted(held.translations, now.translations);
  held.truncated = held.truncated || now.truncated;
}

TlbOracle::Uses TlbOracle::uses_of(const Vcpu& vcpu) const {
  Uses uses;
  for (const Reach& held : vcpu.held) {
    for (const Structure& structure : held.structures) {
      uses.walked[structure.table] |= bit_of(structure.type);
    }
    for (const Translation& translation : held.translations) {
      uses.written |= uint64_t{translation.writable} << translation.frame;
      uses.as_table |= uint64_t{translation.of_table} << translation.frame;
    }
  }
  return uses;
}

// What is mapped writable now must not be used as a table, nor look like one, to any vCPU.
void TlbOracle::check_writable_frames() {
  uint64_t mapped = 0;
  for (size_t i = 0; i < walk_count_; ++i) {
    for (const Translation& translation : walks_[i].second.translations) {
      mapped |= uint64_t{translation.writable} << translation.frame;
    }
  }
  for (size_t i = 0; i < vcpus_.size(); ++i) {
    const Uses uses = uses_of(vcpus_[i]);
    for (uint64_t frame = 0; frame < view_.frame_count(); ++frame) {
      if (!has(mapped, frame)) continue;
      if (uses.walked[frame] != 0) {
        find(frame_text(frame) + " is mapped writable while " + vcpu_text(i) +
             " may still walk it as a table");
      }
      if (has(uses.as_table, frame)) {
        find(frame_text(frame) + " is mapped writable while " + vcpu_text(i) +
             " may hold the read-only translation that it had as a table");
      }
    }
  }
}

// The upper levels that the vCPU may use must all be walkable now.
void TlbOracle::check_upper_levels(unsigned number, const Vcpu& vcpu) {
  for (unsigned mode = 0; mode < kModes; ++mode) {
    const Reach& held = vcpu.held[mode];
    if (held.structures.empty() && held.translations.empty()) continue;
    const Reach nothing;
    const Reach& now = vcpu.roots[mode] == kInvalidMfn ? nothing : reach_of(vcpu.roots[mode]);
    if (held.truncated || now.truncated) continue;
    if (held.structures == now.structures && held.translations == now.translations) continue;
    for (const Structure& structure : held.structures) {
      if (std::binary_search(now.structures.begin(), now.structures.end(), structure)) continue;
      find(vcpu_text(number) + " may still use " + frame_text(structure.table) + " as the L" +
           std::to_string(structure.level - 1) + " table for address " +
           std::to_string(structure.address));
    }
    for (const Translation& translation : held.translations) {
      const uint64_t prefix = translation.page & ~((uint64_t{1} << 21) - 1);
      const Structure upper{prefix, 2, translation.table, translation.upper_writable,
                            view_.type_of(Mfn(translation.table))};
      if (std::binary_search(now.structures.begin(), now.structures.end(), upper)) continue;
      find(vcpu_text(number) + " may still use the translation of address " +
           std::to_string(translation.page) + " that an upper level forbids now");
    }
  }
}

}  // namespace pvmmu::model
