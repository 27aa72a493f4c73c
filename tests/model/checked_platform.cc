#include "checked_platform.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/pte.h"

namespace pvmmu::model {

namespace {

std::string place_text(Mfn frame, unsigned slot) {
  return "entry " + std::to_string(frame.raw()) + "." + std::to_string(slot);
}

}  // namespace

CheckedPlatform::CheckedPlatform(std::span<const PageInfo> types, unsigned vcpu_count)
    : types_(types),
      all_vcpus_((VcpuMask{1} << vcpu_count) - 1),
      memory_(initial_image()),
      oracle_(*this, vcpu_count) {
  for (const size_t place : initial_places()) {
    const auto slot = static_cast<unsigned>(place % kEntriesPerTable);
    note_written(Mfn(place / kEntriesPerTable), slot, slot);
  }
}

bool CheckedPlatform::inside(Maddr at, size_t size) {
  if (exists(at.frame().raw()) && size <= kPageSize && at.offset() + size <= kPageSize) return true;
  find("an access outside memory or across a frame: " + std::to_string(at.raw()) + " size " +
       std::to_string(size));
  return false;
}

void CheckedPlatform::note_written(Mfn frame, unsigned first_slot, unsigned last_slot) {
  changed_frames_ |= uint64_t{1} << frame.raw();
  for (unsigned slot = first_slot; slot <= last_slot; ++slot) {
    used_slots_[frame.raw()][slot / 64] |= uint64_t{1} << (slot % 64);
  }
}

unsigned CheckedPlatform::next_used_slot(Mfn table, unsigned from) const {
  const auto& words = used_slots_[table.raw()];
  for (unsigned word = from / 64; word < words.size(); ++word) {
    const uint64_t rest =
        word == from / 64 ? words[word] >> (from % 64) << (from % 64) : words[word];
    if (rest != 0) return word * 64 + static_cast<unsigned>(std::countr_zero(rest));
  }
  return kEntriesPerTable;
}

uint64_t CheckedPlatform::read_entry(Mfn table, unsigned slot) {
  if (slot < kEntriesPerTable && exists(table.raw())) return memory_[index(table, slot)];
  find("a read of " + place_text(table, slot) + ", which does not exist");
  return 0;
}

void CheckedPlatform::expect_table(Mfn table, const char* what) {
  const PageType type = type_of(table);
  if (is_table(type) || type == PageType::kSegDesc) return;
  find(std::string(what) + " in frame " + std::to_string(table.raw()) + ", which is of type " +
       page_type_name(type));
}

void CheckedPlatform::race_before_exchange(Mfn table, unsigned slot) {
  uint64_t& word = memory_[index(table, slot)];
  const bool here = race_.bits != 0 && table.raw() == race_.frame && slot == race_.slot;
  if (!here || (word & kPtePresent) == 0) return;
  word |= race_.bits & kPteAccessedDirty;
  race_.bits = 0;
  note_written(table, slot, slot);
}

bool CheckedPlatform::compare_exchange_entry(Mfn table, unsigned slot, uint64_t& expected,
                                             uint64_t desired) {
  if (slot >= kEntriesPerTable || !exists(table.raw())) {
    find("a change of " + place_text(table, slot) + ", which does not exist");
    return true;
  }
  expect_table(table, "an entry is replaced");
  race_before_exchange(table, slot);
  uint64_t& word = memory_[index(table, slot)];
  if (word != expected) {
    expected = word;
    return false;
  }
  const uint64_t before = word;
  if (((before ^ desired) & ~kPteAccessedDirty) != 0) oracle_.before_change();
  word = desired;
  note_written(table, slot, slot);
  // A or D that only appear need no flush: a processor might have set them.
  if ((before & kPtePresent) != 0 && (before & ~desired) != 0)
    unannounced_.push_back({table, slot});
  if ((before & kPtePresent) != 0 && (desired & ~before & ~kPteAccessedDirty) != 0) {
    unannounced_.push_back({table, slot});
  }
  return true;
}

void CheckedPlatform::read_bytes(Maddr from, void* to, size_t size) {
  if (!inside(from, size)) {
    std::memset(to, 0, size);
    return;
  }
  std::memcpy(to, reinterpret_cast<const char*>(&memory_[index(from.frame(), 0)]) + from.offset(),
              size);
}

void CheckedPlatform::write_bytes(Maddr to, const void* from, size_t size) {
  if (!inside(to, size) || size == 0) return;
  const PageInfo& page = types_[to.frame().raw()];
  const bool allowed = page.type == PageType::kWritable || page.type == PageType::kSegDesc;
  if (!allowed || page.type_count == 0) {
    find("a plain write to frame " + std::to_string(to.frame().raw()) + ", which is of type " +
         page_type_name(page.type));
  }
  oracle_.frame_is_written(to.frame());
  std::memcpy(reinterpret_cast<char*>(&memory_[index(to.frame(), 0)]) + to.offset(), from, size);
  note_written(to.frame(), static_cast<unsigned>(to.offset() / 8),
               static_cast<unsigned>((to.offset() + size - 1) / 8));
}

void CheckedPlatform::store(uint64_t frame, unsigned slot, uint64_t value) {
  memory_[index(Mfn(frame), slot)] = value;
  note_written(Mfn(frame), slot, slot);
}

void CheckedPlatform::entry_changed(Mfn table, unsigned slot) {
  std::erase_if(unannounced_,
                [&](const Place& place) { return place.table == table && place.slot == slot; });
}

void CheckedPlatform::frame_becomes_table(Mfn table) {
  announced_.at(table.raw()) = true;
  oracle_.frame_becomes_table(table);
}

void CheckedPlatform::flush_tlb(VcpuMask vcpus, TlbFlush what) {
  if (vcpus == 0 || (vcpus & ~all_vcpus_) != 0) {
    find("a flush of vCPUs " + std::to_string(vcpus) + ", which do not all exist");
  }
  if (!what.all && !what.address.canonical()) {
    find("a flush of the non-canonical address " + std::to_string(what.address.raw()));
  }
  for (const Place& place : unannounced_) {
    find("a flush before the change of " + place_text(place.table, place.slot) + " was announced");
  }
  oracle_.flushed(vcpus, what);
}

void CheckedPlatform::check_at_rest(const std::vector<TlbOracle::Roots>& roots) {
  for (const Place& place : unannounced_) {
    find("the change of " + place_text(place.table, place.slot) + " was not announced");
  }
  for (unsigned frame = 0; frame < kFrames; ++frame) {
    const bool table = is_table(types_[frame].type);
    if (table && !announced_[frame]) {
      find("frame " + std::to_string(frame) + " became a table without notice");
    }
    announced_[frame] = table;
  }
  oracle_.resume(roots);
  oracle_.check_at_rest();
}

std::optional<std::string> CheckedPlatform::finding() const {
  if (!findings_.empty()) return "platform: " + findings_.front();
  if (!oracle_.findings().empty()) return "oracle: " + oracle_.findings().front();
  return std::nullopt;
}

uint64_t CheckedPlatform::take_changed_frames() {
  return std::exchange(changed_frames_, 0);
}

}  // namespace pvmmu::model
