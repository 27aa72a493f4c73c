#include "accelerator/translations.h"

namespace vmm {

DeviceEntry* Translations::use(const DevicePage& page, bool write) {
  CacheLine& line = line_of(page);
  DeviceEntry* entry = nullptr;
  if (line.entry != nullptr && line.page == page) {
    ++cache_hits_;
    entry = line.entry;
  } else if (const auto found = entries_.find(page); found != entries_.end()) {
    entry = &found->second;
    line = {page, entry};
  }
  if (entry == nullptr || (write && !entry->writable)) return nullptr;
  entry->accessed = true;
  return entry;
}

void Translations::forget(const DevicePage& page) {
  CacheLine& line = line_of(page);
  if (line.page == page) line = {};
}

void Translations::establish(const DevicePage& page, const DeviceEntry& entry) {
  const auto [place, is_new] = entries_.try_emplace(page, entry);
  if (is_new) return;
  leaving_.push_back(place->second);
  place->second = entry;
}

void Translations::take_out(uint64_t context, uint64_t address, uint64_t end) {
  auto at = entries_.lower_bound({context, address});
  while (at != entries_.end() && at->first < DevicePage{context, end}) {
    leaving_.push_back(at->second);
    forget(at->first);
    at = entries_.erase(at);
  }
}

void Translations::take_out_any() {
  const DevicePage page = entries_.begin()->first;
  take_out(page.context, page.address, page.address + pvmmu::kPageSize);
}

std::vector<pvmmu::Mfn> Translations::frames() const {
  std::vector<pvmmu::Mfn> frames;
  frames.reserve(entries_.size() + leaving_.size());
  for (const auto& [page, entry] : entries_) frames.push_back(entry.frame);
  for (const DeviceEntry& entry : leaving_) frames.push_back(entry.frame);
  return frames;
}

}  // namespace vmm
