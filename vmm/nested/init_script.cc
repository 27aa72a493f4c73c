#include "nested/init_script.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace vmm {
namespace {

constexpr absl::string_view kMount = R"sh(#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
)sh";

// With $npt set. Port nodes appear a moment after their driver has loaded. The ports stay open
// for the script's whole life; 3, the control port, is shared by the reader of signals.
constexpr absl::string_view kBoot = R"sh(while read -r module; do
  options=
  if [ $module = kvm-amd ]; then options="npt=$npt"; fi
  $b insmod /modules/$module.ko $options || broken="cannot load $module"
done </modules/order
until [ -c /dev/vport0p3 ]; do
  $b usleep 10000
done
exec 3<>/dev/vport0p3 4>/dev/vport0p1 5>/dev/vport0p2
if [ ! -c /dev/kvm ]; then broken="no /dev/kvm appeared"; fi
if [ -n "$broken" ]; then
  echo "fault $broken" >&3
  $b sleep 60
fi
while read -r signal <&3; do
  $b kill -s "$signal" "$($b cat /run/pid)"
done &
ulimit -c 0
)sh";

// The program must be in the foreground: a shell without job control makes its background processes
// ignore SIGINT. So its own shell notes the pid before it becomes the program.
constexpr absl::string_view kStart =
    "sh -c 'echo $$ >/run/pid; echo start >&3; exec 3>&-; exec \"$0\" \"$@\"'";

constexpr absl::string_view kSendFile = R"sh(send_file() {
  [ -f "$2" ] || return 0
  echo "file $1 $($b stat -c %s "$2")" >&3
  $b cat "$2" >&3
}
)sh";

}  // namespace

std::string quote_for_shell(absl::string_view word) {
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::string InitScript::text() const {
  std::string script = absl::StrCat(kMount, "npt=", npt ? 1 : 0, "\n", kBoot, kSendFile);
  absl::StrAppend(&script, "cd ", quote_for_shell(working_directory), "\n");
  absl::StrAppend(&script, "$b env -i PATH=/bin HOME=/ ");
  if (!search_path.empty()) {
    absl::StrAppend(&script, "LD_LIBRARY_PATH=", quote_for_shell(search_path), " ");
  }
  absl::StrAppend(&script, "$b ", kStart, " ", quote_for_shell(program));
  for (const std::string& argument : arguments) {
    absl::StrAppend(&script, " ", quote_for_shell(argument));
  }
  absl::StrAppend(&script, " </dev/null >&4 2>&5 4>&- 5>&-\nstatus=$?\n");
  const std::string mark = quote_for_shell(end_mark);
  absl::StrAppend(&script, "echo -n ", mark, " >&4\necho -n ", mark, " >&5\n");
  for (size_t i = 0; i < output_files.size(); ++i) {
    absl::StrAppend(&script, "send_file ", i, " ", quote_for_shell(output_files[i]), "\n");
  }
  // The host ends the machine when it has read this; the kernel must not see its init end before.
  absl::StrAppend(&script, "echo \"exit $status\" >&3\n$b sleep 60\n");
  return script;
}

}  // namespace vmm
