// A parsed script.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vmm {

struct Expression;

// Pages of a region: all of it, one, or a half-open range.
struct PageRange {
  enum class Extent : uint8_t { kAll, kOne, kRange };
  std::string region;
  Extent extent = Extent::kAll;
  std::vector<Expression> bounds;  // none; the page; the first page and the one after the last
};

enum class Operator : uint8_t {
  kOr,
  kAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kNot,
  kNegate
};

enum class Function : uint8_t {
  kRandom,
  kVcpu,
  kVcpuCount,
  kPid,
  kSeed,
  kDeviceResult,
  kDeviceError,  // values
  kPresent,
  kWritable,
  kAccessed,
  kDirty,
  kHasTable,
  kSwapped,
  kPageDirty,
  kYoung,  // what the page tables say
  kTryRead,
  kTryWrite  // accesses that may fault
};

struct Expression {
  enum class Kind : uint8_t { kNumber, kVariable, kWord, kOperator, kCall };
  Kind kind = Kind::kNumber;
  int line = 0;
  uint64_t number = 0;                 // kNumber
  std::string name;                    // kVariable
  std::optional<PageRange> pages;      // kWord: the word of this page; kCall: of functions on pages
  Operator op = Operator::kAdd;        // kOperator
  Function function = Function::kPid;  // kCall
  std::vector<Expression> operands;    // kOperator, kCall
};

struct Statement {
  enum class Kind : uint8_t {
    kRegion,
    kMap,
    kUnmap,
    kProtect,
    kProtectNaive,
    kPopulate,
    kDontNeed,
    kClearRefs,
    kSwapOut,
    kWriteback,
    kMove,
    kRead,
    kWrite,
    kCheck,
    kFill,
    kVerify,
    kAdd,
    kFaultRead,
    kFaultWrite,
    kCrashRead,
    kCrashWrite,
    kFork,
    kExec,
    kWait,
    kExit,
    kThread,
    kJoin,
    kYield,
    kSleep,
    kSpin,
    kRelax,
    kRepeat,
    kFor,
    kWhile,
    kIf,
    kVar,
    kAssign,
    kPhase,
    kPinTest,
    kDeviceCopy,
    kDeviceFill,
    kDeviceCas,
    kDeviceChecksum,
    kDeviceWait,
    kPrint,
    kExpect,
    // For the search of interleavings alone.
    kRacePin,
    kRaceSet,
    kRetype
  };
  Kind kind = Kind::kYield;
  int line = 0;
  std::string name;                 // kRegion, kFor, kVar, kAssign: what is defined or assigned
  std::string after;                // kRegion: the region it adjoins
  std::optional<PageRange> pages;   // statements on pages
  std::optional<PageRange> target;  // kMove, kDeviceCopy: the first page of the new place
  uint64_t protection = 0;          // kMap, kProtect, kProtectNaive: guest_abi::kProt bits
  uint64_t backing = 0;             // kMap: guest_abi::kMapPrivate, kMapShared, ...
  std::vector<Expression> values;   // values, conditions, counts, bounds
  std::string text, second_text;    // labels; kPrint: the text
  std::string expected_errno;       // "expect E...": the call must fail so
  bool has_body = false;            // kPhase: of a block
  std::vector<Statement> body;
  std::vector<Statement> otherwise;  // kIf
};

using Script = std::vector<Statement>;

}  // namespace vmm
