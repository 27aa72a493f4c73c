// Arrays and multicall lists, where they should be and where they should not.
#include "random_hostile/actions.h"
#include "random_hostile/pool.h"
#include "random_hostile/requests.h"
#include "random_hostile/values.h"

namespace random_hostile {
namespace {

constexpr unsigned kSharedEntries = 32, kSharedUpdates = 128, kSharedOperations = 64;
// Each entry has one maker for good: numbers never meet arguments that were made for others.
constexpr RequestMaker kSharedMakers[] = {
    make_mmu_update,  make_va_mapping,       make_mmuext_op, make_update_descriptor,
    make_xen_version, make_nested_multicall, make_unknown,   make_memory_op};

struct alignas(kPageSize) SharedLists {
  multicall_entry_t entries[kSharedEntries];
  mmu_update_t updates[kSharedUpdates];
  mmuext_op_t operations[kSharedOperations];
} shared;

// Copies by words, so that the other vCPU sees mixtures of old and new.
template <typename T>
void publish(T& to, const T& from) {
  static_assert(sizeof(T) % sizeof(uint64_t) == 0);
  auto* target = reinterpret_cast<volatile uint64_t*>(&to);
  uint64_t words[sizeof(T) / sizeof(uint64_t)];
  __builtin_memcpy(words, &from, sizeof(T));
  for (unsigned i = 0; i < sizeof(T) / sizeof(uint64_t); ++i) target[i] = words[i];
}

void rewrite_shared(Cpu& cpu) {
  Random& random = cpu.random;
  for (unsigned i = 0; i < 6; ++i) {
    const unsigned index = random.below(kSharedEntries);
    const RequestMaker maker =
        kSharedMakers[index % (sizeof(kSharedMakers) / sizeof(kSharedMakers[0]))];
    publish(shared.entries[index], list_entry(maker(cpu)));
    mmu_update_t update = {};
    fill_update(random, update);
    publish(shared.updates[random.below(kSharedUpdates)], update);
    mmuext_op_t operation = {};
    fill_operation(cpu, operation, true);
    publish(shared.operations[random.below(kSharedOperations)], operation);
  }
}

}  // namespace

void one_call(Cpu& cpu) {
  make_call(cpu, random_request(cpu));
}

void multicall(Cpu& cpu) {
  const unsigned count = 1 + cpu.random.below(cpu.random.percent(80) ? 8 : 32);
  auto* list = cpu.allocate_array<multicall_entry_t>(count);
  uint64_t announced = count;
  if (cpu.random.percent(15)) {
    // More are announced than there are: then the list ends where nothing is mapped.
    list =
        reinterpret_cast<multicall_entry_t*>(cpu.arguments.page(ArgumentPages::kUnmapped)) - count;
    announced = maybe_huge(cpu.random, count + cpu.random.below(3));
  }
  for (unsigned i = 0; i < count; ++i) list[i] = list_entry(random_request(cpu));
  cpu.call(__HYPERVISOR_multicall, maybe_bad(cpu, list), announced);
  // What lies elsewhere may be read as calls that take the handlers away.
  restore_handlers();
}

void wild_list(Cpu& cpu) {
  Random& random = cpu.random;
  const uint64_t place =
      random.percent(60) ? random_mapped_address(random) & ~uint64_t{7} : bad_pointer(cpu);
  constexpr uint64_t kCounts[] = {1, 3, 64, 600, 0x7fffffff, 0xffffffff};
  const uint64_t count = random.pick(kCounts);
  // Huge lists of the guest's own are for those who like to wait: only where they soon end.
  const uint64_t bounded = place >= test_guest::kVirtualBase ? count : random.below(600);
  switch (random.below(4)) {
    case 0:
      cpu.call(__HYPERVISOR_multicall, place, random.below(64));
      restore_handlers();
      break;
    case 1:
      cpu.call(__HYPERVISOR_mmu_update, place, bounded, maybe_bad(cpu, cpu.allocate(8)),
               DOMID_SELF);
      break;
    case 2:
      cpu.call(__HYPERVISOR_mmuext_op, place, bounded, 0, DOMID_SELF);
      break;
    default:
      cpu.call(__HYPERVISOR_set_gdt, place, count);
  }
}

void shared_list(Cpu& cpu) {
  rewrite_shared(cpu);
  switch (cpu.random.below(3)) {
    case 0:
      cpu.call(__HYPERVISOR_multicall, address_of(shared.entries), kSharedEntries);
      restore_handlers();
      break;
    case 1:
      cpu.call(__HYPERVISOR_mmu_update, address_of(shared.updates), kSharedUpdates, 0, DOMID_SELF);
      break;
    default:
      cpu.call(__HYPERVISOR_mmuext_op, address_of(shared.operations), kSharedOperations, 0,
               DOMID_SELF);
  }
}

// The array lies in a page of the window; every third request or so changes that page's mapping.
void self_mapping_list(Cpu& cpu) {
  Random& random = cpu.random;
  const unsigned frame = random.below(kFirstTableFrame);
  const unsigned count = 4 + random.below(28);
  // Near the end of the page, so that some go on into the next one.
  const uint64_t array = frame_address(frame) + kPageSize - random.below(count) * 16;
  const auto fill = [&] {
    for (unsigned i = 0; i < count; ++i) {
      mmu_update_t update;
      fill_update(random, update);
      if (random.one_in(3)) {
        update.ptr = window_entry_place((frame + random.below(2)) % kFrameCount);
      }
      *reinterpret_cast<volatile uint64_t*>(array + i * 16) = update.ptr;
      *reinterpret_cast<volatile uint64_t*>(array + i * 16 + 8) = update.val;
    }
  };
  if (!cpu.survives(fill)) return;
  // `done` among the requests themselves, now and then.
  const uint64_t done = random.one_in(3) ? array + random.below(count) * 16 : 0;
  cpu.call(__HYPERVISOR_mmu_update, array, count, done, DOMID_SELF);
}

}  // namespace random_hostile
