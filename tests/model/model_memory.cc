// Memory as the model keeps it, and what linear addresses mean in it.
#include <algorithm>
#include <cstring>

#include "base/pte.h"
#include "reference_model.h"

namespace pvmmu::model {

void ReferenceModel::set_word(uint64_t frame, unsigned slot, uint64_t value) {
  uint64_t& word = word_of(memory_, frame, slot);
  if (word == value) return;
  word = value;
  used_slots_.insert(slot);
  changed_frames_ |= uint64_t{1} << frame;
}

void ReferenceModel::put_bytes(uint64_t machine_address, const void* from, uint64_t size) {
  for (uint64_t i = 0; i < size; ++i) {
    const uint64_t at = machine_address + i;
    const auto slot = static_cast<unsigned>(at % kPageSize / 8);
    uint64_t value = word(at / kPageSize, slot);
    std::memcpy(reinterpret_cast<char*>(&value) + at % 8, static_cast<const char*>(from) + i, 1);
    set_word(at / kPageSize, slot, value);
  }
}

// Whether a processor is in the way of the store to this entry. It is so once.
bool ReferenceModel::race_at(uint64_t frame, unsigned slot) {
  const uint64_t value = word(frame, slot);
  if (race_.bits == 0 || race_.frame != frame || race_.slot != slot) return false;
  if ((value & kPtePresent) == 0) return false;
  set_word(frame, slot, value | (race_.bits & kPteAccessedDirty));
  race_.bits = 0;
  return true;
}

ReferenceModel::Walk ReferenceModel::walk(std::optional<uint64_t> root, uint64_t address) const {
  Walk walked;
  const uint64_t top = address >> 47;
  walked.canonical = top == 0 || top == 0x1ffff;
  if (!walked.canonical || !root) return walked;
  walked.writable = walked.user = true;
  uint64_t frame = *root;
  for (unsigned level = 4; level >= 1; --level) {
    const auto slot = static_cast<unsigned>(address >> (12 + 9 * (level - 1)) & 511);
    const uint64_t entry = word(frame, slot);
    walked.path.push_back({frame, slot, entry});
    if ((entry & kPtePresent) == 0) return walked;
    walked.writable = walked.writable && (entry & kPteWritable) != 0;
    walked.user = walked.user && (entry & kPteUser) != 0;
    frame = (entry & kPteFrameMask) >> kPageShift;
  }
  walked.mapped = true;
  walked.machine_address = frame * kPageSize + address % kPageSize;
  return walked;
}

// What a processor that uses the translation sets. The hypervisor's own tables are not marked.
void ReferenceModel::mark(const Walk& walked, bool write) {
  for (size_t i = 0; i < walked.path.size(); ++i) {
    const WalkStep& step = walked.path[i];
    if (!is_guest_frame(step.frame)) return;
    const bool leaf = i + 1 == walked.path.size();
    const uint64_t bits = kPteAccessed | (leaf && write ? kPteDirty : 0);
    if ((word(step.frame, step.slot) & bits) == bits) continue;
    race_at(step.frame, step.slot);
    set_word(step.frame, step.slot, word(step.frame, step.slot) | bits);
  }
}

bool ReferenceModel::read_guest(std::optional<uint64_t> root, uint64_t address, void* to,
                                uint64_t size) {
  if (size != 0 && address + (size - 1) < address) return false;
  for (uint64_t done = 0; done < size;) {
    const Walk walked = walk(root, address + done);
    if (!walked.permits(false)) return false;
    mark(walked, false);
    const uint64_t chunk = std::min(size - done, kPageSize - (address + done) % kPageSize);
    std::memcpy(static_cast<char*>(to) + done,
                reinterpret_cast<const char*>(memory_.data()) + walked.machine_address, chunk);
    done += chunk;
  }
  return true;
}

bool ReferenceModel::write_guest(std::optional<uint64_t> root, uint64_t address, const void* from,
                                 uint64_t size) {
  if (size != 0 && address + (size - 1) < address) return false;
  for (uint64_t done = 0; done < size;) {
    const Walk walked = walk(root, address + done);
    if (!walked.permits(true) || !can_write(walked.machine_address / kPageSize).ok()) return false;
    mark(walked, true);
    const uint64_t chunk = std::min(size - done, kPageSize - (address + done) % kPageSize);
    put_bytes(walked.machine_address, static_cast<const char*>(from) + done, chunk);
    done += chunk;
  }
  return true;
}

std::optional<uint64_t> ReferenceModel::processor_store(unsigned vcpu, bool user, uint64_t address,
                                                        uint64_t value) {
  address &= ~uint64_t{7};
  const Walk walked = walk(root(vcpu, user), address);
  if (!walked.permits(true)) return std::nullopt;
  mark(walked, true);
  put_bytes(walked.machine_address, &value, sizeof value);
  return walked.machine_address;
}

}  // namespace pvmmu::model
