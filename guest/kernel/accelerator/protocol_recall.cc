// Faults that are being answered are on a list; a recall marks them, and they start again. The
// device's pages have one reference each, which the recall gives back.
#include "accelerator/calls.h"
#include "accelerator/context.h"
#include "mm/object_pool.h"
#include "panic.h"
#include "planted_bug.h"

namespace kernel {
namespace {

constinit ObjectPool<RemotePage> page_pool;

RemotePage*& bucket_of(AcceleratorContext& context, uint64_t address) {
  return context.pages[(address / pvmmu::kPageSize) % AcceleratorContext::kBuckets];
}

RemotePage* find_page(AcceleratorContext& context, uint64_t address) {
  RemotePage* page = bucket_of(context, address);
  while (page != nullptr && page->address != address) {
    page = page->next;
  }
  return page;
}

void leave_list(AcceleratorContext& context, SecondaryFault& fault) {
  SecondaryFault** place = &context.faults;
  while (*place != &fault) {
    place = &(*place)->next;
  }
  *place = fault.next;
}

void mark_faults(AcceleratorContext& context, uint64_t start, uint64_t end) {
  for (SecondaryFault* fault = context.faults; fault != nullptr; fault = fault->next) {
    fault->must_retry |= start <= fault->address && fault->address < end;
  }
}

// Gives back the references of the pages in [start, end). The device has let go of them.
void put_pages(AcceleratorContext& context, uint64_t start, uint64_t end) {
  for (RemotePage*& bucket : context.pages) {
    for (RemotePage** place = &bucket; *place != nullptr;) {
      RemotePage& held = **place;
      if (held.address < start || held.address >= end) {
        place = &held.next;
        continue;
      }
      *place = held.next;
      frame_put(*held.page);
      page_pool.put(&held);
    }
  }
}

void recall(AcceleratorContext& context, uint64_t start, uint64_t end) {
  SpinlockGuard guard(context.lock);
  if (!planted(PlantedBug::faults_unmarked)) {
    mark_faults(context, start, end);
  }
  if (planted(PlantedBug::put_early)) {
    return put_pages(context, start, end);  // the device lets go in range_end()
  }
  const int64_t error = accelerator_call_invalidate(context.id, start, end);
  kernel_assert(error == 0, "the accelerator does not let go of a range");
  put_pages(context, start, end);
}

// The page has its one reference already, or gets it from the lookup. False: memory is out.
bool hold_page(AcceleratorContext& context, uint64_t address, Page& page) {
  RemotePage* held = find_page(context, address);
  if (held != nullptr) {
    kernel_assert(held->page == &page, "the accelerator uses two pages at one address");
    frame_put(page);
  } else {
    held = page_pool.get();
    if (held == nullptr) {
      return false;
    }
    RemotePage*& bucket = bucket_of(context, address);
    held->address = address;
    held->page = &page;
    held->next = bucket;
    bucket = held;
  }
  return true;
}

void begin(AcceleratorContext& context, SecondaryFault& fault) {
  SpinlockGuard guard(context.lock);
  fault.must_retry = false;
  fault.next = context.faults;
  context.faults = &fault;
}

Establish establish(AcceleratorContext& context, SecondaryFault& fault, Page& page, bool write) {
  SpinlockGuard guard(context.lock);
  leave_list(context, fault);
  if (fault.must_retry) {
    return Establish::kRetry;
  }
  if (accelerator_call_establish(context.id, fault.address, mfn_of(page), write) != 0) {
    return Establish::kFailed;
  }
  if (!hold_page(context, fault.address, page)) {
    accelerator_call_invalidate(context.id, fault.address, fault.address + pvmmu::kPageSize);
    return Establish::kFailed;
  }
  return Establish::kDone;
}

void give_up(AcceleratorContext& context, SecondaryFault& fault) {
  SpinlockGuard guard(context.lock);
  leave_list(context, fault);
}

// A fault that begins inside the range waits for the Mm lock in its lookup, and finds the range as
// it is afterwards; one that did not wait is marked here.
void range_end(AcceleratorContext& context, uint64_t start, uint64_t end) {
  SpinlockGuard guard(context.lock);
  if (!planted(PlantedBug::faults_unmarked)) {
    mark_faults(context, start, end);
  }
  if (planted(PlantedBug::put_early)) {
    accelerator_call_invalidate(context.id, start, end);
  }
}

void invalidate_page(AcceleratorContext& context, uint64_t address) {
  recall(context, address, address + pvmmu::kPageSize);
}

void release(AcceleratorContext& context) {
  SpinlockGuard guard(context.lock);
  kernel_assert(context.faults == nullptr, "an address space goes while a fault in it is answered");
  put_pages(context, 0, UINT64_MAX);
}

}  // namespace

constexpr ProtocolOps kRecallProtocol = {begin,     establish,       give_up, recall,
                                         range_end, invalidate_page, release};

uint64_t remote_pages_in_use() {
  return page_pool.in_use();
}

}  // namespace kernel
