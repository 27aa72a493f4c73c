#include "explain/saved_frames.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/pte.h"
#include "explain/frame_names.h"
#include "explain/live_frames.h"
#include "explain/refusal_json.h"
#include "pvmmu/type_keeper.h"

namespace vmm {
namespace {

using Json = nlohmann::ordered_json;
using pvmmu::FrameOwner;
using pvmmu::FrameUser;
using pvmmu::Mfn;
using pvmmu::PageType;

// A machine has at most 4 GiB for the domain, and somewhat more in all.
constexpr uint64_t kMostFrames = uint64_t{1} << 22;
constexpr PageType kTypes[] = {PageType::kNone,   PageType::kWritable, PageType::kL1,
                               PageType::kL2,     PageType::kL3,       PageType::kL4,
                               PageType::kSegDesc};
constexpr FrameOwner kOwners[] = {FrameOwner::kHypervisor, FrameOwner::kDomain,
                                  FrameOwner::kShared};

std::string flags_text(const FrameState& state) {
  return absl::StrCat(state.whole ? "w" : "", state.pinned ? "p" : "",
                      state.in_progress ? "i" : "");
}

// [first frame, how many in a row are the same, owner, type, type count, total count, references of
// the VMM, same-level count, flags]
Json run_json(Mfn first, uint64_t count, const FrameState& state) {
  return Json::array({json_hex(first.raw()), count, owner_name(state.owner),
                      pvmmu::page_type_name(state.type), state.type_count, state.total_count,
                      state.vmm_references, state.same_level_count, flags_text(state)});
}

// "slot:entry slot:entry ...", both in hexadecimal.
std::string entries_text(const SavedFrames::Entries& entries) {
  std::string text;
  for (const auto& [slot, entry] : entries) {
    absl::StrAppendFormat(&text, "%s%x:%x", text.empty() ? "" : " ", slot, entry);
  }
  return text;
}

Json root_json(Mfn root) {
  return root == pvmmu::kInvalidMfn ? Json() : Json(json_hex(root.raw()));
}

absl::Status damaged(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("frames_at_end is damaged: ", what));
}

std::optional<uint64_t> hex_number(absl::string_view text) {
  uint64_t number = 0;
  if (!absl::SimpleHexAtoi(text, &number)) return std::nullopt;
  return number;
}

// A frame number in range.
std::optional<Mfn> frame_of(const Json& json, size_t frame_count) {
  if (!json.is_string()) return std::nullopt;
  const auto number = hex_number(json.get_ref<const std::string&>());
  if (!number || *number >= frame_count) return std::nullopt;
  return Mfn(*number);
}

template <typename Value, size_t N>
bool read_name(const Json& json, const Value (&values)[N], const char* (*name)(Value), Value& to) {
  for (const Value value : values) {
    if (!json.is_string() || json.get_ref<const std::string&>() != name(value)) continue;
    to = value;
    return true;
  }
  return false;
}

template <typename Number>
bool read_number(const Json& json, Number& to) {
  if (!json.is_number_integer()) return false;
  to = json.get<Number>();
  return true;
}

// Without the first two elements.
bool read_state(const Json& run, FrameState& state) {
  if (!read_name<FrameOwner>(run[2], kOwners, owner_name, state.owner) ||
      !read_name<PageType>(run[3], kTypes, pvmmu::page_type_name, state.type) ||
      !read_number(run[4], state.type_count) || !read_number(run[5], state.total_count) ||
      !read_number(run[6], state.vmm_references) || !read_number(run[7], state.same_level_count) ||
      !run[8].is_string()) {
    return false;
  }
  const std::string& flags = run[8].get_ref<const std::string&>();
  state.whole = flags.find('w') != std::string::npos;
  state.pinned = flags.find('p') != std::string::npos;
  state.in_progress = flags.find('i') != std::string::npos;
  return true;
}

absl::Status read_runs(const Json& runs, std::vector<FrameState>& states) {
  constexpr size_t kElements = 9;
  for (const Json& run : runs) {
    FrameState state;
    if (!run.is_array() || run.size() != kElements) return damaged("a run of frames");
    const auto first = frame_of(run[0], states.size());
    uint64_t count = 0;
    if (!first || !read_number(run[1], count) || count > states.size() - first->raw() ||
        !read_state(run, state)) {
      return damaged("a run of frames");
    }
    std::fill_n(states.begin() + static_cast<ptrdiff_t>(first->raw()), count, state);
  }
  return absl::OkStatus();
}

absl::Status read_entries(const std::string& text, SavedFrames::Entries& entries) {
  for (const absl::string_view item : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(item, ':');
    const auto slot = hex_number(parts.first);
    const auto entry = hex_number(parts.second);
    if (!slot || *slot >= pvmmu::kEntriesPerTable || !entry) return damaged("an entry");
    entries[static_cast<unsigned>(*slot)] = *entry;
  }
  return absl::OkStatus();
}

absl::StatusOr<Mfn> read_root(const Json& json, size_t frame_count) {
  if (json.is_null()) return pvmmu::kInvalidMfn;
  const auto frame = frame_of(json, frame_count);
  if (!frame) return damaged("a base pointer");
  return *frame;
}

absl::Status read_roots(const Json& json, size_t frame_count, std::vector<SavedRoots>& roots) {
  for (const Json& item : json) {
    SavedRoots saved;
    if (!item.is_object() || !item.contains("vcpu") || !read_number(item["vcpu"], saved.vcpu)) {
      return damaged("base pointers");
    }
    const auto kernel = read_root(item.value("kernel", Json()), frame_count);
    const auto user = read_root(item.value("user", Json()), frame_count);
    if (!kernel.ok() || !user.ok()) return damaged("base pointers");
    saved.kernel = *kernel;
    saved.user = *user;
    roots.push_back(saved);
  }
  return absl::OkStatus();
}

}  // namespace

