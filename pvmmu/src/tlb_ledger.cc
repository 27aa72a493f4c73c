#include "pvmmu/tlb_ledger.h"

#include "pvmmu/mmu_events.h"

namespace pvmmu {

VcpuMask TlbLedger::stale_since(uint64_t stamp) const {
  VcpuMask stale = 0;
  for (VcpuMask rest = platform_.all_vcpus(); rest != 0; rest &= rest - 1) {
    const auto vcpu = static_cast<unsigned>(__builtin_ctzll(rest));
    if (flushed_at_[vcpu] <= stamp) stale |= VcpuMask{1} << vcpu;
  }
  return stale;
}

void TlbLedger::record_flush(VcpuMask vcpus) {
  ++clock_;
  for (; vcpus != 0; vcpus &= vcpus - 1) {
    flushed_at_[static_cast<unsigned>(__builtin_ctzll(vcpus))] = clock_;
  }
}

void TlbLedger::flush(MmuCounters& counters, VcpuMask vcpus) {
  if (vcpus == 0) return;
  platform_.flush_tlb(vcpus, TlbFlush{});
  ++counters.tlb_flush_all;
  if (MmuEvents* events = platform_.events()) events->flushed(counters, vcpus, TlbFlush{});
  record_flush(vcpus);
}

void TlbLedger::flush_address(MmuCounters& counters, VcpuMask vcpus, LinearAddr address) {
  if (vcpus == 0) return;
  const TlbFlush what{false, address};
  platform_.flush_tlb(vcpus, what);
  ++counters.tlb_flush_single;
  if (MmuEvents* events = platform_.events()) events->flushed(counters, vcpus, what);
}

void TlbLedger::flush_older_than(MmuCounters& counters, uint64_t stamp) {
  const VcpuMask stale = stale_since(stamp);
  if (stale == 0) {
    ++counters.tlb_flushes_avoided;
    if (MmuEvents* events = platform_.events()) events->flush_avoided(counters);
    return;
  }
  flush(counters, stale);
}

void TlbLedger::owe() {
  owed_ = true;
  owed_stamp_ = stamp();
}

void TlbLedger::settle(MmuCounters& counters) {
  if (!owed_) return;
  owed_ = false;
  flush_older_than(counters, owed_stamp_);
}

void TlbLedger::note_flush(VcpuId vcpu) {
  record_flush(mask_of(vcpu));
}

}  // namespace pvmmu
