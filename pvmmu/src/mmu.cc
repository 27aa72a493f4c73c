// Domain building, base pointers, references of the VMM, and what the hypercalls share.
#include "pvmmu/mmu.h"
#include "pvmmu/mmu_events.h"

namespace pvmmu {

Mmu::Mmu(Platform& platform, std::span<PageInfo> frame_table, unsigned vcpu_count, MmuConfig config)
    : platform_(platform),
      frames_(frame_table),
      tlb_(platform),
      types_(platform, frames_, tlb_, config.count_limit),
      memory_(platform, frames_, types_),
      config_(config),
      vcpu_count_(vcpu_count < kMaxVcpus ? vcpu_count : kMaxVcpus) {}

void Mmu::assign_frame(Mfn frame, Pfn pfn) {
  frames_.at(frame).owner = FrameOwner::kDomain;
  platform_.write_m2p(frame, pfn);
}

void Mmu::share_frame(Mfn frame) {
  PageInfo& page = frames_.at(frame);
  page.owner = FrameOwner::kShared;
  page.type = PageType::kWritable;
  page.type_count = 1;
  page.total_count = 1;
}

int Mmu::pin_initial(PtLevel level, Mfn root, Refusal* why) {
  Call call = own_call(VcpuId{0});
  const Errno error = pin(call, root, level);
  types_.finish(call);
  if (error != Errno::kOk) {
    finish_refused(call, "pin_initial", error, 0);
    if (why != nullptr) *why = call.refusal;
  }
  return static_cast<int>(return_value(error));
}

int Mmu::set_initial_base_pointer(VcpuId vcpu, Mfn kernel, Mfn user, Refusal* why) {
  Call call = own_call(vcpu);
  Errno error = types_.get_validated(call, kernel, PageType::kL4);
  if (error == Errno::kOk && user != kInvalidMfn) {
    error = types_.get_validated(call, user, PageType::kL4);
    types_.finish(call);
    if (error != Errno::kOk) put_in_one_go(call, kernel);
  }
  if (error != Errno::kOk) {
    types_.finish(call);
    finish_refused(call, "set_initial_base_pointer", error, 0);
    if (why != nullptr) *why = call.refusal;
    return static_cast<int>(return_value(error));
  }
  types_.store_validated(call, kernel);
  if (user != kInvalidMfn) types_.store_validated(call, user);
  drop_base_pointers(vcpu);
  roots_[index_of(vcpu)] = Roots{kernel, user};
  return 0;
}

void Mmu::drop_base_pointers(VcpuId vcpu) {
  Call call = own_call(vcpu);
  Roots& roots = roots_[index_of(vcpu)];
  if (roots.kernel != kInvalidMfn) put_in_one_go(call, roots.kernel);
  if (roots.user != kInvalidMfn) put_in_one_go(call, roots.user);
  roots = Roots{};
}

void Mmu::put_in_one_go(Call& call, Mfn frame) {
  types_.put_page_and_type(call.counters, frame);
  types_.finish(call);
}

bool Mmu::copy_to_guest(Mfn root, LinearAddr to, const void* from, size_t size) {
  Call call = own_call(VcpuId{0});
  return memory_.copy_to(call, root, to, from, size);
}

int64_t Mmu::get_writable(Call& call, const char* operation, Mfn frame) {
  const Errno error = types_.get_page_and_type(call, frame, PageType::kWritable);
  if (error != Errno::kOk) return return_value(finish_refused(call, operation, error, 0));
  ++frames_.at(frame).external_count;
  return 0;
}

void Mmu::put_writable(Mfn frame) {
  --frames_.at(frame).external_count;
  types_.put_page_and_type(own_counters_, frame);
}

int64_t Mmu::get_for_device(Call& call, const char* operation, Mfn frame) {
  const int64_t error = get_writable(call, operation, frame);
  if (error == 0) ++frames_.at(frame).device_count;
  return error;
}

void Mmu::put_for_device(Mfn frame) {
  --frames_.at(frame).device_count;
  put_writable(frame);
}

Mfn Mmu::current_root(const Call& call) const {
  const Roots& roots = roots_[index_of(call.vcpu)];
  return call.kernel_mode ? roots.kernel : roots.user;
}

Errno Mmu::finish_refused(Call& call, const char* operation, Errno error, uint32_t request) {
  call.refusal.operation = operation;
  call.refusal.request = request;
  ++call.counters.refusals;
  ++call.counters.refusals_by_errno[errno_number(error)];
  ++call.counters.refusals_by_rule[static_cast<unsigned>(call.refusal.rule)];
  if (MmuEvents* events = platform_.events()) events->refused(call.counters, call.refusal);
  return error;
}

// As in Xen, a result pointer that cannot be written does not change the result; it is counted.
void Mmu::write_done(Call& call, LinearAddr done, uint32_t count) {
  if (done == LinearAddr(0)) return;
  const Refusal kept = call.refusal;
  if (!memory_.copy_to(call, current_root(call), done, &count, sizeof count)) {
    ++call.counters.done_faults;
  }
  call.refusal = kept;
}

// foreigndom: whose frames the entries may name in bits 0..15, and for mmu_update, whose tables
// they are in bits 16..31 (0: the caller's, otherwise a domain's number + 1). There is one domain
// here.
Errno Mmu::check_foreigndom(Call& call, uint32_t foreigndom, bool with_table_owner) {
  const uint32_t table_owner = with_table_owner ? foreigndom >> 16 : 0;
  if (table_owner != 0 && table_owner != uint32_t{config_.domain_id} + 1) {
    return types_.refuse(call, Rule::kAnyInput, Errno::kESRCH, "no such domain owns page tables");
  }
  const auto owner = static_cast<uint16_t>(foreigndom);
  if (owner == DOMID_SELF || owner == config_.domain_id) return Errno::kOk;
  if (owner == DOMID_IO || owner == DOMID_XEN || owner == DOMID_COW) {
    return types_.refuse(call, Rule::kAnyInput, Errno::kEPERM,
                         "the domain may not use frames of the hypervisor");
  }
  return types_.refuse(call, Rule::kAnyInput, Errno::kESRCH, "no such foreign domain");
}

}  // namespace pvmmu
