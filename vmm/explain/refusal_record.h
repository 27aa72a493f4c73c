// A refused request with all that explains it, copied out of the machine at that moment.
#pragma once

#include <optional>
#include <string>

#include "base/linear_addr.h"
#include "explain/frame_chain.h"
#include "pvmmu/refusal.h"

namespace vmm {

// What the refused request named, as far as the refusal itself does not say. It is read from the
// guest once more, after the refusal: a guest that changes its requests meanwhile sees the change.
struct AskedFor {
  std::optional<pvmmu::Mfn> frame = {};    // of mmuext_op, set_gdt, pages of the VMM
  std::optional<pvmmu::Maddr> place = {};  // of mmu_update and update_descriptor: where to store
  uint64_t value = 0;                      // with place, and of update_va_mapping: what to store
};

struct RefusalRecord {
  unsigned vcpu = 0;  // that made the request
  pvmmu::Refusal refusal;
  AskedFor asked;
  size_t frame_count = 0;  // of the machine

  // The frame that stands in the way: the refusal's, or the one that the request named. Invalid if
  // there is none.
  pvmmu::Mfn frame;
  bool frame_exists = false;
  // From that frame upwards, if it exists. The state of the first link is what the frame was when
  // the request was refused.
  FrameChain chain;
  // The linear address concerned: the refusal's, or what the refused entry translates.
  std::optional<pvmmu::LinearAddr> address;
  // The machine frame of the page whose number the frame's is, where the frame is not the domain's:
  // the request may have left out the translation.
  std::optional<pvmmu::Mfn> frame_of_page;

  const FrameState& frame_now() const { return chain.links.front().state; }
};

// Of a frame in range.
FrameState snapshot_state(const pvmmu::FrameSnapshot& then);

// Reads all tables, about a dozen times.
RefusalRecord make_refusal_record(const FrameSource& frames, unsigned vcpu,
                                  const pvmmu::Refusal& refusal, const AskedFor& asked);

// "MMUEXT_PIN_L1_TABLE request 2", "update_va_mapping"
std::string operation_text(const RefusalRecord& record);
// Whether the frame was to be one that the VMM writes from then on.
bool asks_for_vmm_page(const RefusalRecord& record);
// What the request was about to make of a frame; kNone where that does not apply.
pvmmu::PageType wanted_type(const RefusalRecord& record);
// Whether the refused entry was met on the way, while a table was validated, rather than asked for.
bool found_in_validation(const RefusalRecord& record);

}  // namespace vmm
