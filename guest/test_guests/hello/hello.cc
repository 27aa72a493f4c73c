// The smallest guest: says what it was given, and powers off.
#include "runtime/console.h"
#include "runtime/hypercall.h"

using namespace test_guest;

extern "C" void guest_main(const start_info_t* info) {
  print("hello from a test guest: ", info->magic);
  print("pages ", static_cast<int64_t>(info->nr_pages), ", page tables ",
        static_cast<int64_t>(info->nr_pt_frames), ", command line '",
        reinterpret_cast<const char*>(info->cmd_line), "'");
  const int64_t version = hypercall(__HYPERVISOR_xen_version, XENVER_version);
  print("interface ", version >> 16, ".", version & 0xffff);
  shut_down(SHUTDOWN_poweroff);
}
