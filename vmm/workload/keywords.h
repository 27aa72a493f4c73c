// The words of the language, in one table for parser and printer.
#pragma once

#include <optional>
#include "absl/strings/string_view.h"

#include "workload/ast.h"

namespace vmm {

struct OperatorWord {
  Operator op;
  absl::string_view symbol;
  int precedence;  // of binary operators, a higher one binds tighter; 0 for unary ones
};
inline constexpr OperatorWord kOperators[] = {
    {Operator::kOr, "||", 1},        {Operator::kAnd, "&&", 2},
    {Operator::kEqual, "==", 3},     {Operator::kNotEqual, "!=", 3},
    {Operator::kLessEqual, "<=", 3}, {Operator::kGreaterEqual, ">=", 3},
    {Operator::kLess, "<", 3},       {Operator::kGreater, ">", 3},
    {Operator::kAdd, "+", 4},        {Operator::kSub, "-", 4},
    {Operator::kMul, "*", 5},        {Operator::kDiv, "/", 5},
    {Operator::kMod, "%", 5},        {Operator::kNot, "!", 0},
    {Operator::kNegate, "-", 0},
};

// What a function takes: nothing (and is then written without parentheses), a value, one page, a
// range of pages, or a page and a value.
enum class Takes { kNothing, kValue, kPage, kPages, kPageAndValue };
struct FunctionWord {
  Function function;
  absl::string_view name;
  Takes takes;
};
inline constexpr FunctionWord kFunctions[] = {
    {Function::kRandom, "random", Takes::kValue},
    {Function::kVcpu, "vcpu", Takes::kNothing},
    {Function::kVcpuCount, "vcpus", Takes::kNothing},
    {Function::kPid, "pid", Takes::kNothing},
    {Function::kSeed, "seed", Takes::kNothing},
    {Function::kDeviceResult, "device_result", Takes::kNothing},
    {Function::kDeviceError, "device_error", Takes::kNothing},
    {Function::kPresent, "present", Takes::kPage},
    {Function::kWritable, "writable", Takes::kPage},
    {Function::kAccessed, "accessed", Takes::kPage},
    {Function::kDirty, "dirty", Takes::kPage},
    {Function::kHasTable, "has_table", Takes::kPage},
    {Function::kSwapped, "swapped", Takes::kPage},
    {Function::kPageDirty, "page_dirty", Takes::kPage},
    {Function::kYoung, "young", Takes::kPages},
    {Function::kTryRead, "try_read", Takes::kPage},
    {Function::kTryWrite, "try_write", Takes::kPageAndValue},
};

struct StatementWord {
  Statement::Kind kind;
  absl::string_view word;
};
inline constexpr StatementWord kStatements[] = {
    {Statement::Kind::kRegion, "region"},
    {Statement::Kind::kMap, "map"},
    {Statement::Kind::kUnmap, "unmap"},
    {Statement::Kind::kProtect, "protect"},
    {Statement::Kind::kProtectNaive, "protect_naive"},
    {Statement::Kind::kPopulate, "populate"},
    {Statement::Kind::kDontNeed, "dontneed"},
    {Statement::Kind::kClearRefs, "clear_refs"},
    {Statement::Kind::kSwapOut, "swap_out"},
    {Statement::Kind::kWriteback, "writeback"},
    {Statement::Kind::kMove, "move"},
    {Statement::Kind::kRead, "read"},
    {Statement::Kind::kWrite, "write"},
    {Statement::Kind::kCheck, "check"},
    {Statement::Kind::kFill, "fill"},
    {Statement::Kind::kVerify, "verify"},
    {Statement::Kind::kAdd, "add"},
    {Statement::Kind::kFaultRead, "fault read"},
    {Statement::Kind::kFaultWrite, "fault write"},
    {Statement::Kind::kCrashRead, "crash read"},
    {Statement::Kind::kCrashWrite, "crash write"},
    {Statement::Kind::kFork, "fork"},
    {Statement::Kind::kExec, "exec"},
    {Statement::Kind::kWait, "wait"},
    {Statement::Kind::kExit, "exit"},
    {Statement::Kind::kThread, "thread"},
    {Statement::Kind::kJoin, "join"},
    {Statement::Kind::kYield, "yield"},
    {Statement::Kind::kSleep, "sleep"},
    {Statement::Kind::kSpin, "spin"},
    {Statement::Kind::kRelax, "relax"},
    {Statement::Kind::kRepeat, "repeat"},
    {Statement::Kind::kFor, "for"},
    {Statement::Kind::kWhile, "while"},
    {Statement::Kind::kIf, "if"},
    {Statement::Kind::kVar, "var"},
    {Statement::Kind::kAssign, ""},
    {Statement::Kind::kPhase, "phase"},
    {Statement::Kind::kPinTest, "pin_test"},
    {Statement::Kind::kDeviceCopy, "device copy"},
    {Statement::Kind::kDeviceFill, "device fill"},
    {Statement::Kind::kDeviceCas, "device cas"},
    {Statement::Kind::kDeviceChecksum, "device checksum"},
    {Statement::Kind::kDeviceWait, "device wait"},
    {Statement::Kind::kPrint, "print"},
    {Statement::Kind::kExpect, "expect"},
    {Statement::Kind::kRacePin, "race_pin"},
    {Statement::Kind::kRaceSet, "race_set"},
    {Statement::Kind::kRetype, "retype"},
};

struct BitsWord {
  absl::string_view word;
  uint64_t bits;
};
// guest_abi::kProtRead 1, kProtWrite 2, kProtExec 4.
inline constexpr BitsWord kProtections[] = {
    {"none", 0}, {"r", 1}, {"rw", 3}, {"rx", 5}, {"rwx", 7}};

// What `map` may say behind the protection: guest_abi::kMapShared 1, kMapFile 4, kMapDevice 8.
inline constexpr BitsWord kBackings[] = {{"shared", 1}, {"file", 4}, {"device", 8}};

const FunctionWord* find_function(absl::string_view name);
const FunctionWord& function_word(Function function);
const OperatorWord& operator_word(Operator op);
absl::string_view statement_word(Statement::Kind kind);
// Words that cannot name a region or a variable.
bool is_reserved(absl::string_view word);

// The number of an errno name such as "ENOMEM".
std::optional<int> errno_from_name(absl::string_view name);

}  // namespace vmm
