// A second, naive MMU: slow, obvious, and written from the rules alone.
//
// It keeps what nobody can derive: memory, pins, base pointers, the VMM's references, and which
// type a frame has (a same-level entry cannot be told from an ordinary one by its bits). Counts are
// never kept up to date: after every change all types and counts are derived again, from the pins,
// base pointers and references of the VMM down through all entries.
//
// The rules
//   1  A request is tried on a copy of the books. Taking a reference to a frame as a table of level
//   n
//      takes, if the frame has no type yet, one reference for each of its present entries, in the
//      order of slots. The first that breaks a rule refuses the whole request, and the copy is
//      thrown away.
//   2  New references are taken before old ones are given back.
//   3  When a request is accepted, its stores are made; what is not reached any more has no type.
// Does not flush: flushes change no state, and the oracle judges them.
#pragma once

#include <stdint.h>

#include <array>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/errno.h"
#include "pvmmu/page_type.h"
#include "pvmmu/refusal.h"
#include "pvmmu/walk.h"
#include "small_domain.h"
#include "step.h"

namespace pvmmu::model {

// What the guest, or the VMM, is answered.
struct Outcome {
  int64_t result = 0;       // of hypercalls: 0 or -errno; of the VMM's steps: 1 done, 0 not
  Rule rule = Rule::kNone;  // the rule that was broken
  uint32_t done = 0;        // requests carried out
  EmulationResult::Status status = EmulationResult::Status::kNotOurs;  // kEmulate
  uint64_t old_value = 0;
  bool exchanged = false;
  std::vector<uint64_t> bytes{};  // what kRead read, 8 bytes an element
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// The form in which a descriptor is stored: DPL 3 if it is present; and whether it may be at all.
uint64_t stored_descriptor(uint64_t descriptor, bool& allowed);

class ReferenceModel {
 public:
  // What a frame is used as, and how often.
  struct Usage {
    PageType type = PageType::kNone;
    uint32_t typed = 0;
    uint32_t total = 0;
    uint32_t same_level_held = 0;   // same-level entries in it that name other tables
    uint32_t same_level_named = 0;  // ... in other tables that name it
    friend bool operator==(const Usage&, const Usage&) = default;
  };
  struct Roots {
    std::optional<uint64_t> kernel;
    std::optional<uint64_t> user;
  };
  struct WalkStep {
    uint64_t frame;
    unsigned slot;
    uint64_t entry;
  };
  struct Walk {
    bool canonical = false;
    bool mapped = false;
    bool writable = false;
    bool user = false;
    std::vector<WalkStep> path;
    uint64_t machine_address = 0;
    bool permits(bool write) const { return mapped && user && (writable || !write); }
  };

  explicit ReferenceModel(const Scenario& scenario);

  Outcome apply(const Step& step);

  // A store by the vCPU's own processor: where it ends, or nothing if it faults. Sets A and D.
  std::optional<uint64_t> processor_store(unsigned vcpu, bool user, uint64_t address,
                                          uint64_t value);
  Walk walk(std::optional<uint64_t> root, uint64_t address) const;

  const Usage& usage(uint64_t frame) const { return books_.at(frame); }
  bool pinned(uint64_t frame) const { return pins_.contains(frame); }
  const Roots& roots(unsigned vcpu) const { return roots_.at(vcpu); }
  std::optional<uint64_t> root(unsigned vcpu, bool user) const {
    return user ? roots_.at(vcpu).user : roots_.at(vcpu).kernel;
  }
  uint64_t word(uint64_t frame, unsigned slot) const {
    return memory_[frame * kEntriesPerTable + slot];
  }
  uint64_t held_writable(uint64_t frame) const { return writable_references_.at(frame); }
  uint64_t held_descriptors(uint64_t frame) const { return descriptor_references_.at(frame); }
  const Image& memory() const { return memory_; }
  const std::array<uint64_t, kFrames>& pfns() const { return pfns_; }
  uint64_t take_changed_frames() { return std::exchange(changed_frames_, 0); }
  static bool foreigndom_allowed(uint32_t foreigndom, bool with_table_owner);

 private:
  using Books = std::array<Usage, kFrames>;
  using References = std::array<uint64_t, kFrames>;
  struct Verdict {
    Errno error = Errno::kOk;
    Rule rule = Rule::kNone;
    bool ok() const { return error == Errno::kOk; }
  };
  // The wanted value of an entry, from the present one; nothing: leave it.
  using Compute = std::function<std::optional<uint64_t>(uint64_t)>;

  // --- The rules (model_rules.cc) --------------------------------------------------------------
  Verdict take(Books& books, uint64_t frame, PageType type) const;
  Verdict take_contents(Books& books, uint64_t frame, PageType type) const;
  Verdict take_entry(Books& books, unsigned level, uint64_t entry, uint64_t table) const;
  Verdict take_leaf(Books& books, uint64_t entry) const;
  Verdict take_same_level(Books& books, uint64_t entry, uint64_t table) const;
  // Can one more writable reference be had, just for a moment?
  Verdict can_write(uint64_t frame) const;
  void accept(const Books& books);
  void derive_books();
  void use(Books& books, uint64_t frame, PageType type) const;
  void scan(Books& books, uint64_t table) const;
  Verdict change_entry(uint64_t table, unsigned slot, const Compute& compute, uint64_t& old_value);

  // --- Memory (model_memory.cc) ----------------------------------------------------------------
  void set_word(uint64_t frame, unsigned slot, uint64_t value);
  void put_bytes(uint64_t machine_address, const void* from, uint64_t size);
  bool race_at(uint64_t frame, unsigned slot);
  void mark(const Walk& walked, bool write);
  bool read_guest(std::optional<uint64_t> root, uint64_t address, void* to, uint64_t size);
  bool write_guest(std::optional<uint64_t> root, uint64_t address, const void* from, uint64_t size);

  // --- What is asked (model_calls.cc) ----------------------------------------------------------
  Outcome mmu_update(const Step& step);
  Outcome mmuext_op(const Step& step);
  Outcome apply_array(const Step& step, const std::function<Verdict(const Request&)>& apply_one);
  Verdict apply_update(const Request& request);
  Verdict apply_operation(unsigned vcpu, const Request& request);
  Verdict pin(PtLevel level, uint64_t frame);
  Verdict load_base(unsigned vcpu, uint64_t frame, bool user);
  Verdict operation_without_effect(unsigned vcpu, const Request& request);
  Verdict clear_or_copy(uint64_t to, std::optional<uint64_t> from);
  Outcome update_va_mapping(const Step& step);
  Outcome emulate(const Step& step);
  Outcome update_descriptor(const Step& step);
  Outcome vmm_step(const Step& step);
  Verdict take_for_vmm(uint64_t frame, PageType type, References& references);
  bool give_back(uint64_t frame, References& references);
  bool poke(uint64_t machine_address, uint64_t value);
  Outcome set_base(const Step& step);
  Outcome copy(const Step& step);

  const uint32_t count_limit_;
  Image memory_;
  std::array<uint64_t, kFrames> pfns_{};
  std::set<uint64_t> pins_;
  std::vector<Roots> roots_;
  References writable_references_{};
  References descriptor_references_{};
  Books books_{};

  // Slots that were ever written with something, so that nobody reads 512 zeros.
  std::set<unsigned> used_slots_;
  uint64_t changed_frames_ = ~uint64_t{0};
  Race race_;
};

}  // namespace pvmmu::model
