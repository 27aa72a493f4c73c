#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/command.h"
#include "cli/flag_set.h"
#include "cli/input_file.h"
#include "cli/messages.h"
#include "explain/frame_explanation.h"
#include "nlohmann/json.hpp"

namespace vmm {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kName = "explain";

struct Question {
  std::optional<uint64_t> refusal;  // from 1
  std::optional<uint64_t> frame;
  std::optional<uint64_t> address;
  std::optional<uint64_t> root;

  bool none() const { return !refusal && !frame && !address; }
};

FlagSet::Setter number_setter(std::optional<uint64_t>& to) {
  return [&to](absl::string_view value) {
    to = parse_integer(value);
    if (to) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("\"", value, "\" is no number, as 65 or 0x41"));
  };
}

void add_flags(FlagSet& flags, Question& question) {
  flags.add("refusal", "N", "The whole explanation of a refusal; the first is 1.",
            number_setter(question.refusal));
  flags.add("frame", "MFN", "What a machine frame was at the end of the run, and who used it.",
            number_setter(question.frame));
  flags.add("address", "LINEAR",
            "What a linear address led to at the end of the run, by the tables\n"
            "that the vCPUs were on.",
            number_setter(question.address));
  flags.add("root", "MFN", "With --address: by this L4 table instead.",
            number_setter(question.root));
}

absl::Status unusable(const std::string& file, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", why));
}

// The statistics of one run. A file that holds a whole standard output has them in its last line.
absl::StatusOr<Json> read_report(const std::string& file) {
  const auto bytes = read_input_file(file);
  if (!bytes.ok()) return bytes.status();
  std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  Json report = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (report.is_discarded()) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    text.remove_prefix(text.rfind('\n') + 1);
    report = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  }
  const bool has_schema = report.is_object() && report.contains("schema");
  if (!has_schema || report["schema"] != "pvmmu-stats-1") {
    return unusable(file, "no JSON statistics of pvmmu run (--stats-file, or --stats=json)");
  }
  if (!report.contains("refusal_records") || !report["refusal_records"].is_array()) {
    return unusable(file, "it has no refusal records: an older pvmmu wrote it");
  }
  return report;
}

absl::StatusOr<SavedFrames> read_frames(const std::string& file, const Json& report) {
  if (!report.contains("frames_at_end")) {
    return unusable(file, "it has no frames: run with --explain to have them in the report");
  }
  auto frames = SavedFrames::parse(report["frames_at_end"]);
  if (!frames.ok()) return unusable(file, frames.status().message());
  return frames;
}

// A member of a record as text; empty if it has none.
std::string member(const Json& record, const char* key) {
  if (!record.is_object() || !record.contains(key) || record[key].is_null()) return "";
  return record[key].is_string() ? record[key].get<std::string>() : record[key].dump();
}

std::string list_refusals(const Json& report) {
  const Json& records = report["refusal_records"];
  std::string text;
  for (size_t i = 0; i < records.size(); ++i) {
    const Json& record = records[i];
    const std::string frame = member(record, "frame");
    absl::StrAppendFormat(&text, "%4u  %s, request %s: %s, rule %s: %s%s\n", i + 1,
                          member(record, "operation"), member(record, "request"),
                          member(record, "errno"), member(record, "rule"), member(record, "reason"),
                          frame.empty() ? "" : absl::StrCat(" (frame ", frame, ")"));
  }
  const std::string dropped = member(report, "refusal_records_dropped");
  if (text.empty() && dropped == "0") return "nothing was refused\n";
  if (dropped != "0") absl::StrAppend(&text, "and ", dropped, " more, of which nothing was kept\n");
  return text;
}

absl::StatusOr<std::string> explain_refusal(const std::string& file, const Json& report,
                                            uint64_t number) {
  const Json& records = report["refusal_records"];
  if (number == 0 || number > records.size()) {
    return absl::InvalidArgumentError(
        records.empty()
            ? absl::StrCat(file, ": there is no refusal in it")
            : absl::StrCat(file, ": there is no refusal ", number, ", only 1 to ", records.size()));
  }
  const Json& record = records[number - 1];
  const std::string text = member(record, "explanation");
  if (text.empty()) return unusable(file, absl::StrCat("refusal ", number, " is damaged"));
  const std::string alike = member(record, "alike");
  const std::string others = alike == "1" || alike.empty()
                                 ? ""
                                 : absl::StrCat("There were ", alike, " of this kind in all.\n");
  return absl::StrCat("refusal ", number, ": ", text, "\n", others);
}

