#include "explore/memory_state.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "absl/hash/hash.h"
#include "kvm/unique_fd.h"
#include "sim/fiber.h"

namespace vmm::explore {
namespace {

constexpr uint64_t kPageBytes = 4096;
// [linux: Documentation/admin-guide/mm/pagemap.rst]
constexpr uint64_t kMappedOnce = uint64_t{1} << 56;
constexpr uint64_t kOfFile = uint64_t{1} << 61;
constexpr uint64_t kSwapped = uint64_t{1} << 62;
constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr size_t kEntriesAtOnce = 512;
constexpr uint64_t kThreadBytes = 1024;
// Larger mappings, as the sanitizers have them, take too long to be looked through.
constexpr uint64_t kLargest = uint64_t{1} << 38;
constexpr size_t kRoom = size_t{1} << 18;

struct Mapping {
  uint64_t start = 0, end = 0;
};

// What is no state, by ascending address: what the C library keeps of the thread, its number among
// it, which no two copies share; and where the host says on which of its processors the thread is.
std::array<Mapping, 2> holes() {
  const uint64_t thread = pthread_self();
  const uint64_t rseq_area = thread + static_cast<uint64_t>(__rseq_offset);
  const Mapping one = {thread, thread + kThreadBytes};
  const Mapping other = {rseq_area, rseq_area + sizeof(rseq)};
  if (one.start < other.start) return {one, other};
  return {other, one};
}

// Whether a line of /proc/self/maps is of memory that runs have to themselves. The pages of a
// process's state are shared between mappings of the run alone (sim/user_program.h).
bool is_own(const char* rights, std::string_view line) {
  if (rights[1] != 'w') return false;
  return rights[3] == 'p' || line.find("memfd:state pages") != std::string_view::npos;
}

// Of the page: where its part in use begins; its end: nowhere.
uint64_t live_part(uint64_t page, uint64_t live) {
  uint64_t from = page;
  Fiber::for_each_stack([&](uint64_t start, uint64_t end, uint64_t stopped_at) {
    if (page < start || page >= end) return;
    const uint64_t used_from = live >= start && live < end ? live : stopped_at;
    from = std::clamp(used_from, page, page + kPageBytes);
  });
  return from;
}

char* shared_room() {
  void* room = mmap(nullptr, kRoom, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return room == MAP_FAILED ? nullptr : static_cast<char*>(room);
}

class Hasher {
 public:
  explicit Hasher(const void* live) : live_(reinterpret_cast<uint64_t>(live)) {}

  bool add(int pagemap, const Mapping& mapping) {
    if (mapping.end - mapping.start > kLargest) return false;
    std::array<uint64_t, kEntriesAtOnce> entries;
    for (uint64_t at = mapping.start; at < mapping.end; at += kEntriesAtOnce * kPageBytes) {
      const uint64_t count = std::min(kEntriesAtOnce, (mapping.end - at) / kPageBytes);
      const size_t bytes = count * sizeof(uint64_t);
      const auto place = static_cast<off_t>(at / kPageBytes * sizeof(uint64_t));
      if (pread(pagemap, entries.data(), bytes, place) != static_cast<ssize_t>(bytes)) return false;
      for (uint64_t i = 0; i < count; ++i) {
        if ((entries[i] & kSwapped) != 0) return false;  // may have been written
        const bool written = (entries[i] & (kMappedOnce | kOfFile)) != 0;
        if ((entries[i] & kPresent) != 0 && written) add_page(at + i * kPageBytes);
      }
    }
    return true;
  }
  uint64_t value() const { return std::max<uint64_t>(value_, 1); }

 private:
  void add_page(uint64_t page) {
    uint64_t from = live_part(page, live_);
    const uint64_t end = page + kPageBytes;
    for (const Mapping& hole : holes_) {
      add(from, std::clamp(hole.start, from, end));
      from = std::clamp(hole.end, from, end);
    }
    add(from, end);
  }
  void add(uint64_t from, uint64_t end) {
    if (from >= end) return;
    value_ = absl::HashOf(value_, from,
                          std::string_view(reinterpret_cast<const char*>(from), end - from));
  }

  const uint64_t live_;
  const std::array<Mapping, 2> holes_ = holes();
  uint64_t value_ = 0;
};

}  // namespace

uint64_t memory_state(const void* live) {
  const UniqueFd pagemap(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  const UniqueFd maps(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  if (pagemap.get() < 0 || maps.get() < 0) return 0;
  // In memory that is not looked at, and not on the stack, which is small.
  static char* const text = shared_room();
  if (text == nullptr) return 0;
  size_t size = 0;
  ssize_t count = 0;
  while ((count = read(maps.get(), text + size, kRoom - 1 - size)) > 0) {
    size += static_cast<size_t>(count);
  }
  if (size == kRoom - 1) return 0;
  text[size] = 0;
  Hasher hasher(live);
  for (char* line = text; *line != 0;) {
    char* const end = std::strchr(line, '\n');
    if (end == nullptr) break;
    *end = 0;
    Mapping mapping;
    char rights[5] = {};
    if (std::sscanf(line, "%lx-%lx %4s", &mapping.start, &mapping.end, rights) != 3) return 0;
    if (is_own(rights, line) && !hasher.add(pagemap.get(), mapping)) return 0;
    line = end + 1;
  }
  return hasher.value();
}

}  // namespace vmm::explore
