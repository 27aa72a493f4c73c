// xen_version, memory_op, vm_assist, physdev_op.
#include "fake_services.h"

namespace vmm {
namespace {

constexpr uint64_t kArgument = FakeAccess::kGuestBase;
constexpr uint64_t kBuffer = FakeAccess::kGuestBase + 0x2000;

using VersionTest = HypercallTest;

TEST_F(VersionTest, Version) {
  EXPECT_EQ(call(__HYPERVISOR_xen_version, XENVER_version), 4 << 16 | 17);
  EXPECT_EQ(call(__HYPERVISOR_xen_version, XENVER_pagesize), 4096);
  EXPECT_EQ(call(__HYPERVISOR_xen_version, XENVER_build_id, kArgument), -XEN_ENODATA);
  EXPECT_EQ(call(__HYPERVISOR_xen_version, 77, kArgument), -XEN_ENOSYS);
}

TEST_F(VersionTest, Texts) {
  struct {
    unsigned command;
    size_t size;
    const char* start;
  } const texts[] = {{XENVER_extraversion, sizeof(xen_extraversion_t), ".0"},
                     {XENVER_capabilities, sizeof(xen_capabilities_info_t), "xen-3.0-x86_64"},
                     {XENVER_changeset, sizeof(xen_changeset_info_t), "pvmmu"},
                     {XENVER_commandline, sizeof(xen_commandline_t), ""}};
  for (const auto& text : texts) {
    std::vector<char> canary(text.size + 1, '#');
    access.write(pvmmu::LinearAddr(kArgument), canary.data(), canary.size());
    EXPECT_EQ(call(__HYPERVISOR_xen_version, text.command, kArgument), 0);
    access.read(pvmmu::LinearAddr(kArgument), canary.data(), canary.size());
    EXPECT_TRUE(std::string_view(canary.data()).starts_with(text.start));
    EXPECT_EQ(canary[text.size - 1], '\0');
    EXPECT_EQ(canary[text.size], '#');  // not a byte too many
  }
}

TEST_F(VersionTest, Features) {
  access.put(xen_feature_info_t{.submap_idx = 0, .submap = 0});
  EXPECT_EQ(call(__HYPERVISOR_xen_version, XENVER_get_features, kArgument), 0);
  const uint32_t features = access.get<xen_feature_info_t>(kArgument).submap;
  EXPECT_TRUE(features >> XENFEAT_mmu_pt_update_preserve_ad & 1);
  EXPECT_FALSE(features >> XENFEAT_writable_page_tables & 1);
  EXPECT_FALSE(features >> XENFEAT_auto_translated_physmap & 1);
  access.put(xen_feature_info_t{.submap_idx = 1, .submap = 0});
  EXPECT_EQ(call(__HYPERVISOR_xen_version, XENVER_get_features, kArgument), -XEN_EINVAL);
}

using MemoryOpTest = HypercallTest;

TEST_F(MemoryOpTest, Sizes) {
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page), 19'999);
  access.put(domid_t{DOMID_SELF});
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_current_reservation, kArgument), 16'384);
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_maximum_reservation, kArgument), 16'384);
  access.put(domid_t{5});
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_current_reservation, kArgument), -XEN_ESRCH);
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, kArgument), -XEN_ENOSYS);
}

TEST_F(MemoryOpTest, MachineToPhysical) {
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_machphys_mapping, kArgument), 0);
  const auto mapping = access.get<xen_machphys_mapping_t>(kArgument);
  EXPECT_EQ(mapping.v_start, 0xffff808000000000u);
  EXPECT_EQ(mapping.v_end, 0xffff808000000000u + (5 << 20));
  EXPECT_EQ(mapping.max_mfn, 19'999u);
}

