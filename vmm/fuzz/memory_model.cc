#include "fuzz/memory_model.h"

#include <cerrno>
#include <utility>

#include "guest_abi/syscall.h"

namespace vmm::fuzz {

static_assert(kReadable == guest_abi::kProtRead && kWritable == guest_abi::kProtWrite);

uint32_t MemoryModel::add_frame(const Contents& contents) {
  frames_.push_back({contents});
  return static_cast<uint32_t>(frames_.size() - 1);
}

const MemoryModel::ObjectPage& MemoryModel::object_page(const Page& page) const {
  return page.backing == Backing::kDevice ? device_[page.object_page]
                                          : objects_[page.object][page.object_page];
}

MemoryModel::ObjectPage& MemoryModel::object_page(const Page& page) {
  return const_cast<ObjectPage&>(std::as_const(*this).object_page(page));
}

// The entry becomes none. Private memory loses its contents.
void MemoryModel::zap(Page& page) {
  if (page.frame != kNoFrame) --frames_[page.frame].users;
  page.frame = kNoFrame;
  page.entry = page.swapped = page.accessed = page.dirty = Known::kNo;
}

int MemoryModel::map(AddressSpace& space, Pages pages, uint8_t protection, Backing backing) {
  if (pages.count() == 0) return EINVAL;
  if (backing == Backing::kDevice && pages.count() > guest_abi::kDevicePages) return EINVAL;
  unmap(space, pages);
  const auto object = static_cast<uint32_t>(objects_.size());
  const bool has_object = backing == Backing::kShared || backing == Backing::kFile;
  if (has_object) objects_.emplace_back(pages.count());
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    Page& page = space[at];
    page.mapped = true;
    page.protection = protection;
    page.backing = backing;
    page.object = has_object ? object : 0;
    page.object_page = backing == Backing::kPrivate ? 0 : at - pages.first;
  }
  return 0;
}

int MemoryModel::unmap(AddressSpace& space, Pages pages) {
  if (pages.count() == 0) return EINVAL;
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    zap(space[at]);
    space[at] = {};
  }
  return 0;
}

// Since the entry became dirty.
bool MemoryModel::written_back(const Page& page) const {
  return page.backing == Backing::kFile && page.dirty == Known::kYes &&
         object_page(page).write_backs != page.write_backs;
}

// Writing back cleans entries that are present, but not those that PROT_NONE hides.
void MemoryModel::set_protection(Page& page, uint8_t protection) const {
  if (written_back(page)) page.dirty = page.protection != 0 ? Known::kNo : Known::kUnknown;
  page.protection = protection;
}

// As far as areas go without a hole.
int MemoryModel::protect(AddressSpace& space, Pages pages, uint8_t protection) {
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    if (!space[at].mapped) return ENOMEM;
    set_protection(space[at], protection);
  }
  return 0;
}

int MemoryModel::populate(AddressSpace& space, Pages pages) {
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    if (!space[at].mapped) return ENOMEM;
  }
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    if (space[at].protection == 0) return EINVAL;
  }
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    Page& page = space[at];
    if (page.entry != Known::kYes) touch(page, false);
    page.accessed = Known::kUnknown;
  }
  return 0;
}

int MemoryModel::drop(AddressSpace& space, Pages pages) {
  int error = 0;
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    if (!space[at].mapped) error = ENOMEM;
    zap(space[at]);
  }
  return error;
}

// Present pages of private memory go that nobody else has. Who else has them still, where somebody
// had, depends on when processes end, and on several vCPUs on when these let go of them.
int MemoryModel::swap_out(AddressSpace& space, Pages pages) {
  int error = 0;
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    Page& page = space[at];
    if (!page.mapped) error = ENOMEM;
    if (page.frame == kNoFrame || page.protection == 0 || page.swapped == Known::kYes) continue;
    const Frame& frame = frames_[page.frame];
    const bool certain = page.entry == Known::kYes && !frame.unsettled && !frame.was_shared;
    if (!certain) {
      page.entry = page.swapped = page.accessed = Known::kUnknown;
      if (page.dirty == Known::kYes) page.dirty = Known::kUnknown;
    } else {
      page.entry = page.accessed = page.dirty = Known::kNo;
      page.swapped = Known::kYes;
    }
  }
  return error;
}

int MemoryModel::write_back(AddressSpace& space, Pages pages) {
  int error = 0;
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    Page& page = space[at];
    if (!page.mapped) error = ENOMEM;
    if (!page.mapped || page.backing != Backing::kFile) continue;
    ObjectPage& file_page = object_page(page);
    if (!file_page.dirty) continue;  // no entry of the page is dirty either
    file_page.dirty = false;
    ++file_page.write_backs;
  }
  return error;
}

