// One virtual processor of the domain: a thread that enters the guest, takes its traps, and
// decides.
//
// Everything here but wake(), stop_soon() and the constructor runs on that thread with the domain's
// lock held, which is dropped only inside Processor::run and while the vCPU waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "emulate/decode.h"
#include "explain/refusal_record.h"
#include "hypercalls/hypercalls.h"
#include "machine/domain_mutex.h"
#include "machine/guest_accounting.h"
#include "machine/guest_cpu.h"
#include "machine/processor.h"
#include "machine/run_machine.h"
#include "machine/vcpu_situation.h"
#include "machine/vcpu_thread.h"
#include "multicall/dispatcher.h"
#include "pvmmu/call.h"
#include "pvmmu/walk.h"
#include "report/crash_report.h"
#include "stats/counters.h"
#include "stats/phase_attribution.h"

namespace vmm {

class Domain;

class Vcpu {
 public:
  Vcpu(Domain& domain, unsigned id, Processor& processor, std::unique_ptr<VcpuThread> thread);
  ~Vcpu();

  // Starts the thread. The vCPU waits until it is up.
  void start();
  void join();

  // Any thread: something changed that a waiting vCPU, or one in the guest, must look at.
  void wake();

  GuestCpu& cpu() { return cpu_; }
  void set_up(bool up) { up_ = up; }
  bool up() const { return up_; }
  // Whether it runs, was woken, or will wake by itself. Lock held.
  bool goes_on();

  // Its last hypercalls, oldest first.
  std::vector<HypercallRecord> recent_hypercalls() const { return recent_.last(); }

  // Lock held.
  VcpuSituation situation();
  pvmmu::MmuCounters& mmu_counters() { return counters_.mmu; }
  // What it counted; after the thread has ended, once.
  VcpuResult result();
  // Lock held.
  uint64_t hypercall_count() const { return counters_.trap(TrapCause::kHypercall); }
  GuestAccounting& accounting() { return accounting_; }

  // The calls of a multicall (concept multicall::Hypercalls) and the guest's memory
  // (multicall::GuestAccess).
  int64_t hypercall(uint64_t number, uint64_t (&arguments)[6]);
  bool call_preempted() const;
  bool still_in_kernel_mode() const { return !context_replaced_; }
  bool preempt_requested();
  bool copy_from_guest(void* to, pvmmu::LinearAddr from, size_t size);
  bool copy_to_guest(pvmmu::LinearAddr to, const void* from, size_t size);

  // The frames that hold so many descriptors; nullopt: more than a guest may have.
  static std::optional<unsigned> descriptor_frame_count(uint64_t entries);
  // The guest's part of the descriptor table becomes these frames, all of them or none. Returns 0
  // or a negative errno. By the vCPU itself, or while it is down.
  int64_t load_descriptor_frames(std::span<const uint64_t> frames);

 private:
  friend class GuestMemory;

  // vcpu.cc: the loop.
  void thread_main();
  void run_until_stopped(DomainLock& lock);
  bool wait_until_runnable(DomainLock& lock);
  void wait(DomainLock& lock, std::optional<uint64_t> deadline);
  bool wait_is_over(uint64_t now);
  bool overdue();
  void leave_unheld_root();
  void enter_guest(DomainLock& lock);
  void count_exits();
  void count_trap(TrapCause cause);
  pvmmu::Mfn root() const;
  CrashInfo crash_info(std::string reason);
  void crash(std::string reason);
  void crash_on_fault(std::string reason, uint64_t address, uint64_t code);

  // traps.cc: what an exit from CPL3 means.
  void handle_trap(const Trap& trap);
  void handle_exception(const Trap& trap);
  void handle_invalid_opcode();
  void handle_general_protection(uint64_t error_code);
  void handle_software_interrupt(SoftwareInterrupt interrupt, bool rip_is_behind);
  void handle_syscall_instruction();
  void handle_gate();
  bool emulate_privileged();
  bool iopl_permits() const;
  bool emulate_instruction(const PrivilegedInstruction& instruction);
  bool read_control(const PrivilegedInstruction& instruction);
  bool write_control(const PrivilegedInstruction& instruction);
  bool read_msr();
  bool write_msr();
  void emulate_cpuid();
  size_t fetch_code(std::span<uint8_t, 15> code);

