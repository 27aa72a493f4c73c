"""What the end-to-end tests share: running the program, reading its statistics, knowing when a
machine cannot run a test.

Every run is held to what all runs promise: nothing on standard output with status 2 or 3, and no
process and no file left behind.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

# CTest says which build; by hand it is the release build.
BUILD = pathlib.Path(__file__).resolve().parent.parent.parent / "build" / "release"
PVMMU = os.environ.get("PVMMU", str(BUILD / "vmm" / "pvmmu"))
# The images of guest/test_guests, and the built-in guest as a file.
GUESTS = pathlib.Path(os.environ.get("PVMMU_TEST_GUESTS", BUILD / "guest" / "test_guests"))
KERNEL = pathlib.Path(
    os.environ.get("PVMMU_GUEST_KERNEL", BUILD / "guest" / "kernel" / "guest_kernel")
)
WORKLOADS = pathlib.Path(__file__).parent / "workloads"
LONG = os.environ.get("PVMMU_LONG_TESTS") == "1"
MODES = ("emulate", "single", "lazy", "batched", "best")
# Longer than any run takes on a loaded machine; a run that takes it has hung.
HANG_SECONDS = 300


class Run:
    """One finished run of the program."""

    def __init__(self, arguments, status, out, err):
        self.arguments = arguments
        self.status = status
        self.out = out
        self.err = err

    def __str__(self):
        lines = (line if len(line) < 400 else line[:400] + " ..." for line in self.out.splitlines())
        return (
            f"pvmmu {' '.join(self.arguments)}: status {self.status}\n--- standard output ---\n"
            + "\n".join(lines)
            + f"\n--- standard error ---\n{self.err}"
        )

    @property
    def stats(self):
        """The statistics: the last line of standard output."""
        return json.loads(self.out.splitlines()[-1])

    def phase(self, label):
        return next(phase for phase in self.stats["phases"] if phase["label"] == label)


def processes_of_session(session):
    """The processes that were started in a session and still live."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            text = (entry / "stat").read_text()
            fields = text[text.rindex(")") + 2 :].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append((int(entry.name), text[: text.rindex(")") + 1]))
    return found


class VmTest(unittest.TestCase):
    """A test that runs the program in an empty directory of its own."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="pvmmu-vm-test-")
        self.addCleanup(holder.cleanup)
        self.directory = pathlib.Path(holder.name)
        self.temporary = self.directory / "tmp"
        self.temporary.mkdir()

    def environment(self, extra=None):
        return {**os.environ, "TMPDIR": str(self.temporary), **(extra or {})}

    def start(self, *arguments, environment=None, prefix=()):
        """The program as a child in a session of its own."""
        return subprocess.Popen(
            [*prefix, PVMMU, *map(str, arguments)],
            cwd=self.directory,
            env=self.environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def wait_for_output(self, process, text):
        """Reads the child's standard output until this stands in it."""
        seen = b""
        while text.encode() not in seen:
            more = process.stdout.read1(4096)
            self.assertTrue(more, f"{text!r} never came, only {seen!r}")
            seen += more

    def finish(self, process, arguments, hang_seconds=HANG_SECONDS):
        """Waits for it, and checks what holds for every run."""
        try:
            out, err = process.communicate(timeout=hang_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            self.fail(f"hung: pvmmu {' '.join(map(str, arguments))}\n{out}\n{err}")
        run = Run(
            [str(argument) for argument in arguments],
            process.returncode,
            out.decode(errors="replace"),
            err.decode(errors="replace"),
        )
        self.assertEqual([], processes_of_session(process.pid), f"processes left by {run}")
        self.assertEqual([], list(self.temporary.iterdir()), f"files left by {run}")
        self.assertGreaterEqual(run.status, 0, f"killed by a signal: {run}")
        if run.status in (2, 3):
            self.assertEqual("", run.out, f"output with status 2 or 3: {run}")
            self.assertTrue(run.err, f"no reason given: {run}")
        return run

    def pvmmu(self, *arguments, environment=None, prefix=(), hang_seconds=HANG_SECONDS):
        process = self.start(*arguments, environment=environment, prefix=prefix)
        return self.finish(process, arguments, hang_seconds)

    def refused(self, *arguments, saying=(), status=2):
        """A run that says in one line why there is none."""
        run = self.pvmmu(*arguments)
        self.assertEqual(status, run.status, str(run))
        lines = [line for line in run.err.splitlines() if line.strip()]
        self.assertEqual(1, len(lines), f"not one line: {run}")
        for text in saying:
            self.assertIn(text, lines[0])
        return run

    def interrupt_after(self, seconds, *arguments):
        """A run that gets ^C, and ends with what it has so far."""
        process = self.start(*arguments)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        run = self.finish(process, arguments, hang_seconds=60)
        self.assertEqual(130, run.status, str(run))
        self.assertTrue(run.stats["partial"])
        return run

    def run_workload(self, workload, *flags, kvm="host", status=0):
        """`pvmmu run` of a workload with JSON statistics, which must end with `status`."""
        run = self.pvmmu("run", f"--workload={workload}", f"--kvm={kvm}", "--stats=json", *flags)
        self.assertEqual(status, run.status, str(run))
        return run

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
        return path

    def workload_names(self):
        run = self.pvmmu("workloads", "--names")
        self.assertEqual(0, run.status, str(run))
        return run.out.split()

    def guest_image(self, name):
        path = GUESTS / name
        self.assertTrue(path.exists(), f"the test guest {path} was not built")
        return path


def host_kvm_problem():
    """Why guests cannot run on this machine's KVM, or None."""
    probe = subprocess.run([PVMMU, "probe"], capture_output=True, text=True, check=False)
    return None if probe.returncode == 0 else f"no usable KVM: {probe.stderr.strip()}"


def nested_bed_directory():
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    return pathlib.Path(os.environ.get("PVMMU_NESTED_BED", f"{cache}/pvmmu/nested"))


def nested_bed_problem():
    """Why the nested bed cannot be tried, or None. One that is there but broken is a failure."""
    if shutil.which("qemu-system-x86_64") is None:
        return "no nested bed: qemu-system-x86_64 is not installed"
    bed = nested_bed_directory()
    if not bed.is_dir():
        return f"no nested bed: {bed} is not there; scripts/nested-bed prepares it"
    return None


def needs_host_kvm(test):
    """Decorates a test or class: skipped, with the reason, where KVM is unusable."""
    problem = host_kvm_problem()
    return unittest.skipIf(problem is not None, problem)(test)


def needs_nested_bed(test):
    problem = nested_bed_problem()
    return unittest.skipIf(problem is not None, problem)(test)


def without_varying(stats):
    """The statistics without the places that their own list names (docs/statistics.md)."""
    stats = json.loads(json.dumps(stats))
    for path in stats.pop("nondeterministic"):
        _remove(stats, path[1:].split("/"))
    return stats


def _remove(value, steps):
    if not isinstance(value, (dict, list)):
        return
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        if steps[0] not in ("*", key):
            continue
        if len(steps) == 1:
            del value[key]
        else:
            _remove(value[key], steps[1:])


def differences(one, other, path=""):
    """The paths at which two documents differ, with both values, for messages."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(set(one) | set(other))
        pairs = ((key, one.get(key), other.get(key)) for key in keys)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = ((index, a, b) for index, (a, b) in enumerate(zip(one, other)))
    else:
        return [] if one == other else [f"{path}: {one!r} and {other!r}"]
    return [line for key, a, b in pairs for line in differences(a, b, f"{path}/{key}")]


def wait_until(condition, seconds=60):
    """True as soon as the condition is; False if it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
