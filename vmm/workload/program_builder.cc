#include "workload/program_builder.h"

#include <algorithm>
#include <cstring>

namespace vmm {

using guest_abi::kRegisterCount;
using guest_abi::Op;
using guest_abi::ProgramHeader;

void ProgramBuilder::at(int line, absl::string_view text) {
  line_ = line;
  text_ = text_offset(text);
}

Op& ProgramBuilder::emit(Opcode code, Register d, Register a, Register b, uint64_t imm) {
  ops_.push_back({code, d, a, b, static_cast<uint32_t>(line_), imm, text_, 0});
  return ops_.back();
}

uint32_t ProgramBuilder::text_offset(absl::string_view text) {
  const auto found = string_offsets_.find(text);
  if (found != string_offsets_.end()) {
    return found->second;
  }
  const auto offset = static_cast<uint32_t>(strings_.size());
  strings_.append(text.data(), text.size());
  strings_.push_back('\0');
  string_offsets_.emplace(text, offset);
  return offset;
}

std::optional<uint32_t> ProgramBuilder::phase_of_label(absl::string_view label) {
  const auto found = std::ranges::find(labels_, label);
  const auto index = static_cast<uint32_t>(found - labels_.begin());
  if (found == labels_.end()) {
    if (labels_.size() == guest_abi::kMaxLabels) {
      return std::nullopt;
    }
    labels_.emplace_back(label);
  }
  return guest_abi::kFirstLabelPhase + index;
}

Register ProgramBuilder::take_register() {
  return take_registers(1);
}

Register ProgramBuilder::take_registers(unsigned count) {
  if (taken_ + count > kRegisterCount) {
    out_of_registers_ = true;
    return 0;
  }
  const auto first = static_cast<Register>(taken_);
  taken_ += count;
  return first;
}

std::optional<std::vector<std::byte>> ProgramBuilder::finish() {
  const uint32_t name = text_offset(name_);
  std::vector<uint32_t> labels;
  for (const std::string& label : labels_) {
    labels.push_back(text_offset(label));
  }
  const size_t op_bytes = ops_.size() * sizeof(Op);
  const size_t label_bytes = labels.size() * sizeof(uint32_t);
  const size_t size = sizeof(ProgramHeader) + op_bytes + label_bytes + strings_.size();
  if (size > guest_abi::kMaxProgramBytes) {
    return std::nullopt;
  }
  ProgramHeader header{};
  header.magic = guest_abi::kProgramMagic;
  header.version = guest_abi::kProgramVersion;
  header.byte_count = static_cast<uint32_t>(size);
  header.op_count = static_cast<uint32_t>(ops_.size());
  header.op_offset = sizeof(ProgramHeader);
  header.label_count = static_cast<uint32_t>(labels.size());
  header.label_offset = static_cast<uint32_t>(header.op_offset + op_bytes);
  header.string_offset = static_cast<uint32_t>(header.label_offset + label_bytes);
  header.string_bytes = static_cast<uint32_t>(strings_.size());
  header.name = name;

  std::vector<std::byte> program(size);
  const auto put = [&program](size_t offset, const void* from, size_t bytes) {
    if (bytes != 0) {
      std::memcpy(program.data() + offset, from, bytes);
    }
  };
  put(0, &header, sizeof(header));
  put(header.op_offset, ops_.data(), op_bytes);
  put(header.label_offset, labels.data(), label_bytes);
  put(header.string_offset, strings_.data(), strings_.size());
  return program;
}

}  // namespace vmm
