#include "test_domain.h"

namespace pvmmu::testing {

DomainTest::DomainTest(MmuConfig config, unsigned vcpus)
    : platform(kFrames, vcpus), mmu(platform, frame_table, vcpus, config) {
  build();
}

void DomainTest::build() {
  for (uint64_t i = 16; i < kFrames; ++i) mmu.assign_frame(Mfn(i), Pfn((i * 7) % kFrames));
  mmu.share_frame(kShared);
  for (uint64_t i = kShared.raw(); i < kFrames; ++i) {
    set(l1_, static_cast<unsigned>(i), entry_of(Mfn(i), i < 64 ? kFlagsRw : kFlagsRo));
  }
  set(l2_, 0, entry_of(l1_, kFlagsRw));
  set(l3_, 1, entry_of(l2_, kFlagsRw));
  set(l4_, 0, entry_of(l3_, kFlagsRw));
  if (mmu.pin_initial(PtLevel::kL4, l4_) != 0) std::abort();
  if (mmu.set_initial_base_pointer(VcpuId{0}, l4_) != 0) std::abort();
  platform.history.clear();
}

void DomainTest::TearDown() {
  audit_agrees();
}

void DomainTest::audit_agrees() {
  CollectingSink sink;
  EXPECT_TRUE(mmu.audit(sink)) << sink.text;
}

void DomainTest::open_hypervisor_slots() {
  platform.hypervisor_entry |= kPteUser;
  for (const unsigned slot : {256u, 257u}) set(l4_, slot, platform.hypervisor_entry);
  set(Mfn(2), 0, entry_of(Mfn(3), kFlagsRw));
  set(Mfn(3), 0, entry_of(Mfn(4), kFlagsRw));
}

int64_t DomainTest::update(std::vector<::mmu_update> requests, uint32_t foreigndom) {
  if (!requests.empty()) {
    std::memcpy(platform.bytes(Maddr(kRequests, 0)), requests.data(),
                requests.size() * sizeof(::mmu_update));
  }
  refusal = Refusal{};
  return mmu.mmu_update(call, address_of(kRequests), static_cast<uint32_t>(requests.size()),
                        address_of(kDone), foreigndom);
}

int64_t DomainTest::update(Maddr place, uint64_t value, unsigned command) {
  return update({{place.raw() | command, value}});
}

::mmuext_op DomainTest::operation(unsigned command, uint64_t arg1, uint64_t arg2) {
  ::mmuext_op result{};
  result.cmd = command;
  result.arg1.mfn = arg1;
  result.arg2.src_mfn = arg2;
  return result;
}

int64_t DomainTest::ext(std::vector<::mmuext_op> operations, uint32_t foreigndom) {
  std::memcpy(platform.bytes(Maddr(kRequests, 0)), operations.data(),
              operations.size() * sizeof(::mmuext_op));
  refusal = Refusal{};
  return mmu.mmuext_op(call, address_of(kRequests), static_cast<uint32_t>(operations.size()),
                       address_of(kDone), foreigndom);
}

int64_t DomainTest::ext(unsigned command, Mfn frame) {
  return ext({operation(command, frame.raw())});
}

uint32_t DomainTest::done() {
  uint32_t value;
  std::memcpy(&value, platform.bytes(Maddr(kDone, 0)), sizeof value);
  return value;
}

std::vector<Mfn> DomainTest::build_tables(PtLevel top, Mfn frame) {
  std::vector<Mfn> path;
  Mfn below = frame;
  for (unsigned level = 1; level <= level_number(top); ++level) {
    const Mfn table = take_frame();
    set(table, 0, entry_of(below, level == 1 ? kFlagsRo : kFlagsRw));
    path.insert(path.begin(), table);
    below = table;
  }
  return path;
}

}  // namespace pvmmu::testing
