// The small domain that random and hand-written sequences of requests run on: which frames there
// are, what they hold at the start, and where they are mapped.
//
//   frames 0..3    the hypervisor's: a piece of m2p and the tables that map it in slot 256
//   frame  4       shared (as shared_info)
//   frames 5..8    the domain's own L4, L3, L2 and L1 table, pinned by the L4
//   frames 9, 10   arrays of requests         frame 11  results (`done`)
//   frame  12      bitmaps of vCPUs           frames 13..31  free for play
// Frame n is mapped at address_of(n): the domain's tables and frames from kFirstReadOnly on
// read-only, the rest writable. Every vCPU starts on the domain's L4 in kernel mode and has no user
// table.
#pragma once

#include <stdint.h>

#include <vector>

#include "base/frame.h"
#include "base/level.h"
#include "base/pte.h"

namespace pvmmu::model {

inline constexpr unsigned kFrames = 32;
inline constexpr unsigned kMostVcpus = 4;

enum NamedFrame : uint64_t {
  kM2pFrame,
  kHypervisorL1,
  kHypervisorL2,
  kHypervisorL3,
  kSharedFrame,
  kSystemL4,
  kSystemL3,
  kSystemL2,
  kSystemL1,
  kArrayFrame,
  kSecondArrayFrame,
  kDoneFrame,
  kBitmapFrame,
  kFirstPlayFrame,
  kFirstReadOnly = 17
};

inline constexpr uint64_t kReadOnly = kPtePresent | kPteUser | kPteAccessed;
inline constexpr uint64_t kReadWrite = kReadOnly | kPteWritable | kPteDirty;
inline constexpr uint64_t kSupervisor = kPtePresent | kPteWritable | kPteAccessed | kPteDirty;

inline constexpr uint64_t kBase = 0x40000000;  // slots 0 of L4, 1 of L3, 0 of L2

constexpr uint64_t address_of(uint64_t frame) {
  return kBase + frame * kPageSize;
}
constexpr uint64_t entry_of(uint64_t frame, uint64_t flags) {
  return (frame << kPageShift) | flags;
}
constexpr bool exists(uint64_t frame) {
  return frame < kFrames;
}
constexpr bool is_guest_frame(uint64_t frame) {
  return exists(frame) && frame >= kSharedFrame;
}
constexpr bool is_hypervisor_slot_of_l4(unsigned slot) {
  return slot >= 256 && slot <= 271;
}

// What the hypervisor wants in its slots of an L4 table: 256 leads to the m2p, which the guest may
// read; 257 to the same tables for the hypervisor alone.
constexpr uint64_t hypervisor_entry(unsigned slot) {
  if (slot == 256) return entry_of(kHypervisorL3, kPtePresent | kPteUser);
  if (slot == 257) return entry_of(kHypervisorL3, kSupervisor);
  return 0;
}

using Image = std::vector<uint64_t>;  // kFrames * kEntriesPerTable words

inline uint64_t& word_of(Image& image, uint64_t frame, unsigned slot) {
  return image[frame * kEntriesPerTable + slot];
}

inline Image make_initial_image() {
  Image image(kFrames * kEntriesPerTable);
  word_of(image, kHypervisorL3, 0) = entry_of(kHypervisorL2, kReadOnly);
  word_of(image, kHypervisorL2, 0) = entry_of(kHypervisorL1, kReadOnly);
  word_of(image, kHypervisorL1, 0) = entry_of(kM2pFrame, kReadOnly);
  word_of(image, kSystemL4, 0) = entry_of(kSystemL3, kReadWrite);
  word_of(image, kSystemL3, 1) = entry_of(kSystemL2, kReadWrite);
  word_of(image, kSystemL2, 0) = entry_of(kSystemL1, kReadWrite);
  for (unsigned frame = kSharedFrame; frame < kFrames; ++frame) {
    const bool table = frame >= kSystemL4 && frame <= kSystemL1;
    word_of(image, kSystemL1, frame) =
        entry_of(frame, table || frame >= kFirstReadOnly ? kReadOnly : kReadWrite);
  }
  word_of(image, kBitmapFrame, 0) = 3;  // vCPUs 0 and 1
  return image;
}

// Memory before the domain's L4 is pinned.
inline const Image& initial_image() {
  static const Image image = make_initial_image();
  return image;
}

// Places of the words of initial_image() that are not zero, in its order.
inline const std::vector<size_t>& initial_places() {
  static const std::vector<size_t> places = [] {
    std::vector<size_t> found;
    for (size_t i = 0; i < initial_image().size(); ++i) {
      if (initial_image()[i] != 0) found.push_back(i);
    }
    return found;
  }();
  return places;
}

constexpr uint64_t initial_pfn(uint64_t frame) {
  return (frame * 7) % kFrames;
}

}  // namespace pvmmu::model
