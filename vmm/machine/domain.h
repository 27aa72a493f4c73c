// The running domain: its memory, its MMU, its vCPUs, and what they share.
//
// Locks: sync/ranked_mutex.h has their order; lock() is the outermost. A vCPU in the guest holds
// none of them, and whoever waits for a vCPU to leave the guest waits only for that, which needs no
// lock.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "domain/domain_builder.h"
#include "explain/call_audit.h"
#include "explain/live_frames.h"
#include "explain/refusal_log.h"
#include "hypercalls/hypercalls.h"
#include "machine/accelerator_device.h"
#include "machine/domain_mutex.h"
#include "machine/engine.h"
#include "machine/machine_memory.h"
#include "machine/mmu_platform.h"
#include "machine/monitor_space.h"
#include "machine/preemption.h"
#include "machine/processor.h"
#include "machine/run_machine.h"
#include "machine/vcpu.h"
#include "pvmmu/mmu.h"
#include "sync/ranked_mutex.h"

namespace vmm {

class Domain final : private FrameReferences, private VcpuControl, private Console {
 public:
  // Builds the machine around the guest. InvalidArgument: the guest's fault.
  static absl::StatusOr<std::unique_ptr<Domain>> create(const RunOptions& options,
                                                        std::unique_ptr<Engine> engine,
                                                        const GuestImage& image,
                                                        std::span<const std::byte> boot_module);
  ~Domain() override;

  // Runs until the guest ends, the time is over, or somebody interrupts.
  RunResult run();

  // --- for the vCPUs, with lock() held ---
  DomainMutex& lock() { return lock_; }
  // Null: none is wanted.
  Trace* trace() { return options_.trace; }
  // In the middle of a hypercall: gives the lock up and takes it again. False: the domain stops,
  // and the hypercall will never be done.
  bool let_others_in(unsigned vcpu);
  pvmmu::Mmu& mmu() { return *mmu_; }
  MmuPlatform& platform() { return platform_; }
  Hypercalls& hypercalls() { return *hypercalls_; }
  MachineMemory& memory() { return memory_; }
  const KvmTraits& traits() const { return options_.traits; }
  unsigned vcpu_count() const { return options_.vcpus; }
  const MonitorSpace& monitor() const { return monitor_; }
  Clock& clock() { return engine_->clock(); }
  FrameReferences& frames() { return *this; }
  // The guest asks for kPvmmuOpFillOnDemand. False: the extensions are off.
  bool start_filling_on_demand() { return fills_on_demand_ = options_.extensions; }
  bool fills_on_demand() const { return fills_on_demand_; }
  // Puts a descriptor frame (or nothing, for kInvalidMfn) into a vCPU's GDT. Takes effect at that
  // vCPU's next flush.
  void map_descriptor_frame(unsigned vcpu, unsigned index, pvmmu::Mfn frame);
  Vcpu& vcpu(unsigned id) { return *vcpus_[id]; }
  bool has_extensions() const { return options_.extensions; }
  AcceleratorDevice& accelerator() { return accelerator_; }
  // As FrameReferences, for an entry of the accelerator's.
  std::byte* get_for_device(pvmmu::Mfn frame, VcpuId vcpu, const char* operation);
  void put_for_device(pvmmu::Mfn frame);

  // A request was refused: keeps what explains it.
  void note_refusal(unsigned vcpu, const pvmmu::Refusal& refusal,
                    absl::FunctionRef<AskedFor()> asked);
  // With --audit=call, recounts everything, and ends the domain if something disagrees. `after`
  // says what was done just before; it is asked only then.
  void recount(absl::FunctionRef<std::string()> after);

  // The first call ends the domain; later ones are ignored.
  void stop(RunResult::End end, std::optional<CrashInfo> crash, std::string failure);
  bool stopping() const { return stopping_.load(); }
  // Whether no vCPU can ever run again. Asked by one that is about to wait.
  bool all_blocked_for_ever();

 private:
  Domain(const RunOptions& options, std::unique_ptr<Engine> engine, MachineMemory memory);
  absl::Status build(const GuestImage& image, std::span<const std::byte> boot_module);
  absl::Status create_processors();
  void build_mmu(std::span<const pvmmu::Mfn> p2m);
  absl::Status start_guest(const GuestImage& image, const DomainStart& start);
  void write_hypercall_page(std::byte* page) const;
  bool over();
  void look_at_waiting_vcpus();
  void report_progress();
  void wait_for_end();
  void stop_vcpus();
  void audit(RunResult& result);
  LiveFrames live_frames();
  std::string findings_report(const std::string& after);
  std::vector<VcpuSituation> situations();
  RunResult collect(double seconds);

  template <typename Get>
  std::byte* get_frame(pvmmu::Mfn frame, VcpuId vcpu, Get get);
  // FrameReferences
  std::byte* get_writable(pvmmu::Mfn frame, VcpuId vcpu, const char* operation) override;
  void put_writable(pvmmu::Mfn frame) override;
  // VcpuControl
  void notify_event(VcpuId vcpu) override;
  int initialise(VcpuId vcpu, const vcpu_guest_context_t& context) override;
  void up(VcpuId vcpu) override;
  void down(VcpuId vcpu) override;
  bool is_up(VcpuId vcpu) override;
  // Console
  void write(std::string_view bytes) override;

  const RunOptions options_;
  MachineMemory memory_;
  std::unique_ptr<Engine> engine_;
  MonitorSpace monitor_;
  MmuPlatform platform_;
  std::vector<pvmmu::PageInfo> frame_table_;
  std::unique_ptr<pvmmu::Mmu> mmu_;
  std::vector<std::unique_ptr<Processor>> processors_;
  std::unique_ptr<Hypercalls> hypercalls_;
  std::vector<std::unique_ptr<Vcpu>> vcpus_;
  AcceleratorDevice accelerator_;
  pvmmu::Mfn shared_info_frame_;

  bool fills_on_demand_ = false;

  DomainMutex lock_;
  Preemption preemption_;
  RefusalLog refusals_;     // lock_
  AuditFindings findings_;  // lock_
  RankedMutex<LockRank::kConsole> console_mutex_;
  std::atomic<bool> stopping_{false};
  RankedMutex<LockRank::kEnd> end_mutex_;
  std::condition_variable_any ended_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point next_report_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::optional<RunResult::End> end_;
  std::optional<CrashInfo> crash_;
  std::string failure_;
};

}  // namespace vmm
