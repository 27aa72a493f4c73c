// What the memory of the workload's processes must look like: a plain model of areas, contents, and
// of what entries of page tables say as far as that is defined.
//
// It knows nothing of page tables, frames or hypercalls: a page of a process has rights, contents,
// and a few facts that may be unknown, where they depend on the order in which processes run. Pages
// are numbered through all regions; a page that no region has lies between two of them unless one
// was asked to follow the other. Copyable: a copy is a state to come back to.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace vmm::fuzz {

enum class Known : uint8_t { kNo, kYes, kUnknown };

inline Known known(bool value) {
  return value ? Known::kYes : Known::kNo;
}

// The first word of a page, and what the others are: word i is *fill + i, or all are 0.
struct Contents {
  uint64_t word = 0;
  std::optional<uint64_t> fill;

  bool verifies(uint64_t value) const { return fill == value && word == value; }
};

enum class Backing : uint8_t { kPrivate, kShared, kFile, kDevice };

inline constexpr uint8_t kReadable = 1, kWritable = 2;
inline constexpr uint32_t kNoFrame = ~uint32_t{0};

// A page of a process.
struct Page {
  bool mapped = false;
  uint8_t protection = 0;  // guest_abi::kProt bits
  Backing backing = Backing::kPrivate;
  uint32_t object = 0;         // of shared memory and files
  uint32_t object_page = 0;    // ..., and of a device
  uint32_t frame = kNoFrame;   // private memory that was touched
  Known entry = Known::kNo;    // whether the entry names a frame
  Known swapped = Known::kNo;  // whether it names a slot of the swap area
  Known accessed = Known::kNo;
  Known dirty = Known::kNo;  // of a file's page as long as it was not written back since:
  uint32_t write_backs = 0;  // ObjectPage::write_backs when the entry became dirty

  bool readable() const { return mapped && protection != 0; }
  bool writable() const { return mapped && (protection & kWritable) != 0; }
};

using AddressSpace = std::vector<Page>;

// A range of pages of an address space.
struct Pages {
  uint32_t first = 0;
  uint32_t end = 0;
  uint32_t count() const { return end - first; }
};

// Errors are Linux's numbers; 0 is success.
class MemoryModel {
 public:
  explicit MemoryModel(uint32_t page_count) : page_count_(page_count) {}

  AddressSpace empty_space() const { return AddressSpace(page_count_); }
  void add_pages(uint32_t count) { page_count_ += count; }
  uint32_t page_count() const { return page_count_; }

  int map(AddressSpace& space, Pages pages, uint8_t protection, Backing backing);
  int unmap(AddressSpace& space, Pages pages);
  int protect(AddressSpace& space, Pages pages, uint8_t protection);
  int populate(AddressSpace& space, Pages pages);
  int drop(AddressSpace& space, Pages pages);  // madvise(DONTNEED)
  int swap_out(AddressSpace& space, Pages pages);
  int write_back(AddressSpace& space, Pages pages);
  int clear_refs(AddressSpace& space, Pages pages);
  void age(AddressSpace& space, Pages pages);  // young()
  int move(AddressSpace& space, Pages pages, uint32_t to);

  // Of a page that permits it.
  const Contents& read(AddressSpace& space, uint32_t page);
  Contents& write(AddressSpace& space, uint32_t page);
  // Without touching it.
  Contents peek(const AddressSpace& space, uint32_t page) const;
  bool page_is_dirty(const Page& page) const;
  // What the entry says, A and D of what was touched.
  Known dirty(const Page& page) const;
  // Whether other address spaces ever had the page's frame too.
  bool was_shared(const Page& page) const;

  // `settled`: the parent does nothing until the child has ended.
  AddressSpace fork(AddressSpace& parent, bool settled);
  void release(AddressSpace& space);

 private:
  struct Frame {
    Contents contents;
    uint32_t users = 1;
    bool was_shared = false;
    bool unsettled = false;  // how many users it has depends on who runs first
  };
  struct ObjectPage {
    Contents contents;
    bool dirty = false;
    uint32_t write_backs = 0;
  };
  using Object = std::vector<ObjectPage>;

  void zap(Page& page);
  uint32_t add_frame(const Contents& contents);
  void own_frame(Page& page);
  void touch(Page& page, bool write);
  ObjectPage& object_page(const Page& page);
  const ObjectPage& object_page(const Page& page) const;
  bool written_back(const Page& page) const;
  void set_protection(Page& page, uint8_t protection) const;
  static bool continues(const Page& low, const Page& high);

  uint32_t page_count_;
  std::vector<Frame> frames_;
  std::vector<Object> objects_;
  Object device_ = Object(64);
};

}  // namespace vmm::fuzz