  // page_faults.cc
  void handle_page_fault(const Trap& trap);
  bool retry_spurious(const pvmmu::WalkResult& walk, uint64_t address);
  bool emulate_table_write(pvmmu::LinearAddr address);
  bool fill_on_demand(pvmmu::LinearAddr address, pvmmu::Access access);
  bool emulate_m2p_read(pvmmu::LinearAddr address);

  // bounce.cc: entering the guest kernel's handlers, and leaving them.
  void bounce_exception(unsigned vector, std::optional<uint64_t> error_code);
  void bounce_page_fault(uint64_t address, uint64_t error_code);
  void bounce(uint64_t handler, bool mask_events, std::optional<uint64_t> error_code,
              const std::string& what);
  void deliver_events();
  int64_t iret();
  void set_kernel_mode(bool kernel);

  // cpu_hypercalls.cc: hypercalls about this processor.
  std::optional<int64_t> cpu_hypercall(uint64_t number, uint64_t (&arguments)[6]);
  int64_t set_trap_table(pvmmu::LinearAddr table);
  int64_t callback_op(uint64_t command, pvmmu::LinearAddr argument);
  int64_t set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall);
  int64_t register_callback(unsigned type, uint64_t address, bool mask_events);
  int64_t stack_switch(uint64_t ss, uint64_t rsp);
  int64_t set_segment_base(uint64_t which, uint64_t base);
  uint64_t segment_base(uint16_t selector) const;
  int64_t set_gdt(pvmmu::LinearAddr frame_list, uint64_t entries);
  void replace_descriptor_frames(std::span<const uint64_t> frames);
  int64_t set_debug_register(uint64_t number, uint64_t value);
  int64_t get_debug_register(uint64_t number);

  // hypercall.cc: dispatch.
  std::optional<int64_t> mmu_hypercall(uint64_t number, uint64_t (&arguments)[6]);
  std::optional<int64_t> mmu_hypercall(uint64_t number, uint64_t (&arguments)[6],
                                       pvmmu::Refusal& refusal);
  template <typename MakeCall>
  int64_t in_pieces(MakeCall make_call);
  int64_t carry_out(uint64_t number, uint64_t (&arguments)[6]);
  void recount_after(uint64_t number, const uint64_t (&arguments)[6]);
  int64_t multicall(pvmmu::LinearAddr list, uint64_t count);
  int64_t private_hypercall(uint64_t (&arguments)[6]);
  int64_t register_accounting(const uint64_t (&arguments)[6]);
  // accelerator_calls.cc
  int64_t accelerator_op(const uint64_t (&arguments)[6]);
  int64_t start_accelerator(pvmmu::Mfn report_frame);
  int64_t stop_accelerator();
  int64_t submit_to_accelerator(pvmmu::LinearAddr from);
  int64_t establish_for_accelerator(const uint64_t (&arguments)[6]);
  int64_t clear_young_of_accelerator(const uint64_t (&arguments)[6]);
  int64_t let_go_of_pages(int64_t result);
  std::optional<int64_t> other_hypercall(uint64_t number, uint64_t (&arguments)[6]);
  void hypercall_from_gate();

  // refusals.cc
  void note_refusal(const pvmmu::Refusal& refusal, uint64_t number, const uint64_t (&arguments)[6]);
  AskedFor asked_for(const pvmmu::Refusal& refusal, uint64_t number,
                     const uint64_t (&arguments)[6]);
  bool look_at_guest(pvmmu::LinearAddr from, void* to, size_t size);

  Domain& domain_;
  const unsigned id_;
  Processor& processor_;
  GuestCpu cpu_;
  Counters counters_{};
  std::unique_ptr<PhaseAttribution> attribution_ = std::make_unique<PhaseAttribution>();
  GuestAccounting accounting_;
  HypercallRing recent_;
  multicall::Dispatcher dispatcher_;

  bool up_ = false;
  bool in_multicall_ = false;
  pvmmu::StepBudget list_steps_;   // of the multicall's own loop
  bool context_replaced_ = false;  // by iret: there is no result to return
  std::optional<HypercallOutcome> pending_action_;
  unsigned spurious_in_a_row_ = 0;
  uint64_t spurious_address_ = 0;
  uint64_t spurious_changes_ = 0;

  bool waiting_ = false;  // domain's lock
  std::unique_ptr<VcpuThread> thread_;
};

}  // namespace vmm
