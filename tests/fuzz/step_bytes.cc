#include "step_bytes.h"

#include <array>

#include "base/pte.h"

namespace pvmmu::model {

namespace {

constexpr unsigned kEscape = 0xf0;        // from here on: 8 raw bytes follow
constexpr unsigned kFrameNumbers = 40;    // with a few beyond the end of memory
constexpr unsigned kCommandNumbers = 24;  // with a few that do not exist
constexpr unsigned kMostRequests = 15;

// The flags that one byte can say, bit by bit.
constexpr std::array<uint64_t, 8> kFlagBits = {kPtePresent,   kPteWritable,    kPteUser,
                                               kPteAccessed,  kPteDirty,       kPtePageSize,
                                               kPteNoExecute, kPteCacheDisable};

// Optional fields of a step.
enum Option : unsigned {
  kHasArray = 1,
  kHasDone = 2,
  kHasForeigndom = 4,
  kHasCount = 8,
  kHasFlags = 16,
  kHasRace = 32,
  kHasComparand = 64
};

// --- Reading and writing are one description ----------------------------------------------------
// A Reader takes what is in the bytes (zeros after their end); a Writer puts what is in the step.

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool at_end() const { return bytes_.empty(); }

  void byte(unsigned& value) {
    value = bytes_.empty() ? 0 : bytes_.front();
    if (!bytes_.empty()) bytes_ = bytes_.subspan(1);
  }
  void raw(uint64_t& value, unsigned size = 8) {
    value = 0;
    for (unsigned i = 0; i < size; ++i) {
      unsigned part = 0;
      byte(part);
      value |= uint64_t{part} << (8 * i);
    }
  }

