#include "fake_kernel.h"

#include <algorithm>

namespace vmm {

using guest_abi::Syscall;
using interpreter::Access;
using interpreter::Step;
using interpreter::Thread;

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMaxLength = uint64_t{64} << 20;
constexpr uint64_t kOpsPerTurn = 5'000;
constexpr int kSegmentationStatus = 128 + 11;
constexpr int64_t kNoChild = -10;
constexpr int64_t kNoMemory = -12;
constexpr int64_t kBadAddress = -14;
constexpr int64_t kInvalid = -22;
constexpr int64_t kNotPermitted = -1;

Access fault(uint64_t address, bool write) {
  Access access;
  access.faulted = true;
  access.fault_address = address;
  access.vector = interpreter::kPageFaultVector;
  access.error_code = write ? interpreter::kFaultWrite : 0;
  return access;
}

}  // namespace

uint64_t* FakeProcess::find(uint64_t address, bool write) {
  const auto found = memory.find(address / kPage * kPage);
  if (found == memory.end()) {
    return nullptr;
  }
  FakeMapping& mapping = found->second;
  if ((mapping.protection & (write ? guest_abi::kProtWrite : guest_abi::kProtRead)) == 0) {
    return nullptr;
  }
  if (mapping.page == nullptr) {
    mapping.page = std::make_shared<FakePage>();
  }
  mapping.swapped = false;
  mapping.writable |= write;
  mapping.page->page_dirty |= write && mapping.backing == guest_abi::kMapFile;
  mapping.page->accessed = true;
  mapping.page->dirty |= write;
  return &mapping.page->words[address % kPage / 8];
}

Access FakeMachine::load(uint64_t address) {
  const uint64_t* word = process_.find(address, false);
  return word == nullptr ? fault(address, false) : Access{.value = *word};
}

Access FakeMachine::store(uint64_t address, uint64_t value) {
  uint64_t* word = process_.find(address, true);
  if (word == nullptr) {
    return fault(address, true);
  }
  *word = value;
  return {};
}

Access FakeMachine::fetch_add(uint64_t address, uint64_t value) {
  uint64_t* word = process_.find(address, true);
  if (word == nullptr) {
    return fault(address, true);
  }
  const Access access{.value = *word};
  *word += value;
  return access;
}

void FakeMachine::crash(uint64_t address, bool write) {
  process_.crashed = process_.find(address, write) == nullptr;
}

FakeKernel::FakeKernel(std::vector<std::byte> program, uint64_t seed)
    : program_(std::move(program)), seed_(seed) {
  processes_.push_back(std::make_unique<FakeProcess>(interpreter::Program(program_.data())));
  processes_[0]->pid = 1;
  interpreter::Interpreter::start(*processes_[0]->state, seed);
  queue_.push_back({processes_[0].get(), 0});
}

unsigned FakeKernel::count(Syscall number) const {
  return static_cast<unsigned>(
      std::ranges::count(calls, number, [](const auto& call) { return call.first; }));
}

unsigned FakeKernel::pauses() const {
  unsigned sum = 0;
  for (const auto& process : processes_) {
    sum += process->machine.pauses;
  }
  return sum;
}

std::optional<int> FakeKernel::run(unsigned steps) {
  processes_[0]->state->threads[0].vcpu_count = vcpu_count;
  while (!shutdown_ && steps-- != 0 && !queue_.empty()) {
    const Runnable next = queue_.front();
    queue_.pop_front();
    if (!next.process->status) {
      run_thread(next);
    }
  }
  return shutdown_;
}

void FakeKernel::run_thread(Runnable who) {
  Thread& thread = who.process->state->threads[who.thread];
  switch (who.process->interpreter.step(thread, kOpsPerTurn)) {
    case Step::kSyscall:
      call(who, thread);
      break;
    case Step::kStartThread: {
      calls.push_back({Syscall::kThreadCreate, {}});
      const auto refusal = refused.find(Syscall::kThreadCreate);
      if (refusal == refused.end()) {
        queue_.push_back({who.process, static_cast<unsigned>(thread.request.args[0])});
      }
      who.process->interpreter.resume(thread, refusal == refused.end() ? 2 : refusal->second);
      queue_.push_back(who);
      break;
    }
    case Step::kWorking:
      queue_.push_back(who);
      break;
    case Step::kThreadEnded:
      thread.slot.free();
      break;
  }
}

