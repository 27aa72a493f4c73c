#include "real_execution.h"

#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <sstream>
#include <stdexcept>

#include "emulate/flags.h"

namespace vmm {

static_assert(offsetof(GuestRegisters, rdi) == 40 && offsetof(GuestRegisters, r15) == 120 &&
              offsetof(GuestRegisters, rflags) == 136);

extern "C" void execute_snippet(GuestRegisters* registers, const void* code);

namespace {

constexpr size_t kCodeSize = 4096;
constexpr uint64_t kFixedFlags = 0x202;  // bit 1 and IF

void set_gs_base(uint64_t base) {
  if (syscall(SYS_arch_prctl, ARCH_SET_GS, base) != 0) throw std::runtime_error("no gs base");
}

}  // namespace

RealExecution::RealExecution(uint32_t seed) : random_(seed) {
  void* page = mmap(nullptr, kCodeSize, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw std::runtime_error("no executable memory");
  code_ = static_cast<uint8_t*>(page);
}

RealExecution::~RealExecution() {
  munmap(code_, kCodeSize);
}

void RealExecution::shuffle(const Snippet& snippet) {
  constexpr uint8_t kReturn = 0xc3;
  const size_t size = snippet.code().size();
  std::memcpy(code_, snippet.start, size);
  code_[size] = kReturn;
  for (uint64_t& word : memory_) word = random_();
  GuestRegisters& regs = registers_;
  for (uint64_t* reg : {&regs.rax, &regs.rbx, &regs.rdx, &regs.rbp, &regs.r8, &regs.r9, &regs.r10,
                        &regs.r11, &regs.r12, &regs.r13, &regs.r14, &regs.r15}) {
    *reg = random_();
  }
  uint64_t& middle = memory_[kWordCount / 2];
  if (random_() % 4 == 0) middle = random_() % 3;  // small values meet more flags
  if (random_() % 2 == 0) regs.rax = middle;
  regs.rdi = reinterpret_cast<uint64_t>(&middle);
  regs.rsi = random_() % 16;
  regs.rcx = random_() % 8192 - 4096;  // bits before and behind
  regs.rip = reinterpret_cast<uint64_t>(code_);
  regs.rflags = kFixedFlags | (random_() & kStatusFlags);
}

void RealExecution::run() {
  set_gs_base(kTestGsBase);
  execute_snippet(&registers_, code_);
  set_gs_base(0);
}

bool RealExecution::contains(uint64_t address, unsigned size) const {
  const auto start = reinterpret_cast<uint64_t>(memory_.data());
  return address >= start && address + size <= start + sizeof memory_;
}

uint64_t read_host(uint64_t address, unsigned width) {
  uint64_t value = 0;
  std::memcpy(&value, reinterpret_cast<const void*>(address), width);
  return value;
}

std::string compare_registers(const GuestRegisters& predicted, const GuestRegisters& real,
                              uint64_t defined_flags) {
  std::ostringstream differences;
  for (uint8_t number = 0; number < 16; ++number) {
    const RegisterOperand operand{number};
    const uint64_t left = read_register(predicted, operand);
    const uint64_t right = read_register(real, operand);
    if (left == right) continue;
    differences << "register " << unsigned{number} << std::hex << ": predicted " << left
                << ", real " << right << "; ";
  }
  if (((predicted.rflags ^ real.rflags) & defined_flags) != 0) {
    differences << std::hex << "flags: predicted " << (predicted.rflags & defined_flags)
                << ", real " << (real.rflags & defined_flags);
  }
  return differences.str();
}

}  // namespace vmm