int MemoryModel::clear_refs(AddressSpace& space, Pages pages) {
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    Page& page = space[at];
    if (page.protection == 0) continue;  // only what is present
    page.dirty = Known::kNo;
    page.accessed = Known::kUnknown;
  }
  return 0;
}

void MemoryModel::age(AddressSpace& space, Pages pages) {
  for (uint32_t at = pages.first; at < pages.end; ++at) space[at].accessed = Known::kUnknown;
}

// Whether two neighbours are one mapping.
bool MemoryModel::continues(const Page& low, const Page& high) {
  if (!low.mapped || !high.mapped || low.protection != high.protection ||
      low.backing != high.backing || low.object != high.object) {
    return false;
  }
  return low.backing == Backing::kPrivate || low.object_page + 1 == high.object_page;
}

int MemoryModel::move(AddressSpace& space, Pages pages, uint32_t to) {
  const uint32_t to_end = to + pages.count();
  if (pages.count() == 0 || (pages.first < to_end && to < pages.end)) return EINVAL;
  if (!space[pages.first].mapped) return EFAULT;
  for (uint32_t at = pages.first + 1; at < pages.end; ++at) {
    if (!continues(space[at - 1], space[at])) return EFAULT;
  }
  unmap(space, {to, to_end});
  for (uint32_t at = pages.first; at < pages.end; ++at) {
    space[to + (at - pages.first)] = space[at];
    space[at] = {};
  }
  return 0;
}

// A private page has a frame that nobody else writes to.
void MemoryModel::own_frame(Page& page) {
  if (page.frame == kNoFrame) {
    page.frame = add_frame({});
    return;
  }
  if (frames_[page.frame].users == 1) return;
  --frames_[page.frame].users;
  page.frame = add_frame(Contents(frames_[page.frame].contents));
}

// What an access leaves in the entry.
void MemoryModel::touch(Page& page, bool write) {
  if (page.backing == Backing::kPrivate) {
    // Each who brings a page back from the swap area has a copy.
    if (write || page.frame == kNoFrame || page.swapped == Known::kYes) own_frame(page);
    if (page.swapped == Known::kUnknown) frames_[page.frame].unsettled = true;
  }
  if (page.entry == Known::kNo) page.dirty = Known::kNo;
  page.entry = Known::kYes;
  page.swapped = Known::kNo;
  page.accessed = Known::kYes;
  if (write) page.dirty = Known::kYes;
}

const Contents& MemoryModel::read(AddressSpace& space, uint32_t at) {
  Page& page = space[at];
  touch(page, false);
  return page.backing == Backing::kPrivate ? frames_[page.frame].contents
                                           : object_page(page).contents;
}

Contents& MemoryModel::write(AddressSpace& space, uint32_t at) {
  Page& page = space[at];
  touch(page, true);
  if (page.backing == Backing::kPrivate) return frames_[page.frame].contents;
  ObjectPage& shared = object_page(page);
  if (page.backing == Backing::kFile) {
    shared.dirty = true;
    page.write_backs = shared.write_backs;
  }
  return shared.contents;
}

Contents MemoryModel::peek(const AddressSpace& space, uint32_t at) const {
  const Page& page = space[at];
  if (page.backing == Backing::kPrivate) {
    return page.frame == kNoFrame ? Contents{} : frames_[page.frame].contents;
  }
  return object_page(page).contents;
}

bool MemoryModel::page_is_dirty(const Page& page) const {
  return page.mapped && page.backing == Backing::kFile && object_page(page).dirty;
}

Known MemoryModel::dirty(const Page& page) const {
  if (!written_back(page)) return page.dirty;
  return page.protection != 0 ? Known::kNo : Known::kUnknown;
}

bool MemoryModel::was_shared(const Page& page) const {
  return page.frame != kNoFrame && frames_[page.frame].was_shared;
}

AddressSpace MemoryModel::fork(AddressSpace& parent, bool settled) {
  AddressSpace child = parent;
  for (Page& page : child) {
    if (page.frame != kNoFrame) {
      Frame& frame = frames_[page.frame];
      ++frame.users;
      frame.was_shared = true;
      if (!settled) frame.unsettled = true;
    }
    page.accessed = page.accessed == Known::kNo ? Known::kNo : Known::kUnknown;
    if (page.backing == Backing::kShared || page.backing == Backing::kDevice) {
      page.dirty = Known::kNo;
    } else if (page.backing == Backing::kFile) {
      page.entry = page.accessed = page.dirty = Known::kNo;
    }
  }
  return child;
}

void MemoryModel::release(AddressSpace& space) {
  for (Page& page : space) {
    zap(page);
    page = {};
  }
}

}  // namespace vmm::fuzz
