// The areas of an address space, and the sorted list of them.
//
// A Vma says what a range of linear addresses is for; the page tables only cache that. Invariants
// of a list: areas are page-aligned, not empty, disjoint and in ascending order, and two neighbours
// that could be one area are one (VmaList::merge keeps it so; kEager areas are left alone).
//
// The list does not lock (the Mm lock does), does not touch page tables, and holds one reference
// of the shared object for each area.
#pragma once

#include <stdint.h>

#include "guest_abi/syscall.h"
#include "mm/object_pool.h"

namespace kernel {

class SharedObject;

// The user half: what system calls accept as addresses. The last page is left out, as on Linux.
inline constexpr uint64_t kUserLimit = 0x7fff'ffff'f000;

// What the pages of an area are.
enum class Backing : uint8_t {
  kPrivate,  // its own, copied on write after a fork
  kShared,   // an object's, anonymous
  kFile,     // an object's, with dirty accounting: clean pages are mapped read-only
  kDevice,   // a driver's frames (device.h)
};

struct Vma {
  uint64_t start = 0;
  uint64_t end = 0;   // first address behind
  uint64_t prot = 0;  // guest_abi::kProt*
  // Populated when made and copied, not shared, at fork.
  bool eager = false;
  Backing backing = Backing::kPrivate;
  // Of shared memory and files: the object, shared with other areas; else nullptr.
  SharedObject* object = nullptr;
  // The object's, or device's, page at `start`; 0 of private memory.
  uint64_t object_page = 0;
  Vma* next = nullptr;
  Vma* previous = nullptr;

  bool is_private() const { return backing == Backing::kPrivate; }
  bool has_object() const { return object != nullptr; }
  bool writable() const { return (prot & guest_abi::kProtWrite) != 0; }
  bool contains(uint64_t address) const { return start <= address && address < end; }
  // The object's or device's page at an address of the area.
  uint64_t object_page_at(uint64_t address) const {
    return object_page + ((address - start) >> 12);
  }
};

using VmaPool = ObjectPool<Vma>;

class VmaList {
 public:
  explicit VmaList(VmaPool& pool) : pool_(pool) {}
  VmaList(const VmaList&) = delete;
  VmaList& operator=(const VmaList&) = delete;

  Vma* first() const { return first_; }
  // The first area that ends above address, or nullptr.
  Vma* find_end_above(uint64_t address) const;
  // The area that contains address, or nullptr.
  Vma* find(uint64_t address) const;
  // True if no area has a page in [start, end).
  bool is_free(uint64_t start, uint64_t end) const;
  // True if areas cover all of [start, end).
  bool is_covered(uint64_t start, uint64_t end) const;
  // The lowest free place for length bytes in [from, limit), or 0.
  uint64_t find_gap(uint64_t length, uint64_t from, uint64_t limit) const;

  // Adds an area like `area` (its links do not matter, and its object's reference becomes the
  // list's); the place must be free. Returns it, merged with neighbours where that is possible, or
  // nullptr if memory is out (then the reference stays the caller's).
  Vma* insert(const Vma& area);
  // Makes `at` (inside vma, not its start) a border: vma keeps the lower part. False: no memory.
  bool split(Vma& vma, uint64_t at);
  // Makes both ends borders, where they fall inside areas. False: no memory; nothing is lost.
  bool split_at_ends(uint64_t start, uint64_t end);
  // Removes one area and its reference.
  void remove(Vma& vma);
  // Gives an area another place, which must be free; it is merged with its new neighbours.
  void relocate(Vma& vma, uint64_t start);
  // Joins each two neighbours around and in [start, end] that can be one area.
  void merge(uint64_t start, uint64_t end);

 private:
  void link_in_order(Vma& vma);
  void link_after(Vma* previous, Vma& vma);
  void unlink(Vma& vma);

  VmaPool& pool_;
  Vma* first_ = nullptr;
};

}  // namespace kernel