void FakeKernel::call(Runnable who, Thread& thread) {
  const interpreter::Request request = thread.request;
  if (request.number == Syscall::kExec && !refused.contains(Syscall::kExec)) {
    exec(who, static_cast<uint32_t>(request.args[0]));
    return;
  }
  if (calls.empty() || request.number != Syscall::kWait) {
    calls.push_back({request.number, {request.args, request.args + 6}});
  }
  const std::optional<int64_t> result = perform(who, request);
  if (who.process->status || shutdown_) {
    return;
  }
  if (result) {
    who.process->interpreter.resume(thread, *result);
    if (who.process->crashed) {
      end_process(*who.process, kSegmentationStatus);
      return;
    }
  }
  queue_.push_back(who);  // also one that waits: it asks again
}

std::optional<int64_t> FakeKernel::perform(Runnable who, const interpreter::Request& request) {
  FakeProcess& process = *who.process;
  if (const auto refusal = refused.find(request.number); refusal != refused.end()) {
    return refusal->second;
  }
  switch (request.number) {
    case Syscall::kExit:
      end_process(process, static_cast<int>(request.args[0]));
      return 0;
    case Syscall::kFork:
      return fork(who);
    case Syscall::kWait:
      return wait(process, reinterpret_cast<int32_t*>(request.args[0]));
    case Syscall::kWrite:
      console.append(reinterpret_cast<const char*>(request.args[0]), request.args[1]);
      return static_cast<int64_t>(request.args[1]);
    case Syscall::kGetPid:
      return process.pid;
    case Syscall::kVcpuCount:
      return vcpu_count;
    case Syscall::kShutdown:
      if (process.pid != 1 && request.args[0] == 0) {
        return kNotPermitted;
      }
      shutdown_ = static_cast<int>(request.args[0]);
      return 0;
    case Syscall::kYield:
    case Syscall::kPhase:
    case Syscall::kPinTest:
    case Syscall::kNanosleepTicks:
    case Syscall::kVcpuId:
    case Syscall::kFaultHandler:
      return 0;
    case Syscall::kDeviceSubmit:
      return process.accelerator.submit(process, request.args);
    case Syscall::kDeviceWait:
      return process.accelerator.wait();
    case Syscall::kDeviceResult:
      return static_cast<int64_t>(process.accelerator.result());
    default:
      return memory_call(process, request);
  }
}

int64_t FakeKernel::map(FakeProcess& process, const uint64_t* args) {
  for (uint64_t page = args[0]; page < args[0] + args[1]; page += kPage) {
    FakeMapping mapping;
    mapping.protection = args[2];
    mapping.backing = args[3] & ~uint64_t{guest_abi::kMapFixed};
    mapping.writable = mapping.backing != guest_abi::kMapFile;
    if (mapping.backing == guest_abi::kMapDevice) {
      std::shared_ptr<FakePage>& device = device_[(page - args[0]) / kPage];
      device = device == nullptr ? std::make_shared<FakePage>() : device;
      mapping.page = device;
    } else if (mapping.shared()) {
      mapping.page = std::make_shared<FakePage>();
    }
    process.memory[page] = mapping;
  }
  return static_cast<int64_t>(args[0]);
}

int64_t FakeKernel::move(FakeProcess& process, const uint64_t* args) {
  if (args[0] < args[2] + args[1] && args[2] < args[0] + args[1]) {
    return kInvalid;
  }
  std::vector<FakeMapping> moving;
  for (uint64_t at = args[0]; at < args[0] + args[1]; at += kPage) {
    const auto found = process.memory.find(at);
    if (found == process.memory.end()) {
      return kBadAddress;
    }
    moving.push_back(found->second);
  }
  for (uint64_t i = 0; i < moving.size(); ++i) {
    process.memory[args[2] + i * kPage] = moving[i];
    process.memory.erase(args[0] + i * kPage);
  }
  return static_cast<int64_t>(args[2]);
}

// In every process that maps it.
void FakeKernel::write_back(const FakePage& page) {
  for (const auto& process : processes_) {
    for (auto& [address, mapping] : process->memory) {
      if (mapping.page.get() == &page) {
        mapping.page->page_dirty = mapping.page->dirty = mapping.writable = false;
      }
    }
  }
}

void FakeKernel::exec(Runnable who, uint32_t first_op) {
  FakeProcess& process = *who.process;
  process.memory.clear();
  std::erase_if(queue_, [&](const Runnable& other) { return other.process == &process; });
  *process.state = {};
  interpreter::Interpreter::start(*process.state, seed_, first_op).vcpu_count = vcpu_count;
  queue_.push_back({&process, 0});
}

