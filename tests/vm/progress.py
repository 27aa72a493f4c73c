"""What a long run shows of itself: a line on a terminal, that is gone at the end and never in the way."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
import unittest

from harness import PVMMU, WORKLOADS, VmTest, host_kvm_problem, needs_host_kvm

ENDLESS = f"--workload={WORKLOADS / 'endless.wl'}"
LINE = re.compile(r"pvmmu: (\d+) s, phase (\S+), (\d+) hypercalls, (\d+)/s")
BUSY = """
region data 8
map data rw
phase "storm" {
  for step in 1..1000000000 {
    protect data r
    protect data rw
  }
}
"""
# Prints lines for some seconds.
CHATTY = """
region data 8
map data rw
for round in 1..41 {
  print "round" round
  for step in 1..STEPS {
    protect data r
    protect data rw
  }
}
"""


def screen(text):
    """What a terminal shows at the end, of the few controls that are used."""
    lines, column = [""], 0
    for token in re.findall(r"\x1b\[K|\r|\n|[^\x1b\r\n]+", text):
        if token == "\r":
            column = 0
        elif token == "\n":
            lines.append("")
            column = 0
        elif token == "\x1b[K":
            lines[-1] = lines[-1][:column]
        else:
            line = lines[-1].ljust(column)
            lines[-1] = line[:column] + token + line[column + len(token) :]
            column += len(token)
    return lines


class Terminal:
    """A child whose standard error, and perhaps output, is a terminal."""

    def __init__(self, test, *arguments, output_too=False):
        controller, end = pty.openpty()
        self.controller = controller
        self.process = subprocess.Popen(
            [PVMMU, *map(str, arguments)],
            cwd=test.directory,
            env=test.environment(),
            stdin=end,
            stdout=end if output_too else subprocess.PIPE,
            stderr=end,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0),
        )
        os.close(end)
        self.text = ""
        test.addCleanup(os.close, controller)

    def read(self, until=None, seconds=120):
        """Takes what comes, until a text is there or the child has closed the terminal."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and not (until and re.search(until, self.text)):
            if not select.select([self.controller], [], [], 0.2)[0]:
                continue
            try:
                more = os.read(self.controller, 65536)
            except OSError:
                return self.text
            if not more:
                return self.text
            self.text += more.decode(errors="replace")
        return self.text

    def type(self, keys):
        os.write(self.controller, keys)

    def end(self):
        self.read()
        output, _ = self.process.communicate(timeout=60)
        return self.process.returncode, (output or b"").decode()


class Progress(VmTest):
    def engines(self):
        """The engines that this machine has."""
        return ("--engine=sim",) if host_kvm_problem() else ("--engine=sim", "--kvm=host")

    def test_a_terminal_is_told_and_left_clean(self):
        source = self.write("busy.wl", BUSY)
        for engine in self.engines():
            with self.subTest(engine=engine):
                terminal = Terminal(
                    self, "run", f"--workload={source}", engine, "--timeout=4", "--stats=json"
                )
                status, output = terminal.end()
                self.assertEqual(124, status, terminal.text)
                told = [tuple(map(int, m.group(1, 3, 4))) for m in LINE.finditer(terminal.text)]
                self.assertGreaterEqual(len(told), 3, terminal.text)
                for earlier, later in zip(told, told[1:]):
                    self.assertLessEqual(earlier[0], later[0])
                    self.assertLess(earlier[1], later[1])
                self.assertGreater(told[-1][2], 0)
                statistics = json.loads(output.splitlines()[-1])
                self.assertGreaterEqual(statistics["traps"]["hypercall"], told[-1][1])
                self.assertNotIn("\x1b", output)
                shown = "\n".join(screen(terminal.text))
                self.assertNotIn("hypercalls", shown)
                self.assertIn("time-out", shown)

    def test_console_lines_stay_whole_on_the_same_terminal(self):
        source = self.write("chatty.wl", CHATTY.replace("STEPS", "80000"))
        terminal = Terminal(
            self, "run", f"--workload={source}", "--engine=sim", "--stats=none", "--audit=off",
            output_too=True,
        )
        status, _ = terminal.end()
        self.assertEqual(0, status, terminal.text)
        self.assertRegex(terminal.text, LINE)
        expected = [f"round {number}" for number in range(1, 41)] + [""]
        self.assertEqual(expected, screen(terminal.text)[1:])  # behind the kernel's own line

    def test_phases_are_named(self):
        source = self.write("busy.wl", BUSY)
        terminal = Terminal(
            self, "run", f"--workload={source}", "--engine=sim", "--stats=json", "--timeout=20"
        )
        terminal.read(until="phase storm, [1-9]")
        self.assertIn("phase storm", terminal.text)
        terminal.type(b"\x03")
        status, output = terminal.end()
        self.assertEqual(130, status, terminal.text)
        self.assertTrue(json.loads(output.splitlines()[-1])["partial"])
        self.assertNotIn("hypercalls", "\n".join(screen(terminal.text)))

    def test_nothing_without_a_terminal_or_when_turned_off(self):
        arguments = ("run", ENDLESS, "--engine=sim", "--timeout=2", "--stats=none")
        run = self.pvmmu(*arguments)
        self.assertNotIn("hypercalls", run.err)
        terminal = Terminal(self, *arguments, "--progress=off")
        self.assertEqual(124, terminal.end()[0])
        self.assertNotIn("hypercalls", terminal.text)

    def test_turned_on_without_a_terminal(self):
        run = self.pvmmu(
            "run", ENDLESS, "--engine=sim", "--timeout=2", "--stats=none", "--progress=on"
        )
        self.assertRegex(run.err, LINE)
        self.assertNotIn("hypercalls", run.out)

    def test_short_runs_show_nothing(self):
        terminal = Terminal(self, "run", "--engine=sim", "--stats=none")
        self.assertEqual(0, terminal.end()[0])
        self.assertEqual("", terminal.text)

    def test_bad_usage(self):
        for flags, reason in (
            (("--progress=maybe",), "none of on, off, auto"),
            (("--progress=on", "--kvm=nested"), "a nested run cannot show any"),
        ):
            run = self.pvmmu("run", *flags)
            self.assertEqual(2, run.status, str(run))
            self.assertIn(reason, run.err)

    def test_termination_in_the_sim_engine(self):
        for vcpus in (1, 4):
            arguments = ("run", ENDLESS, "--engine=sim", "--stats=json", f"--vcpus={vcpus}")
            process = self.start(*arguments)
            self.wait_for_output(process, "endless\n")
            process.send_signal(signal.SIGTERM)
            run = self.finish(process, arguments, hang_seconds=60)
            self.assertEqual(130, run.status, str(run))
            self.assertTrue(run.stats["partial"])

    @needs_host_kvm
    def test_counts_do_not_depend_on_progress(self):
        source = self.write("chatty.wl", CHATTY.replace("STEPS", "100"))
        counts = [
            self.run_workload(source, f"--progress={kind}").stats["hypercalls"]
            for kind in ("off", "on")
        ]
        self.assertEqual(*counts)


if __name__ == "__main__":
    unittest.main()
