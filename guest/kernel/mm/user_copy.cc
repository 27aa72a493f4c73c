// The kernel's accesses to user memory: through the tables and the direct map, page by page, with
// the Mm lock held over each page, so that nothing can be unmapped or shared in between.
#include <string.h>

#include "linux_errno.h"
#include "mm/ahead.h"
#include "mm/mm.h"
#include "mm/user_page.h"

namespace kernel {
namespace {

// Kernel address of the byte at a user address that permits the access; nullptr: it does not.
// With the Mm lock held.
unsigned char* accessible_byte(Mm& mm, uint64_t address, Access access) {
  UserPte entry;
  if (find_accessible(mm, address, access, entry) != FaultResult::kResolved) {
    return nullptr;
  }
  unsigned char* page = static_cast<unsigned char*>(address_of(page_of(entry.frame())));
  return page + (address & ~pvmmu::kPageMask);
}

template <typename CopyPart>
int64_t copy_by_pages(Mm& mm, uint64_t address, size_t byte_count, Access access,
                      CopyPart copy_part) {
  if (address > kUserLimit || byte_count > kUserLimit - address) {
    return -kEfault;
  }
  size_t done = 0;
  while (done < byte_count) {
    const uint64_t at = address + done;
    const size_t left_in_page = pvmmu::kPageSize - (at & ~pvmmu::kPageMask);
    const size_t left = byte_count - done;
    const size_t part = left < left_in_page ? left : left_in_page;
    SettledMm guard(mm);
    unsigned char* byte = accessible_byte(mm, at, access);
    if (byte == nullptr) {
      return -kEfault;
    }
    copy_part(byte, done, part);
    done += part;
  }
  return 0;
}

}  // namespace

int64_t copy_from_user(Mm& mm, void* to, uint64_t from, size_t byte_count) {
  return copy_by_pages(mm, from, byte_count, Access::kRead,
                       [to](const unsigned char* byte, size_t done, size_t part) {
                         memcpy(static_cast<unsigned char*>(to) + done, byte, part);
                       });
}

int64_t copy_to_user(Mm& mm, uint64_t to, const void* from, size_t byte_count) {
  return copy_by_pages(mm, to, byte_count, Access::kWrite,
                       [from](unsigned char* byte, size_t done, size_t part) {
                         memcpy(byte, static_cast<const unsigned char*>(from) + done, part);
                       });
}

}  // namespace kernel
