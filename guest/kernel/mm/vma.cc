#include "mm/vma.h"

#include <initializer_list>

#include "mm/shared_object.h"

namespace kernel {
namespace {

bool can_merge(const Vma& low, const Vma& high) {
  if (low.end != high.start || low.prot != high.prot || low.eager || high.eager ||
      low.backing != high.backing || low.object != high.object) {
    return false;
  }
  return low.is_private() || low.object_page_at(low.end) == high.object_page;
}

}  // namespace

Vma* VmaList::find_end_above(uint64_t address) const {
  Vma* vma = first_;
  while (vma != nullptr && vma->end <= address) {
    vma = vma->next;
  }
  return vma;
}

Vma* VmaList::find(uint64_t address) const {
  Vma* vma = find_end_above(address);
  return vma != nullptr && vma->contains(address) ? vma : nullptr;
}

bool VmaList::is_free(uint64_t start, uint64_t end) const {
  const Vma* vma = find_end_above(start);
  return vma == nullptr || vma->start >= end;
}

bool VmaList::is_covered(uint64_t start, uint64_t end) const {
  for (const Vma* vma = find_end_above(start); start < end; vma = vma->next) {
    if (vma == nullptr || vma->start > start) {
      return false;
    }
    start = vma->end;
  }
  return true;
}

uint64_t VmaList::find_gap(uint64_t length, uint64_t from, uint64_t limit) const {
  if (length > limit - from) {
    return 0;
  }
  for (const Vma* vma = find_end_above(from); vma != nullptr; vma = vma->next) {
    if (vma->start >= from && vma->start - from >= length) {
      break;
    }
    from = vma->end;
  }
  return from <= limit && limit - from >= length ? from : 0;
}

Vma* VmaList::insert(const Vma& area) {
  Vma* vma = pool_.get();
  if (vma == nullptr) {
    return nullptr;
  }
  *vma = area;
  link_in_order(*vma);
  const uint64_t start = area.start;
  merge(area.start, area.end);
  return find(start);
}

bool VmaList::split(Vma& vma, uint64_t at) {
  Vma* high = pool_.get();
  if (high == nullptr) {
    return false;
  }
  *high = vma;
  high->start = at;
  if (!vma.is_private()) {
    high->object_page = vma.object_page_at(at);
  }
  if (vma.has_object()) {
    shared_object_get(*vma.object);
  }
  vma.end = at;
  link_after(&vma, *high);
  return true;
}

bool VmaList::split_at_ends(uint64_t start, uint64_t end) {
  for (const uint64_t border : {start, end}) {
    Vma* vma = find(border);
    if (vma != nullptr && vma->start < border && !split(*vma, border)) {
      return false;
    }
  }
  return true;
}

void VmaList::remove(Vma& vma) {
  unlink(vma);
  if (vma.has_object()) {
    shared_object_put(*vma.object);
  }
  pool_.put(&vma);
}

void VmaList::relocate(Vma& vma, uint64_t start) {
  unlink(vma);
  vma.end = start + (vma.end - vma.start);
  vma.start = start;
  link_in_order(vma);
  merge(vma.start, vma.end);
}

void VmaList::merge(uint64_t start, uint64_t end) {
  // From the area that ends at or above `start`, so that it can take up the one that begins there.
  Vma* vma = first_;
  while (vma != nullptr && vma->end < start) {
    vma = vma->next;
  }
  while (vma != nullptr && vma->next != nullptr && vma->next->start <= end) {
    if (can_merge(*vma, *vma->next)) {
      vma->end = vma->next->end;
      remove(*vma->next);
    } else {
      vma = vma->next;
    }
  }
}

void VmaList::link_in_order(Vma& vma) {
  Vma* previous = nullptr;
  for (Vma* other = first_; other != nullptr && other->start < vma.start; other = other->next) {
    previous = other;
  }
  link_after(previous, vma);
}

void VmaList::link_after(Vma* previous, Vma& vma) {
  vma.previous = previous;
  vma.next = previous != nullptr ? previous->next : first_;
  (previous != nullptr ? previous->next : first_) = &vma;
  if (vma.next != nullptr) {
    vma.next->previous = &vma;
  }
}

void VmaList::unlink(Vma& vma) {
  (vma.previous != nullptr ? vma.previous->next : first_) = vma.next;
  if (vma.next != nullptr) {
    vma.next->previous = vma.previous;
  }
}

}  // namespace kernel
