#include "mm/pv/table_lock.h"

#include "accounting.h"
#include "mm/pv/vcpu_state.h"
#include "options.h"
#include "pte_rules/hooks.h"

namespace kernel {
namespace {

void release(Spinlock& lock) {
  pte_rules::unlock(lock);
  --pv_this_vcpu().table_locks_held;
  lock.unlock();
}

}  // namespace

Spinlock& table_lock_of(Mm& mm, Page& table) {
  return options().split_ptl ? table.table_lock : mm.table_lock;
}

void lock_table(Mm& mm, Page& table) {
  table_lock_of(mm, table).lock();
  PvVcpu& vcpu = pv_this_vcpu();
  ++vcpu.table_locks_held;
  accounting_max_locks(vcpu.table_locks_held);
}

void unlock_table(Mm& mm, Page& table) {
  release(table_lock_of(mm, table));
}

void unlock_table_callback(void* argument) {
  release(static_cast<Page*>(argument)->table_lock);
}

}  // namespace kernel
