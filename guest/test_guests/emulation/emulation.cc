// What the hypervisor carries out for a well-meaning guest: stores of every kind to its own L1
// tables, reads of the machine-to-physical table at its classical address, privileged instructions
// that paravirtual guests use. Prints "ok" or "FAILED" for each; ends as crashed if one failed.
#include "runtime/console.h"
#include "runtime/hypercall.h"
#include "runtime/memory.h"
#include "runtime/traps.h"

using namespace test_guest;

namespace {

constexpr uint64_t kMark = uint64_t{1} << 9;  // a bit of the entry that is the guest's to use
constexpr uint64_t kOtherMark = uint64_t{1} << 10;

unsigned failures;

void check(const char* what, bool good) {
  print(good ? "ok: " : "FAILED: ", what);
  failures += good ? 0 : 1;
}

// Runs the operation on the entry of a scratch page; it must not trap.
template <typename Operation>
void check_store(const char* what, uint64_t expected, Operation operation) {
  volatile uint64_t* entry = find_entry(address_of(scratch_page(0)), 1).entry;
  const Trap trap = attempt([&] { operation(entry); });
  if (trap.happened) print(trap_name(trap.vector), " in: ", what);
  // Accessed and Dirty are the processor's to set.
  constexpr uint64_t kIgnored = kAccessed | kDirty;
  check(what, !trap.happened && ((*entry ^ expected) & ~kIgnored) == 0);
}

void stores() {
  const uint64_t plain = *find_entry(address_of(scratch_page(0)), 1).entry;
  const uint64_t marked = plain | kMark;
  uint64_t old = 0;
  bool equal = false;
  check_store("mov", marked, [=](auto* entry) { *entry = marked; });
  check_store("mov of 4 bytes", plain, [=](auto* entry) {
    *reinterpret_cast<volatile uint32_t*>(entry) = static_cast<uint32_t>(plain);
  });
  check_store("xchg", marked, [&](auto* entry) {
    old = marked;
    asm volatile("xchg %0, %1" : "+r"(old), "+m"(*entry));
  });
  check("xchg returns the old value", ((old ^ plain) & ~uint64_t{kAccessed | kDirty}) == 0);
  check_store("cmpxchg that finds another value", marked, [&](auto* entry) {
    old = 1;
    asm volatile("lock cmpxchg %3, %1\n sete %2"
                 : "+a"(old), "+m"(*entry), "=q"(equal)
                 : "r"(plain)
                 : "cc");
  });
  check("... says so", !equal && (old & kMark) != 0);
  check_store("cmpxchg that finds the value", plain, [&](auto* entry) {
    asm volatile("lock cmpxchg %3, %1\n sete %2"
                 : "+a"(old), "+m"(*entry), "=q"(equal)
                 : "r"(plain)
                 : "cc");
  });
  check("... says so", equal);
  check_store("lock or", plain | kMark | kOtherMark, [](auto* entry) {
    asm volatile("lock orq %1, %0" : "+m"(*entry) : "er"(kMark | kOtherMark) : "cc");
  });
  check_store("lock and", marked, [](auto* entry) {
    asm volatile("lock andq %1, %0" : "+m"(*entry) : "er"(~kOtherMark) : "cc");
  });
  check_store("lock btr", plain, [&](auto* entry) {
    asm volatile("lock btrq $9, %0\n setc %1" : "+m"(*entry), "=q"(equal) : : "cc");
  });
  check("... returns the old bit", equal);
  check_store("lock bts", marked, [&](auto* entry) {
    asm volatile("lock btsq $9, %0\n setc %1" : "+m"(*entry), "=q"(equal) : : "cc");
  });
  check("... returns the old bit", !equal);
  check_store("writable to read-only", plain & ~uint64_t{kWritable},
              [=](auto* entry) { *entry = plain & ~uint64_t{kWritable}; });
  check("a store to the page then faults",
        attempt([] { *const_cast<volatile uint8_t*>(scratch_page(0)) = 1; }).happened);
  check_store("read-only to writable", plain, [=](auto* entry) { *entry = plain; });
  check("a store to the page then succeeds",
        !attempt([] { *const_cast<volatile uint8_t*>(scratch_page(0)) = 1; }).happened);
  check_store("present to none", 0, [](auto* entry) { *entry = 0; });
  check_store("none to present", plain, [=](auto* entry) { *entry = plain; });
}

void machine_to_physical() {
  const auto* classical = reinterpret_cast<const volatile uint64_t*>(0xffff800000000000);
  const uint64_t mfn = mfn_of_pfn(300);
  uint64_t value = 0;
  bool equal = false;
  check("mov from the machine-to-physical table",
        !attempt([&] { value = classical[mfn]; }).happened && value == 300);
  check("movzwl from it",
        !attempt([&] {
           asm volatile("movzwl %1, %k0"
                        : "=r"(value)
                        : "m"(*reinterpret_cast<const volatile uint16_t*>(classical + mfn)));
         }).happened &&
            value == 300);
  check("cmp with it",
        !attempt([&] {
           asm volatile("cmpq $300, %1\n sete %0" : "=q"(equal) : "m"(classical[mfn]) : "cc");
         }).happened &&
            equal);
  xen_machphys_mapping_t mapping = {};
  hypercall(__HYPERVISOR_memory_op, XENMEM_machphys_mapping, address_of(&mapping));
  const auto* announced = reinterpret_cast<const volatile uint64_t*>(mapping.v_start);
  check("the place that machphys_mapping names",
        !attempt([&] { value = announced[mfn]; }).happened && value == 300);
}

void privileged() {
  uint64_t value = 0;
  check("mov from cr3", !attempt([&] { asm volatile("mov %%cr3, %0"
                                                    : "=r"(value)); }).happened &&
                            value / kPageSize == root_mfn());
  check("mov from cr0", !attempt([&] { asm volatile("mov %%cr0, %0"
                                                    : "=r"(value)); }).happened &&
                            (value & 1) != 0);
  check("mov from cr4", !attempt([&] { asm volatile("mov %%cr4, %0"
                                                    : "=r"(value)); }).happened &&
                            (value & 0x20) != 0);
  check("clts", !attempt([] { asm volatile("clts"); }).happened);
  check("wbinvd", !attempt([] { asm volatile("wbinvd"); }).happened);
  check("mov from db7", !attempt([&] { asm volatile("mov %%db7, %0" : "=r"(value)); }).happened);
  physdev_set_iopl_t iopl = {1};
  check("set_iopl", hypercall(kPhysdevOp, PHYSDEVOP_set_iopl, address_of(&iopl)) == 0);
  uint32_t data = 0;
  check("in from a port without a device reads all ones",
        !attempt([&] {
           asm volatile("inl %%dx, %0" : "=a"(data) : "d"(0xcfc));
         }).happened &&
            data == 0xffffffff);
  uint32_t eax = 1;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  check("forced-emulation cpuid", !attempt([&] {
                                     asm volatile("ud2\n .ascii \"xen\"\n cpuid"
                                                  : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
                                   }).happened &&
                                      (edx & 1) != 0);
  check("the prefix with another instruction is #UD",
        attempt([] { asm volatile("ud2\n .ascii \"xen\"\n nop"); }).vector == 6);
}

}  // namespace

extern "C" void guest_main(const start_info_t* info) {
  remember_start_info(info);
  check("set_trap_table", register_traps() == 0);
  stores();
  machine_to_physical();
  privileged();
  print(failures == 0 ? "all ok" : "something failed");
  shut_down(failures == 0 ? SHUTDOWN_poweroff : SHUTDOWN_crash);
}
