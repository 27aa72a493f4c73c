#include "accelerator/contexts.h"

#include "accelerator/calls.h"
#include "linux_errno.h"
#include "mm/object_pool.h"
#include "options.h"
#include "panic.h"

namespace kernel {
namespace {

constinit ObjectPool<AcceleratorContext> pool;
constinit Spinlock lock;  // the list and the numbers
constinit AcceleratorContext* first = nullptr;
constinit uint32_t last_number = 0;

AcceleratorContext& context_of(MmuNotifier& notifier) {
  return reinterpret_cast<AcceleratorContext&>(notifier);
}

void range_start(MmuNotifier& notifier, uint64_t start, uint64_t end) {
  secondary_protocol().range_start(context_of(notifier), start, end);
}

void range_end(MmuNotifier& notifier, uint64_t start, uint64_t end) {
  secondary_protocol().range_end(context_of(notifier), start, end);
}

void invalidate_page(MmuNotifier& notifier, uint64_t address) {
  secondary_protocol().invalidate_page(context_of(notifier), address);
}

void clear_young(MmuNotifier& notifier, uint64_t start, unsigned page_count, uint64_t* young) {
  const int64_t error =
      accelerator_call_clear_young(context_of(notifier).id, start, page_count, young);
  kernel_assert(error == 0, "the accelerator does not say which pages it used");
}

// First nobody finds the context any more, then the device forgets it, then what was kept for it
// goes.
void release(MmuNotifier& notifier) {
  AcceleratorContext& context = context_of(notifier);
  {
    SpinlockGuard guard(lock);
    AcceleratorContext** place = &first;
    while (*place != &context) {
      place = &(*place)->next;
    }
    *place = context.next;
  }
  const int64_t error = accelerator_call_close(context.id);
  kernel_assert(error == 0, "the accelerator does not let go of an address space");
  accelerator_context_closed(context.id);
  secondary_protocol().release(context);
  pool.put(&context);
}

constexpr MmuNotifierOps kOps = {range_start, range_end, invalidate_page, clear_young, release};

// Opens it at the device, and enters it into the list.
int64_t open(AcceleratorContext& context) {
  SpinlockGuard guard(lock);
  context.id = ++last_number;
  if (const int64_t error = accelerator_call_open(context.id); error != 0) {
    return error;
  }
  context.next = first;
  first = &context;
  return 0;
}

AcceleratorContext* find_registered(Mm& mm) {
  MmuNotifier* notifier = mm.notifiers;
  while (notifier != nullptr && notifier->ops != &kOps) {
    notifier = notifier->next;
  }
  return notifier == nullptr ? nullptr : &context_of(*notifier);
}

AcceleratorContext* find(uint64_t number) {
  AcceleratorContext* context = first;
  while (context != nullptr && context->id != number) {
    context = context->next;
  }
  return context;
}

}  // namespace

int64_t context_of(Mm& mm, uint32_t& number) {
  SpinlockGuard guard(mm.lock);
  AcceleratorContext* context = find_registered(mm);
  if (context == nullptr) {
    context = pool.get();
    if (context == nullptr) {
      return -kEnomem;
    }
    context->notifier.ops = &kOps;
    context->mm = &mm;
    if (const int64_t error = open(*context); error != 0) {
      pool.put(context);
      return error;
    }
    notifier_register(mm, context->notifier);
  }
  number = context->id;
  return 0;
}

AcceleratorContext* context_get(uint64_t number) {
  SpinlockGuard guard(lock);
  AcceleratorContext* context = find(number);
  return context != nullptr && mm_try_get(*context->mm) ? context : nullptr;
}

const Mm* context_mm(uint64_t number) {
  const AcceleratorContext* context = find(number);
  return context == nullptr ? nullptr : context->mm;
}

uint64_t contexts_in_use() {
  return pool.in_use();
}

const ProtocolOps& secondary_protocol() {
  return options().notifier_protocol == NotifierProtocol::kRecall ? kRecallProtocol
                                                                  : kSequenceProtocol;
}

}  // namespace kernel