 private:
  std::span<const uint8_t> bytes_;
};

class Writer {
 public:
  void byte(unsigned value) { bytes.push_back(static_cast<uint8_t>(value)); }
  void raw(uint64_t value, unsigned size = 8) {
    for (unsigned i = 0; i < size; ++i) byte(static_cast<unsigned>(value >> (8 * i) & 0xff));
  }
  std::vector<uint8_t> bytes;
};

uint64_t flags_from(unsigned byte) {
  uint64_t flags = 0;
  for (unsigned bit = 0; bit < kFlagBits.size(); ++bit) {
    if ((byte >> bit & 1) != 0) flags |= kFlagBits[bit];
  }
  return flags;
}

unsigned byte_from_flags(uint64_t flags) {
  unsigned byte = 0;
  for (unsigned bit = 0; bit < kFlagBits.size(); ++bit) {
    if ((flags & kFlagBits[bit]) != 0) byte |= 1u << bit;
  }
  return byte;
}

// Frame number.
void frame(Reader& reader, uint64_t& value) {
  unsigned tag = 0;
  reader.byte(tag);
  value = tag % kFrameNumbers;
  if (tag >= kEscape) reader.raw(value);
}
void frame(Writer& writer, uint64_t value) {
  writer.byte(value < kFrameNumbers ? static_cast<unsigned>(value) : kEscape);
  if (value >= kFrameNumbers) writer.raw(value);
}

// An entry: a frame number and flags.
void entry(Reader& reader, uint64_t& value) {
  unsigned tag = 0;
  reader.byte(tag);
  if (tag == kEscape) {
    value = 0;
  } else if (tag > kEscape) {
    reader.raw(value);
  } else {
    unsigned flags = 0;
    reader.byte(flags);
    value = entry_of(tag % kFrameNumbers, flags_from(flags));
  }
}
void entry(Writer& writer, uint64_t value) {
  const uint64_t number = value >> kPageShift & 0xff;
  const unsigned flags = byte_from_flags(value);
  if (value == 0) {
    writer.byte(kEscape);
  } else if (number < kFrameNumbers && entry_of(number, flags_from(flags)) == value) {
    writer.byte(static_cast<unsigned>(number));
    writer.byte(flags);
  } else {
    writer.byte(kEscape + 1);
    writer.raw(value);
  }
}

// A linear address in the domain's own mapping, or any number.
constexpr unsigned kPages = 64;
void linear(Reader& reader, uint64_t& value) {
  unsigned tag = 0;
  reader.byte(tag);
  if (tag == kEscape) {
    value = 0;
  } else if (tag > kEscape) {
    reader.raw(value);
  } else {
    uint64_t offset = 0;
    reader.raw(offset, 2);
    value = address_of(tag % kPages) + offset % kPageSize;
  }
}
void linear(Writer& writer, uint64_t value) {
  if (value == 0) {
    writer.byte(kEscape);
  } else if (value >= kBase && value < address_of(kPages)) {
    writer.byte(static_cast<unsigned>((value - kBase) / kPageSize));
    writer.raw(value % kPageSize, 2);
  } else {
    writer.byte(kEscape + 1);
    writer.raw(value);
  }
}

// A machine address: frame, slot, and the three low bits.
void place(Reader& reader, uint64_t& value) {
  unsigned tag = 0;
  reader.byte(tag);
  if (tag >= kEscape) return reader.raw(value);
  unsigned slot = 0;
  unsigned low = 0;
  reader.byte(slot);
  reader.byte(low);
  // Bits 3-7 of the last byte choose the upper half of a table.
  value = uint64_t{tag % kFrameNumbers} * kPageSize + (slot + (low >> 3 & 1) * 256) * 8 + (low & 7);
}
void place(Writer& writer, uint64_t value) {
  const uint64_t number = value / kPageSize;
  const auto slot = static_cast<unsigned>(value % kPageSize / 8);
  if (number >= kFrameNumbers) {
    writer.byte(kEscape);
    return writer.raw(value);
  }
  writer.byte(static_cast<unsigned>(number));
  writer.byte(slot & 0xff);
  writer.byte(static_cast<unsigned>(value & 7) | (slot >> 8) << 3);
}

bool names_frame(uint64_t command) {
  return command <= MMUEXT_NEW_BASEPTR || command == MMUEXT_NEW_USER_BASEPTR ||
         command == MMUEXT_CLEAR_PAGE || command == MMUEXT_COPY_PAGE;
}

void command(Reader& reader, uint64_t& value) {
  unsigned tag = 0;
  reader.byte(tag);
  value = tag % kCommandNumbers;
  if (tag >= kEscape) reader.raw(value);
}
void command(Writer& writer, uint64_t value) {
  writer.byte(value < kCommandNumbers ? static_cast<unsigned>(value) : kEscape);
  if (value >= kCommandNumbers) writer.raw(value);
}

template <typename Stream, typename AnyRequest>
void request(Stream& stream, StepKind kind, AnyRequest& one) {
  if (kind == StepKind::kUpdate) {
    place(stream, one.first);
    entry(stream, one.second);
    return;
  }
  command(stream, one.first);
  if (names_frame(one.first)) {
    frame(stream, one.second);
  } else {
    linear(stream, one.second);
  }
  if (one.first == MMUEXT_COPY_PAGE) {
    frame(stream, one.third);
  } else if (!names_frame(one.first)) {
    linear(stream, one.third);
  }
}

// What a step of this kind always has.
template <typename Stream, typename AnyStep>
void operands(Stream& stream, AnyStep& step) {
  switch (step.kind) {
    case StepKind::kUpdate:
    case StepKind::kExt:
      for (auto& one : step.requests) request(stream, step.kind, one);
      break;
    case StepKind::kVaMapping:
    case StepKind::kStore:
      linear(stream, step.address);
      entry(stream, step.value);
      break;
    case StepKind::kEmulate:
      linear(stream, step.address);
      entry(stream, step.operation.operand);
      break;
    case StepKind::kDescriptor:
    case StepKind::kPoke:
      place(stream, step.address);
      entry(stream, step.value);
      break;
    case StepKind::kRead:
    case StepKind::kWrite:
      linear(stream, step.address);
      stream.raw(step.value, 2);
      break;
    case StepKind::kSetBase:
      frame(stream, step.address);
      frame(stream, step.value);
      break;
    case StepKind::kGetWritable:
    case StepKind::kPutWritable:
    case StepKind::kGetDescriptors:
    case StepKind::kPutDescriptors:
      frame(stream, step.address);
      break;
    case StepKind::kReload:
    case StepKind::kDropBase:
    case StepKind::kCount:
      break;
  }
}

template <typename Stream, typename AnyStep>
void optional_fields(Stream& stream, unsigned options, AnyStep& step) {
  if ((options & kHasArray) != 0) linear(stream, step.array);
  if ((options & kHasDone) != 0) linear(stream, step.done);
  if ((options & kHasFlags) != 0) linear(stream, step.flags);
  if ((options & kHasComparand) != 0) entry(stream, step.operation.comparand);
}

// Fields narrower than 64 bits, which cannot be bound to the codecs above.
void narrow_fields(Reader& reader, unsigned options, Step& step) {
  uint64_t value = 0;
  if ((options & kHasForeigndom) != 0) {
    reader.raw(value, 4);
    step.foreigndom = static_cast<uint32_t>(value);
  }
  if ((options & kHasCount) != 0) {
    reader.raw(value, 4);
    step.count = static_cast<uint32_t>(value);
  }
  if ((options & kHasRace) != 0) {
    place(reader, value);
    step.race = {value / kPageSize, static_cast<unsigned>(value % kPageSize / 8),
                 (value & 1 ? kPteAccessed : 0) | (value & 2 ? kPteDirty : 0)};
  }
}
void narrow_fields(Writer& writer, unsigned options, const Step& step) {
  if ((options & kHasForeigndom) != 0) writer.raw(step.foreigndom, 4);
  if ((options & kHasCount) != 0) writer.raw(step.count, 4);
  if ((options & kHasRace) != 0) {
    place(writer, step.race.frame * kPageSize + step.race.slot * 8 +
                      (step.race.bits & kPteAccessed ? 1u : 0u) +
                      (step.race.bits & kPteDirty ? 2u : 0u));
  }
}

unsigned options_of(const Step& step) {
  const Step usual;
  return (step.array != usual.array ? kHasArray : 0u) | (step.done != usual.done ? kHasDone : 0u) |
         (step.foreigndom != usual.foreigndom ? kHasForeigndom : 0u) |
         (step.count != step.requests.size() ? kHasCount : 0u) |
         (step.flags != 0 ? kHasFlags : 0u) | (step.race.bits != 0 ? kHasRace : 0u) |
         (step.operation.comparand != 0 ? kHasComparand : 0u);
}

// Bits 0-4 of the first byte are the kind, 5-6 the vCPU, 7 user mode. The third byte is the number
// of requests, or kind and width of an emulated store.
Step decode_step(Reader& reader, unsigned vcpus) {
  Step step;
  unsigned head = 0;
  unsigned options = 0;
  reader.byte(head);
  reader.byte(options);
  step.kind = static_cast<StepKind>((head & 31) % static_cast<unsigned>(StepKind::kCount));
  step.vcpu = (head >> 5 & 3) % vcpus;
  step.user = (head >> 7) != 0;
  unsigned detail = 0;
  if (has_array(step.kind)) {
    reader.byte(detail);
    step.requests.resize(detail % (kMostRequests + 1));
    step.count = static_cast<uint32_t>(step.requests.size());
  } else if (step.kind == StepKind::kEmulate) {
    reader.byte(detail);
    step.operation.kind = static_cast<WriteOperation::Kind>((detail & 7) % 7);
    step.operation.width = detail >> 3;
  }
  operands(reader, step);
  optional_fields(reader, options, step);
  narrow_fields(reader, options, step);
  return step;
}

void encode_step(Writer& writer, const Step& step) {
  writer.byte(static_cast<unsigned>(step.kind) | step.vcpu << 5 | (step.user ? 128u : 0u));
  const unsigned options = options_of(step);
  writer.byte(options);
  if (has_array(step.kind)) {
    writer.byte(static_cast<unsigned>(step.requests.size()));
  } else if (step.kind == StepKind::kEmulate) {
    writer.byte(static_cast<unsigned>(step.operation.kind) | step.operation.width << 3);
  }
  operands(writer, step);
  optional_fields(writer, options, step);
  narrow_fields(writer, options, step);
}

static_assert(static_cast<unsigned>(StepKind::kCount) <= 32);

}  // namespace

Scenario decode(std::span<const uint8_t> bytes) {
  Reader reader(bytes);
  Scenario scenario;
  unsigned head = 0;
  reader.byte(head);
  scenario.vcpus = 1 + (head & 3);
  if ((head & 4) != 0) {
    unsigned limit = 0;
    reader.byte(limit);
    // Less than 3 does not hold the domain's own tables.
    scenario.count_limit = 3 + limit;
  }
  while (!reader.at_end() && scenario.steps.size() < kMostSteps) {
    scenario.steps.push_back(decode_step(reader, scenario.vcpus));
  }
  return scenario;
}

std::vector<uint8_t> encode(const Scenario& scenario) {
  Writer writer;
  const bool limited = scenario.count_limit < 256;
  writer.byte(scenario.vcpus - 1 + (limited ? 4 : 0));
  if (limited) writer.byte(scenario.count_limit - 3);
  for (const Step& step : scenario.steps) encode_step(writer, step);
  return writer.bytes;
}

}  // namespace pvmmu::model
