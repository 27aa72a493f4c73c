// Runs a script on the model of memory, and makes the script expect what comes out: values of
// checks, accesses that fault, errors of calls, statuses of children, bits of page-table entries.
//
// So what a workload expects always follows from what it does: the generator writes only what is to
// be done, and a script from which the shrinker has cut something is right again after correct().
// It knows the order of events only as far as any number of vCPUs keeps it. A script whose outcome
// would depend on more (two processes that write a page without waiting for each other) is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "fuzz/memory_model.h"
#include "workload/ast.h"

namespace vmm::fuzz {

// What the guest's processes are started with: `pvmmu run` without --seed.
inline constexpr uint64_t kWorkloadSeed = 1;
// Lines of the console that only runs of some kinds have in common begin so: those on one vCPU, and
// those whose processors set Accessed on no speculation.
inline constexpr const char* kOneVcpuLine = "one: ";
inline constexpr const char* kAgedLine = "aged: ";

struct RegionPlace {
  std::string name;
  uint32_t first = 0;
  uint32_t count = 0;
};

class Oracle {
 public:
  Oracle();

  // Makes the whole script right. False: it cannot be.
  bool correct(Script& script);

  // --- Piece by piece, for the generator. False: the statement cannot stand here, and nothing was
  // done; only a block may have been done in part. ---
  bool step(Statement& statement);
  bool enter_fork(bool settled);
  void leave_fork();
  bool enter_thread();
  void leave_thread();
  bool enter_exec();
  void leave_exec();

  const std::vector<RegionPlace>& regions() const { return regions_; }
  const AddressSpace& space() const { return spaces_.back(); }
  const MemoryModel& memory() const { return memory_; }
  bool in_child() const { return spaces_.size() > 1; }
  bool in_thread() const { return contexts_.back().is_thread; }
  bool ended() const { return contexts_.back().ended; }
  size_t live_children() const { return contexts_.back().children.size(); }
  // Whether those that are not waited for have the same status, so that any may be the first.
  bool children_agree() const;
  size_t live_threads() const { return contexts_.back().threads.size(); }

 private:
  enum class Touch : uint8_t { kRead, kAdd, kWrite };
  using Touched = absl::flat_hash_map<uint64_t, Touch>;
  // A process or thread that runs beside the one that made it.
  struct Actor {
    Touched touched;
    uint64_t status = 0;
  };
  using Value = std::optional<uint64_t>;  // nothing: not known
  struct Context {
    bool is_thread = false;
    bool ended = false;
    uint64_t status = 0;
    uint64_t random = kWorkloadSeed;
    std::vector<std::pair<std::string, Value>> variables;
    Touched touched;
    std::vector<Actor> children;  // not waited for
    size_t waited = 0;            // of them; which is not known
    std::vector<Actor> threads;   // not joined
    bool device_busy = false;     // with a command that has to be waited for
    int device_error = 0;         // what the wait will say
    Value device_result;
  };
  struct Place {
    const RegionPlace* region = nullptr;
    Pages pages;  // in the address space
    uint32_t index(uint32_t page) const { return page - region->first; }
  };

  // oracle_statements.cc
  bool run_list(std::vector<Statement>& statements);
  bool mapping(Statement& s);
  bool access(Statement& s);
  bool access_pages(Statement& s, const Place& place);
  bool check_pages(Statement& s, const Place& place);
  bool verify_pages(Statement& s, const Place& place);
  bool crash(Statement& s);
  bool control(Statement& s);
  bool region(const Statement& s);
  bool variable(const Statement& s);
  bool wait(Statement& s);
  bool join();
  bool loop(Statement& s);
  bool conditional(Statement& s);
  bool expect(Statement& s);
  bool print(const Statement& s);
  bool block(std::vector<Statement>& body);
  bool end_process();

  // oracle_device.cc
  static bool is_device(Statement::Kind kind);
  bool device(Statement& s);
  bool device_may_write(uint32_t page) const;
  bool device_may_read(uint32_t page) const;
  Contents& device_touch(uint32_t page, bool write);
  void work_on_page(Statement::Kind kind, Contents& contents, const uint64_t (&values)[2]);
  int take_device_error();

  // oracle_values.cc
  bool place_of(const PageRange& range, Place& place);
  // False: the value cannot be had without a fault, or a race.
  bool value_of(const Expression& e, Value& value);
  bool call(const Expression& e, Value& value);
  bool ask_page(Function function, uint32_t page, Value& value);
  bool try_access(const Expression& e, uint32_t page, Value& value);
  Value* find_variable(const std::string& name);
  bool known_value(const Expression& e, uint64_t& value);
  uint64_t next_random();

  // Says who uses what; false: somebody else does so at the same time.
  bool touch_page(uint32_t page, Touch how);  // of this address space
  bool touch_pages(Pages pages, Touch how);
  bool touch_contents(uint32_t page, Touch how);  // what other processes may see too
  bool touch(uint64_t resource, Touch how);

  // Makes a part of the script what it should be; false: it was settled in an earlier turn of a
  // loop, and should be something else now.
  template <typename T>
  bool settle(T& part, T right) {
    if (verifying_) return part == right;
    part = std::move(right);
    return true;
  }
  bool settle_kind(Statement& s, Statement::Kind kind);
  bool settle_value(Statement& s, const Expression& right);
  bool shorten(Statement& s, const Place& place, uint32_t count);

  MemoryModel memory_;
  std::vector<RegionPlace> regions_;
  uint32_t last_of_regions_ = 0;  // the region that another one may follow
  std::vector<AddressSpace> spaces_;
  std::vector<Context> contexts_;
  uint64_t next_space_ = 1;
  std::vector<uint64_t> space_ids_;
  bool verifying_ = false;
};

// A number, and `page * factor + number`.
Expression number_expression(uint64_t number);
Expression page_expression(uint64_t factor, uint64_t number);

}  // namespace vmm::fuzz
