// A model of what each vCPU's translation caches may hold, and the rules that they must never
// break.
//
// A processor may load any translation, and any upper level of a walk, at any time while it runs,
// and keeps it until it is told to drop it. So what vCPU v *may* hold is everything that was
// walkable from its roots at some moment since its last flush. Held are
//   translations  page -> frame, with the permission of the walk   (dropped by flush of all, or of
//                 that page)
//   structures    address prefix -> table at the level below       (dropped by any flush: INVLPG
//                 drops all paging-structure caches [SDM 3A 4.10.4.1])
// The oracle is told before an entry of a table changes, so that it sees every state of the tables.
//
// Findings (each one is a hole in I3 or an unpaid flush):
//   - a frame becomes a table, or is one, while a vCPU may hold a writable translation to it
//   - a frame becomes a table of another level, is written by the hypervisor, or is mapped
//     writable, while a vCPU may still walk it because of the table that it was
//   - a frame is mapped writable while a vCPU may hold the read-only translation that it had as a
//     table
//   - the hypercall returns while a vCPU may hold an upper level that is no more
//
// A vCPU that is in the hypervisor loads nothing, and loads its base pointer (dropping all) if that
// changed before it runs again. Going from user to kernel mode and back loads CR3 too, so a vCPU
// that traps holds nothing of the other mode's tables.
//
// Slots 256..271 of L4 tables are left out: the hypervisor never changes what they lead to.
// Not thread-safe. Knows nothing of class Mmu, only of memory and types as a View shows them.
#pragma once

#include <stdint.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/frame.h"
#include "base/level.h"
#include "base/linear_addr.h"
#include "pvmmu/page_type.h"
#include "pvmmu/platform.h"
#include "pvmmu/vcpu.h"

namespace pvmmu::model {

class TlbOracle {
 public:
  // The machine as it is now.
  class View {
   public:
    virtual size_t frame_count() const = 0;
    virtual uint64_t entry(Mfn table, unsigned slot) const = 0;
    // The first slot >= from that may hold a present entry; kEntriesPerTable if none.
    virtual unsigned next_used_slot(Mfn table, unsigned from) const = 0;
    virtual PageType type_of(Mfn frame) const = 0;
    // A frame that has a table's type but is still being read is not one yet.
    virtual bool is_validated(Mfn frame) const = 0;

   protected:
    ~View() = default;
  };

  // Beyond so many translations of one root, the check of upper levels is skipped (see
  // truncations).
  static constexpr size_t kMostTranslations = 1 << 17;
  static constexpr size_t kMostFrames = 64;

  // The machine has at most kMostFrames.
  TlbOracle(const View& view, unsigned vcpu_count);

  // --- What happens ----------------------------------------------------------------------------
  // The vCPU starts a hypercall (or trap): it loads nothing until it resumes.
  void leave_guest(VcpuId vcpu, bool from_kernel_mode);
  // Every vCPU runs the guest (again), on these roots (kInvalidMfn: none).
  struct Roots {
    Mfn kernel;
    Mfn user;
  };
  void resume(const std::vector<Roots>& roots);
  // This one does; others may be in the middle of a hypercall.
  void resume_one(VcpuId vcpu, Roots roots);
  // Before an entry of a table changes in more than Accessed and Dirty.
  void before_change();
  void flushed(VcpuMask vcpus, TlbFlush what);
  // The vCPU does not run any more, or loads its base pointer: all is dropped.
  void drop(VcpuId vcpu);
  void frame_becomes_table(Mfn frame);
  // The hypervisor stores guest data in the frame.
  void frame_is_written(Mfn frame);
  // What must hold at every moment, also between two pieces of a hypercall.
  void check_tables();
  // The hypervisor's work is done: everything owed must have been paid. After resume().
  void check_at_rest();

  // --- What was found --------------------------------------------------------------------------
  const std::vector<std::string>& findings() const { return findings_; }
  uint64_t truncations() const { return truncations_; }
  // May the vCPU hold a writable translation to the frame? (for tests of the oracle)
  bool may_write(VcpuId vcpu, Mfn frame);

 private:
  // "The entry of level `level` for the addresses from `address` leads to `table`."
  struct Structure {
    uint64_t address = 0;
    unsigned level = 0;
    uint64_t table = 0;
    bool writable = false;            // so far
    PageType type = PageType::kNone;  // of the table when this was loaded; a same-level entry
                                      // has it walked as one of another level
    friend bool operator==(const Structure&, const Structure&) = default;
    bool operator<(const Structure& other) const;
  };
  struct Translation {
    uint64_t page = 0;
    uint64_t frame = 0;
    uint64_t table = 0;           // the L1 table of the walk
    bool upper_writable = false;  // permission of the levels above L1
    bool writable = false;
    bool of_table = false;  // the frame was a validated table when this was loaded
    friend bool operator==(const Translation&, const Translation&) = default;
    bool operator<(const Translation& other) const;
  };
  // Sorted, without doubles.
  struct Reach {
    std::vector<Structure> structures;
    std::vector<Translation> translations;
    bool truncated = false;
    void clear();  // keeps the room that it has
  };
  enum Mode { kKernel, kUser, kModes };
  struct Vcpu {
    Mfn roots[kModes];
    Reach held[kModes];
    bool running = true;
  };
  // Frames by how a vCPU may use them; a set of frames is one word.
  struct Uses {
    uint64_t written = 0;                       // through a writable translation
    uint64_t as_table = 0;                      // through a read-only translation loaded while
                                                // it was a table
    std::array<uint8_t, kMostFrames> walked{};  // as a table: bit n if it was of PageType n
  };

  void catch_up();
  void load(Vcpu& vcpu);
  const Reach& reach_of(Mfn root);
  void enumerate(Mfn table, unsigned level, uint64_t address, bool writable, Reach& reach);
  static void merge(Reach& held, const Reach& now);
  Uses uses_of(const Vcpu& vcpu) const;
  void check_writable_frames();
  void check_upper_levels(unsigned number, const Vcpu& vcpu);
  void find(const std::string& text) { findings_.push_back(text); }

  const View& view_;
  std::vector<Vcpu> vcpus_;
  // The first walk_count_ are the walks of the present state, valid while !dirty_; the others are
  // room for more.
  std::vector<std::pair<Mfn, Reach>> walks_;
  size_t walk_count_ = 0;
  bool dirty_ = true;
  std::vector<std::string> findings_;
  uint64_t truncations_ = 0;
};

}  // namespace pvmmu::model
