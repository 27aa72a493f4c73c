// The frames of a machine as an explanation looks at them: of one that runs, or of a saved report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/frame.h"
#include "pvmmu/audit.h"
#include "pvmmu/page_info.h"

namespace vmm {

// What a frame is and how often it is used (pvmmu/page_info.h).
struct FrameState {
  pvmmu::FrameOwner owner = pvmmu::FrameOwner::kHypervisor;
  pvmmu::PageType type = pvmmu::PageType::kNone;
  bool whole = false;  // validated, and all that a processor may walk
  bool pinned = false;
  bool in_progress = false;
  uint32_t type_count = 0;
  uint32_t total_count = 0;
  uint32_t vmm_references = 0;
  int16_t same_level_count = 0;

  friend bool operator==(const FrameState&, const FrameState&) = default;
};

class FrameSource {
 public:
  virtual ~FrameSource() = default;
  virtual size_t frame_count() const = 0;
  // The frame must be below frame_count().
  virtual FrameState state(pvmmu::Mfn frame) const = 0;
  // Appends the users of a frame, all or the first `limit`, and returns how many there are. Slow:
  // reads every table.
  virtual size_t find_users(pvmmu::Mfn frame, size_t limit,
                            std::vector<pvmmu::FrameUser>& users) const = 0;
  // The machine frame of a page of the domain, if it is known: for requests that seem to name one
  // for the other.
  virtual std::optional<pvmmu::Mfn> frame_of_page(pvmmu::Pfn page) const = 0;

  bool contains(pvmmu::Mfn frame) const { return frame.raw() < frame_count(); }
};

}  // namespace vmm