TEST_F(MemoryOpTest, MachineToPhysicalFrames) {
  struct {
    uint64_t max_extents, list, nr_extents;
  } request = {100, kBuffer, 0};
  static_assert(sizeof request == sizeof(xen_machphys_mfn_list_t));
  access.put(request);
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, kArgument), 0);
  EXPECT_EQ(access.get<xen_machphys_mfn_list_t>(kArgument).nr_extents, 3u);  // 5 MiB
  EXPECT_EQ(access.get<uint64_t>(kBuffer), 7u);
  EXPECT_EQ(access.get<uint64_t>(kBuffer + 16), 7u + 1024);
  EXPECT_EQ(access.get<uint64_t>(kBuffer + 24), 0u);
  request.max_extents = 0xffffffff;
  request.list = FakeAccess::kEnd - 8;
  access.put(request);
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, kArgument), -XEN_EFAULT);
}

TEST_F(MemoryOpTest, Map) {
  struct {
    uint64_t nr_entries, buffer;
  } request = {0xffffffff, kBuffer};
  static_assert(sizeof request == sizeof(xen_memory_map_t));
  access.put(request);
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_memory_map, kArgument), 0);
  EXPECT_EQ(access.get<xen_memory_map_t>(kArgument).nr_entries, 1u);
  EXPECT_EQ(access.get<uint64_t>(kBuffer), 0u);
  EXPECT_EQ(access.get<uint64_t>(kBuffer + 8), 64u << 20);
  EXPECT_EQ(access.get<uint32_t>(kBuffer + 16), 1u);
  request.nr_entries = 0;
  request.buffer = 0;
  access.put(request);
  EXPECT_EQ(call(__HYPERVISOR_memory_op, XENMEM_memory_map, kArgument), 0);
}

using VmAssistTest = HypercallTest;

TEST_F(VmAssistTest, KnownOnesOnly) {
  EXPECT_EQ(call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3), 0);
  EXPECT_EQ(hypercalls.assists(), uint64_t{1} << VMASST_TYPE_pae_extended_cr3);
  EXPECT_EQ(call(__HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_pae_extended_cr3), 0);
  EXPECT_EQ(hypercalls.assists(), 0u);
  EXPECT_EQ(call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 20), -XEN_EINVAL);
  EXPECT_EQ(call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 0xffffffff), -XEN_EINVAL);
  EXPECT_EQ(call(__HYPERVISOR_vm_assist, 5, VMASST_TYPE_pae_extended_cr3), -XEN_ENOSYS);
}

using PhysdevTest = HypercallTest;

TEST_F(PhysdevTest, Iopl) {
  EXPECT_EQ(hypercalls.iopl(kVcpu0), 0u);
  EXPECT_EQ(call(kPhysdevOp, PHYSDEVOP_set_iopl, access.put(physdev_set_iopl_t{1}), 0, kVcpu1), 0);
  EXPECT_EQ(hypercalls.iopl(kVcpu0), 0u);
  EXPECT_EQ(hypercalls.iopl(kVcpu1), 1u);
  EXPECT_EQ(call(kPhysdevOp, PHYSDEVOP_set_iopl, access.put(physdev_set_iopl_t{4})), -XEN_EINVAL);
}

TEST_F(PhysdevTest, Others) {
  EXPECT_EQ(call(kPhysdevOp, PHYSDEVOP_eoi, access.put(physdev_eoi_t{3})), -XEN_EINVAL);
  EXPECT_EQ(call(kPhysdevOp, PHYSDEVOP_set_iobitmap, access.put(physdev_set_iobitmap_t{})), 0);
  EXPECT_EQ(call(kPhysdevOp, PHYSDEVOP_map_pirq, kArgument), -XEN_ENOSYS);
}

class ManyVcpusTest : public HypercallTest {
 protected:
  ManyVcpusTest() : HypercallTest(40) {}
};

// shared_info has 32 places; the others live elsewhere until they are registered.
TEST_F(ManyVcpusTest, BeyondSharedInfo) {
  send(bind_ipi(39));
  EXPECT_EQ(vcpus.notified[39], 1);
  EXPECT_TRUE(hypercalls.places().upcall_pending(VcpuId{39}));
  EXPECT_FALSE(hypercalls.places().upcall_due(VcpuId{39}));  // masked, as at start of day
}

}  // namespace
}  // namespace vmm