void SavedFrames::save_state(Mfn frame, const pvmmu::PageInfo& page) {
  states_[frame.raw()] = frame_state(page);
  if (pvmmu::is_table(page.type)) tables_[frame];  // even if it is empty
}

void SavedFrames::save_entry(Mfn table, unsigned slot, uint64_t entry) {
  const bool hypervisors =
      pvmmu::is_hypervisor_slot(pvmmu::table_level(states_[table.raw()].type), slot);
  if (entry != 0 && !hypervisors) tables_[table][slot] = entry;
}

void SavedFrames::save_roots(const pvmmu::Mmu& mmu, unsigned vcpu_count) {
  for (unsigned vcpu = 0; vcpu < vcpu_count; ++vcpu) {
    const pvmmu::VcpuId id{vcpu};
    roots_.push_back({vcpu, mmu.kernel_base_pointer(id), mmu.user_base_pointer(id)});
  }
}

Json SavedFrames::json() const {
  Json runs = Json::array();
  for (size_t first = 0; first < states_.size();) {
    size_t end = first + 1;
    while (end < states_.size() && states_[end] == states_[first]) ++end;
    if (states_[first] != FrameState{}) {
      runs.push_back(run_json(Mfn(first), end - first, states_[first]));
    }
    first = end;
  }
  Json tables = Json::object();
  for (const auto& [table, entries] : tables_) {
    tables[json_hex(table.raw())] = entries_text(entries);
  }
  Json roots = Json::array();
  for (const SavedRoots& saved : roots_) {
    roots.push_back({{"vcpu", saved.vcpu},
                     {"kernel", root_json(saved.kernel)},
                     {"user", root_json(saved.user)}});
  }
  return {{"frame_count", states_.size()},
          {"roots", std::move(roots)},
          {"frames", std::move(runs)},
          {"tables", std::move(tables)}};
}

absl::StatusOr<SavedFrames> SavedFrames::parse(const Json& json) {
  uint64_t frame_count = 0;
  if (!json.is_object() || !json.contains("frame_count") ||
      !read_number(json["frame_count"], frame_count) || frame_count > kMostFrames) {
    return damaged("frame_count");
  }
  const Json runs = json.value("frames", Json());
  const Json tables = json.value("tables", Json());
  const Json roots = json.value("roots", Json());
  if (!runs.is_array() || !tables.is_object() || !roots.is_array())
    return damaged("a key is missing");
  SavedFrames saved;
  saved.states_.resize(frame_count);
  if (const absl::Status status = read_runs(runs, saved.states_); !status.ok()) return status;
  if (const absl::Status status = read_roots(roots, frame_count, saved.roots_); !status.ok()) {
    return status;
  }
  for (const auto& item : tables.items()) {
    const auto table = frame_of(Json(item.key()), frame_count);
    if (!table || !item.value().is_string() || !pvmmu::is_table(saved.state(*table).type)) {
      return damaged("a table");
    }
    const std::string& text = item.value().get_ref<const std::string&>();
    const absl::Status status = read_entries(text, saved.tables_[*table]);
    if (!status.ok()) return status;
  }
  return saved;
}

uint64_t SavedFrames::entry(Mfn table, unsigned slot) const {
  const auto found = tables_.find(table);
  if (found == tables_.end()) return 0;
  const auto entry = found->second.find(slot);
  return entry == found->second.end() ? 0 : entry->second;
}

size_t SavedFrames::find_users(Mfn frame, size_t limit, std::vector<FrameUser>& users) const {
  size_t count = 0;
  const auto add = [&](const FrameUser& user) {
    if (count++ < limit) users.push_back(user);
  };
  if (states_[frame.raw()].pinned) add({.kind = FrameUser::Kind::kPin});
  for (const SavedRoots& saved : roots_) {
    if (saved.kernel == frame) {
      add({.kind = FrameUser::Kind::kKernelBasePointer, .vcpu = saved.vcpu});
    }
    if (saved.user == frame) {
      add({.kind = FrameUser::Kind::kUserBasePointer, .vcpu = saved.vcpu});
    }
  }
  for (uint32_t i = 0; i < states_[frame.raw()].vmm_references; ++i) {
    if (i == limit) break;  // a damaged report must not keep anybody busy
    add({.kind = FrameUser::Kind::kVmm});
  }
  for (const auto& [table, entries] : tables_) {
    for (const auto& [slot, entry] : entries) {
      if ((entry & pvmmu::kPtePresent) == 0 || pvmmu::L1Pte(entry).frame() != frame) continue;
      add({.kind = FrameUser::Kind::kEntry, .table = table, .slot = slot, .entry = entry});
    }
  }
  return count;
}

}  // namespace vmm
