#include "arch/entry_points.h"

#include "arch/x86_64/symbols.h"

namespace kernel {
EntryPoints entry_points() {
  return {exception_entries, address_of_code(syscall_entry), address_of_code(event_entry),
          address_of_code(failsafe_entry), address_of_code(secondary_entry)};
}

}  // namespace kernel
