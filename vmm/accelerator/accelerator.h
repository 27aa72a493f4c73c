// The accelerator (guest_abi/accelerator.h): commands, and the steps in which the device works on
// them.
//
// One half is the hypervisor's: it opens contexts, queues commands and changes translations, for
// hypercalls whose arguments have been copied and which hold the domain's lock. References of
// frames are its caller's. The other half is the device's: work() carries a command one chunk
// further, by translations alone. Both may run at once, on different threads.
//
// An access goes on without the mutex. in_flight_ names its frames from the lookup to the end of
// the access; an entry that is taken out meanwhile leaves the table at once, but is_gone() only
// when its frame is not in flight any more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "accelerator/accelerator_events.h"
#include "accelerator/device_step.h"
#include "accelerator/translations.h"
#include "guest_abi/accelerator.h"
#include "sync/ranked_mutex.h"

namespace vmm {

// Addresses of processes are below, as the guest kernel and Xen have it.
inline constexpr uint64_t kDeviceAddressEnd = uint64_t{1} << 47;

// What the device needs of the machine.
class AcceleratorHost {
 public:
  // Raises the device's event channel. With the device's mutex.
  virtual void raise() = 0;
  // By the device, without a lock: a place to let others go first.
  virtual void pause(DeviceStep) {}
  // By the device, without a lock, right before the access: somebody may want to check it.
  virtual void about_to_access(const DeviceAccess&) {}

 protected:
  ~AcceleratorHost() = default;
};

#define VMM_ACCELERATOR_COUNTERS(X)                             \
  X(commands)      /* submitted */                              \
  X(ended)         /* reported as ended, well or not */         \
  X(errors)        /* ... of them with an error */              \
  X(forgotten)     /* commands whose context was closed */      \
  X(faults)        /* reported */                               \
  X(chunks)        /* accesses, of a part of a page each */     \
  X(established)   /* entries */                                \
  X(invalidations) /* calls */                                  \
  X(taken_out)     /* entries that left, for whatever reason */ \
  X(cache_hits)

struct AcceleratorCounters {
#define VMM_FIELD(name) uint64_t name = 0;
  VMM_ACCELERATOR_COUNTERS(VMM_FIELD)
#undef VMM_FIELD
};

class Accelerator {
 public:
  explicit Accelerator(AcceleratorHost& host) : host_(host) {}
  Accelerator(const Accelerator&) = delete;
  Accelerator& operator=(const Accelerator&) = delete;

  // Before it is started: who is told what it does, as long as it is there.
  void observe(AcceleratorEvents* events) { events_ = events; }

  // --- the hypervisor's half; results are 0 or a negative errno ---
  bool started() const { return reports_ != nullptr; }
  // The page is the device's to write from here to stop().
  void start(std::byte* report_page);
  // Closes everything. The caller waits for what leaves, and then takes the page back.
  void stop();
  int64_t open(uint64_t context);
  int64_t close(uint64_t context);
  int64_t submit(const guest_abi::AcceleratorCommand& command);
  int64_t resume(uint64_t tag, uint64_t context, uint64_t error);
  // Whether establish() may follow.
  int64_t may_establish(uint64_t context);
  void establish(const DevicePage& page, pvmmu::Mfn frame, std::byte* bytes, bool writable);
  int64_t invalidate(uint64_t context, uint64_t address, uint64_t end);
  // Sets bits of `young`, which has room for the pages.
  int64_t clear_young(uint64_t context, uint64_t address, uint64_t end, std::span<uint64_t> young);

  // Entries that have left and that nobody accesses any more: their references go back.
  std::vector<DeviceEntry> remove_gone();
  // Whether some have left and are still accessed; soon they are not.
  bool any_leaving();
  // The frames of all entries, those that leave too: one element for each reference.
  std::vector<pvmmu::Mfn> frames();

  // --- the device's half ---
  // Carries one command a chunk further. False: there is none to work on.
  bool work();
  bool has_work();

  // What the table permits now.
  std::vector<DeviceAccess> entries();
  AcceleratorCounters counters();

 private:
  using Mutex = RankedMutex<LockRank::kAccelerator>;
  using Lock = std::unique_lock<Mutex>;

  struct Command {
    enum class State : uint8_t { kFree, kReady, kWaits };
    State state = State::kFree;
    uint64_t serial = 0;  // of the use of this tag
    guest_abi::AcceleratorCommand request{};
    uint64_t done = 0;  // bytes
    uint64_t result = 0;
  };
  // A chunk of a command, and where its bytes are.
  struct Chunk {
    uint64_t offset = 0;  // in the command
    uint64_t size = 0;
    std::byte* to = nullptr;    // of `address`
    std::byte* from = nullptr;  // of `source`
  };

  Command* choose();
  void forget_commands(uint64_t context);
  static Chunk next_chunk(const Command& command);
  bool translate(Lock& lock, Command& command, Chunk& chunk);
  std::byte* look_up(const Command& command, uint64_t address, bool write);
  static uint64_t access(const guest_abi::AcceleratorCommand& request, const Chunk& chunk);
  void finish(Lock& lock, Command& command, const Chunk& chunk, uint64_t result);
  uint64_t untold_cache_hits();
  void report_fault(Command& command, uint64_t address, bool write);
  void report_end(Command& command, uint64_t error);
  void report(const Command& command, const guest_abi::AcceleratorEvent& event);
  void pause(Lock& lock, DeviceStep step);
  bool in_flight(pvmmu::Mfn frame) const;

  AcceleratorHost& host_;
  AcceleratorEvents* events_ = nullptr;  // null: nobody
  Mutex mutex_;
  guest_abi::AcceleratorReports* reports_ = nullptr;  // domain's lock; the page: mutex_
  std::set<uint64_t> contexts_;
  std::array<Command, guest_abi::kMaxCommands> commands_{};
  unsigned last_ = 0;  // tag of the command that had the last turn
  uint64_t serials_ = 0;
  Translations translations_;
  std::vector<DeviceAccess> in_flight_;
  uint64_t told_cache_hits_ = 0;
  AcceleratorCounters counters_;
};

}  // namespace vmm
