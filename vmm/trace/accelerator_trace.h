// The accelerator's track of a trace.
//
// Its events come from whatever thread does them, with the device's mutex, which orders them.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/strings/string_view.h"
#include "accelerator/accelerator_events.h"
#include "trace/trace_file.h"
#include "trace/trace_track.h"

namespace vmm {

class AcceleratorTrace final : public AcceleratorEvents {
 public:
  // `now`: any thread. The track gets its name with its first event, so that a run without the
  // device has none.
  AcceleratorTrace(TraceFile& file, unsigned track, std::function<uint64_t()> now)
      : track_(file, track), now_(std::move(now)) {}

  // The device works no more.
  void stop() { track_.end_all(now_()); }

  void submitted(const guest_abi::AcceleratorCommand& command) override;
  void ended(const guest_abi::AcceleratorCommand& command, uint64_t error,
             uint64_t result) override;
  void forgotten(const guest_abi::AcceleratorCommand& command) override;
  void faulted(const guest_abi::AcceleratorCommand& command, uint64_t address, bool write,
               uint64_t cache_hits) override;
  void access_begins(const guest_abi::AcceleratorCommand& command, uint64_t offset, uint64_t size,
                     std::span<const DeviceAccess> places, uint64_t cache_hits) override;
  void access_ends() override;
  void established(const DeviceAccess& entry) override;
  void invalidated(uint64_t context, uint64_t address, uint64_t end) override;
  void let_go(pvmmu::Mfn frame) override;

 private:
  TraceEvent mark(absl::string_view name);
  // Of a command: with its tag and context.
  TraceEvent mark(absl::string_view name, const guest_abi::AcceleratorCommand& command);
  void name_track();

  TraceTrack track_;
  const std::function<uint64_t()> now_;
  bool named_ = false;
};

}  // namespace vmm
