#include "report/crash_report.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "domain/guest_image.h"
#include "pvmmu/refusal.h"
#include "stats/counters.h"

namespace vmm {
namespace {

std::string demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? std::string(text.get()) : name;
}

std::string place(const GuestImage* image, uint64_t address) {
  const std::string symbol = image == nullptr ? "" : symbolise(*image, address);
  return absl::StrFormat("%#018x%s%s", address, symbol.empty() ? "" : "  ", symbol);
}

// [SDM 3A 4.7]
std::string describe_fault_code(uint64_t code) {
  return absl::StrCat((code & 2) != 0 ? "write" : "read", (code & 4) != 0 ? " in user mode" : "",
                      (code & 16) != 0 ? ", instruction fetch" : "",
                      (code & 1) != 0 ? ", refused by the entry's bits" : ", not present",
                      (code & 8) != 0 ? ", reserved bit" : "");
}

std::string registers_text(const GuestRegisters& r) {
  return absl::StrFormat(
      "  rax %016x  rbx %016x  rcx %016x  rdx %016x\n"
      "  rsi %016x  rdi %016x  rbp %016x  rsp %016x\n"
      "  r8  %016x  r9  %016x  r10 %016x  r11 %016x\n"
      "  r12 %016x  r13 %016x  r14 %016x  r15 %016x\n"
      "  rip %016x  rflags %08x  cs %04x  ss %04x\n",
      r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11, r.r12,
      r.r13, r.r14, r.r15, r.rip, r.rflags, r.cs, r.ss);
}

std::string result_text(const HypercallRecord& record) {
  if (!record.completed) return "not completed";
  const bool is_error = record.result < 0 && record.result > -int64_t{pvmmu::kErrnoLimit};
  if (!is_error) return absl::StrFormat("%#x", record.result);
  return absl::StrCat("-", pvmmu::errno_name(static_cast<pvmmu::Errno>(-record.result)));
}

std::string hypercall_text(const HypercallRecord& record) {
  const std::string name = record.number < kHypercallSlots
                               ? hypercall_name(static_cast<unsigned>(record.number))
                               : absl::StrFormat("number %#x", record.number);
  return absl::StrFormat("  %-22s (%#x, %#x, %#x, %#x, %#x) = %s\n", name, record.arguments[0],
                         record.arguments[1], record.arguments[2], record.arguments[3],
                         record.arguments[4], result_text(record));
}

}  // namespace

std::string hypercalls_text(const std::vector<HypercallRecord>& records) {
  std::string text;
  for (const HypercallRecord& record : records) absl::StrAppend(&text, hypercall_text(record));
  return text;
}

std::string symbolise(const GuestImage& image, uint64_t address) {
  const GuestSymbol* symbol = find_symbol(image, address);
  if (symbol == nullptr) return "";
  return absl::StrFormat("%s+%#x", absl::CHexEscape(demangled(symbol->name)),
                         address - symbol->address);
}

std::string crash_report(const CrashInfo& crash, const GuestImage* image) {
  std::string text = absl::StrFormat("*** the guest crashed: %s\n", absl::CHexEscape(crash.reason));
  absl::StrAppendFormat(&text, "vCPU %u, %s mode, at %s\n", crash.vcpu,
                        crash.kernel_mode ? "kernel" : "user", place(image, crash.registers.rip));
  if (crash.has_fault) {
    absl::StrAppendFormat(&text, "fault at %#x: %s\n", crash.fault_address,
                          describe_fault_code(crash.fault_code));
  }
  absl::StrAppend(&text, "registers\n", registers_text(crash.registers));
  absl::StrAppendFormat(&text, "  kernel root %#x, user root %#x\n", crash.kernel_root,
                        crash.user_root);
  absl::StrAppend(&text, "backtrace\n  ", place(image, crash.registers.rip), "\n");
  for (const uint64_t address : crash.backtrace) {
    // A return address may be the first byte of the next function: the call is in front of it.
    const std::string symbol = image == nullptr ? "" : symbolise(*image, address - 1);
    absl::StrAppendFormat(&text, "  %#018x%s%s\n", address, symbol.empty() ? "" : "  ", symbol);
  }
  if (!crash.hypercalls.empty()) absl::StrAppend(&text, "last hypercalls, oldest first\n");
  return absl::StrCat(text, hypercalls_text(crash.hypercalls));
}

}  // namespace vmm