int64_t FakeKernel::memory_call(FakeProcess& process, const interpreter::Request& request) {
  const uint64_t* args = request.args;
  if (args[0] % kPage != 0 || (request.number != Syscall::kPteQuery && args[1] == 0)) {
    return kInvalid;
  }
  if (request.number != Syscall::kPteQuery && args[1] > kMaxLength) {
    return kNoMemory;
  }
  if (request.number == Syscall::kMmap) {
    return map(process, args);
  }
  if (request.number == Syscall::kMremap) {
    return move(process, args);
  }
  int64_t young = 0;
  const uint64_t length = request.number == Syscall::kPteQuery ? kPage : args[1];
  for (uint64_t address = args[0]; address < args[0] + length; address += kPage) {
    const auto found = process.memory.find(address);
    if (found == process.memory.end()) {
      if (request.number == Syscall::kMunmap) {
        continue;  // holes may be unmapped
      }
      return request.number == Syscall::kPteQuery ? 0 : kNoMemory;
    }
    FakeMapping& mapping = found->second;
    switch (request.number) {
      case Syscall::kMunmap:
        process.memory.erase(found);
        break;
      case Syscall::kMprotectNaive:
        if (mapping.page != nullptr && loses_dirty_bits) {
          mapping.page->dirty = false;
        }
        [[fallthrough]];
      case Syscall::kMprotect:
        mapping.protection = args[2];
        mapping.writable &= !mapping.swapped || (args[2] & guest_abi::kProtWrite) != 0;
        break;
      case Syscall::kPopulate:
        process.find(address, false);
        break;
      case Syscall::kMadviseDontNeed:
        if (!mapping.shared()) {
          mapping.page = nullptr;
          mapping.swapped = false;
          mapping.writable = true;
        }
        break;
      case Syscall::kSwapOut:
        mapping.swapped = !mapping.shared() && mapping.page != nullptr;
        break;
      case Syscall::kWriteback:
        if (mapping.backing == guest_abi::kMapFile) {
          write_back(*mapping.page);
        }
        break;
      case Syscall::kClearRefs:
        if (mapping.page != nullptr) {
          mapping.page->accessed = mapping.page->dirty = false;
        }
        break;
      case Syscall::kTestAndClearYoung:
        young += mapping.page != nullptr && mapping.page->accessed ? 1 : 0;
        if (mapping.page != nullptr) {
          mapping.page->accessed = false;
        }
        break;
      case Syscall::kPteQuery: {
        if (mapping.page == nullptr) {
          return guest_abi::kPteStateTable;
        }
        const auto bit_if = [](bool condition, uint64_t bit) { return condition ? bit : 0; };
        if (mapping.swapped) {
          return guest_abi::kPteStateTable | guest_abi::kPteStateSwapped;
        }
        const bool writable = (mapping.protection & guest_abi::kProtWrite) != 0 && mapping.writable;
        const uint64_t state = guest_abi::kPteStatePresent | guest_abi::kPteStateTable |
                               bit_if(writable, guest_abi::kPteStateWritable) |
                               bit_if(mapping.page->accessed, guest_abi::kPteStateAccessed) |
                               bit_if(mapping.page->dirty, guest_abi::kPteStateDirty) |
                               bit_if(mapping.page->page_dirty, guest_abi::kPteStatePageDirty);
        return static_cast<int64_t>(state);
      }
      default:
        return -38;
    }
  }
  return young;
}

int64_t FakeKernel::fork(Runnable who) {
  auto child = std::make_unique<FakeProcess>(interpreter::Program(program_.data()));
  child->pid = static_cast<int>(processes_.size()) + 1;
  child->parent = who.process;
  *child->state = *who.process->state;
  child->memory = who.process->memory;
  for (auto& [address, mapping] : who.process->memory) {
    mapping.writable &= mapping.shared();
  }
  for (auto& [address, mapping] : child->memory) {
    mapping.writable &= mapping.shared() && mapping.backing != guest_abi::kMapFile;
    if (!mapping.shared() && mapping.page != nullptr) {
      mapping.page = std::make_shared<FakePage>(*mapping.page);
    }
  }
  Thread& thread = child->state->threads[who.thread];
  child->interpreter.resume(thread, 0);
  queue_.push_back({child.get(), who.thread});
  processes_.push_back(std::move(child));
  return processes_.back()->pid;
}

std::optional<int64_t> FakeKernel::wait(FakeProcess& process, int32_t* status) {
  bool any = false;
  for (const auto& child : processes_) {
    if (child->parent != &process || child->reaped) {
      continue;
    }
    any = true;
    if (child->status) {
      child->reaped = true;
      *status = *child->status;
      return child->pid;
    }
  }
  return any ? std::nullopt : std::optional(kNoChild);
}

void FakeKernel::end_process(FakeProcess& process, int code) {
  process.status = code;
  if (process.pid == 1) {
    shutdown_ = code;
  }
}

}  // namespace vmm