absl::StatusOr<pvmmu::Mfn> frame_in(const SavedFrames& frames, uint64_t number) {
  if (number < frames.frame_count()) return pvmmu::Mfn(number);
  return absl::InvalidArgumentError(absl::StrFormat(
      "frame 0x%x does not exist: the machine had 0x%x frames", number, frames.frame_count()));
}

absl::StatusOr<std::string> answer_about_frames(const SavedFrames& frames,
                                                const Question& question) {
  std::string text;
  if (question.frame) {
    const auto frame = frame_in(frames, *question.frame);
    if (!frame.ok()) return frame.status();
    absl::StrAppend(&text, explain_frame(frames, *frame));
  }
  if (!question.address) return text;
  const pvmmu::LinearAddr address(*question.address);
  if (!address.canonical()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("linear 0x%x is not canonical: no table translates it", address.raw()));
  }
  if (!question.root) return absl::StrCat(text, explain_address(frames, address));
  const auto root = frame_in(frames, *question.root);
  if (!root.ok()) return root.status();
  if (frames.state(*root).type != pvmmu::PageType::kL4) {
    return absl::InvalidArgumentError(absl::StrFormat("frame 0x%x was no L4 table", root->raw()));
  }
  return absl::StrCat(text, explain_walk(frames, *root, address));
}

absl::StatusOr<std::string> answer(const std::string& file, const Question& question) {
  const auto report = read_report(file);
  if (!report.ok()) return report.status();
  if (question.none()) return list_refusals(*report);
  std::string text;
  if (question.refusal) {
    const auto refusal = explain_refusal(file, *report, *question.refusal);
    if (!refusal.ok()) return refusal.status();
    text = *refusal;
  }
  if (!question.frame && !question.address) return text;
  const auto frames = read_frames(file, *report);
  if (!frames.ok()) return frames.status();
  const auto more = answer_about_frames(*frames, question);
  if (!more.ok()) return more.status();
  return absl::StrCat(text, *more);
}

}  // namespace

std::string explain_help() {
  Question question;
  FlagSet flags("pvmmu explain");
  add_flags(flags, question);
  return absl::StrCat(
      "Says from the JSON statistics of a run why requests were refused, and what the machine's\n"
      "frames were when it ended.\n"
      "\n"
      "  pvmmu explain FILE [flags]\n"
      "\n"
      "Which requests were refused:\n"
      "  pvmmu run my-kernel.elf --explain --stats-file=report.json\n"
      "  pvmmu explain report.json\n"
      "Why the first was, who used the frame that stood in the way, and what to do instead:\n"
      "  pvmmu explain report.json --refusal=1\n"
      "Who uses a frame, and what a linear address leads to, as the run left them:\n"
      "  pvmmu explain report.json --frame=0x41\n"
      "  pvmmu explain report.json --address=0xffffffff80111000\n"
      "\n"
      "Flags\n",
      flags.help(),
      "\n"
      "Without a flag, lists the refusals. --frame and --address need a report of a run with\n"
      "--explain. Exit status: 0, or 2 for a file or a question that has no answer.\n");
}

int explain_command(const Arguments& arguments) {
  Question question;
  FlagSet flags("pvmmu explain");
  add_flags(flags, question);
  const absl::StatusOr<Arguments> others = flags.parse(arguments);
  if (!others.ok()) return usage_error(kName, others.status().message());
  if (flags.help_requested()) return print_help(explain_help());
  if (others->size() != 1) return usage_error(kName, "it takes one file");
  if (question.root && !question.address) return usage_error(kName, "--root goes with --address");
  const auto text = answer(others->front(), question);
  return text.ok() ? print_help(*text) : fail(text.status());
}

}  // namespace vmm
