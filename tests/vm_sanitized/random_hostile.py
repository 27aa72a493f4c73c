"""Two vCPUs that do random things to the hypervisor, under a VMM built with the sanitizers.

guest/test_guests/random_hostile says what they do. Whatever it is: the run ends with status 0, with 1
and a report, or, if the guest ruined its own clock or code and goes on for ever, with 124 at its time-out,
which needs every vCPU's thread to answer, and that none waits for what is there; no sanitizer finds anything, no leak; types and references
agree at the end; and the VMM's memory does not grow with the time. 20 seconds; with --long ten minutes.
"""

import contextlib
import os
import pathlib
import statistics
import threading
import time
import unittest

from harness import HANG_SECONDS, LONG, needs_host_kvm
from sanitized import SanitizedTest

SECONDS = 600 if LONG else 20
# One run follows another, each with a seed of its own, until the time is over.
RUN_SECONDS = 300
GRACE_SECONDS = 30
MOST_RUNS = 1000
# Below it, differences between a run's halves are the machine's. Freed memory that is held back
# (sanitized.py) must not look like growth.
GROWTH_MIB = 16
SAMPLE_SECONDS = 0.5
FEW_SAMPLES = 16


def resident_mib(pid):
    """What the process has in memory, without what it shares with files; None if it is no more."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    return None


def growth(samples):
    """Between the second quarter of a run and its last one; the first is for warming up."""
    quarter = len(samples) // 4
    return statistics.median(samples[-quarter:]) - statistics.median(samples[quarter : 2 * quarter])


@needs_host_kvm
class RandomHostile(SanitizedTest):
    def run_guest(self, seed, seconds):
        """One run, and how much memory the VMM held while it lasted."""
        arguments = (
            "run",
            self.guest_image("test_guest_random_hostile"),
            "--kvm=host",
            "--vcpus=2",
            "--audit=exit",
            "--stats=json",
            f"--seed={seed}",
            f"--cmdline=seed={seed} seconds={seconds}",
            f"--timeout={seconds + GRACE_SECONDS}",
        )
        process = self.start(*arguments)
        samples = []

        def watch():
            while (mib := resident_mib(process.pid)) is not None:
                samples.append(mib)
                time.sleep(SAMPLE_SECONDS)

        watcher = threading.Thread(target=watch)
        watcher.start()
        run = self.finish(process, arguments, hang_seconds=seconds + HANG_SECONDS)
        watcher.join()
        return run, samples

    def check(self, run):
        self.assertIn(run.status, (0, 1, 124), str(run))
        self.assertNotIn("audit", run.err, str(run))
        if run.status == 0:
            self.assertIn("violations 0", run.out, str(run))
        else:
            ending = "*** the guest crashed" if run.status == 1 else "time-out"
            self.assertIn(ending, run.err, str(run))
        self.assertNotIn("a bug of pvmmu", run.err, str(run))  # a wake-up that was lost
        self.assertEqual(run.status == 124, run.stats["partial"], str(run))

    def test_random_guest_under_the_sanitizers(self):
        end = time.monotonic() + SECONDS
        hypercalls = 0
        for seed in range(1, MOST_RUNS):
            left = end - time.monotonic()
            if left < 1:
                break
            run, samples = self.run_guest(seed, min(round(left), RUN_SECONDS))
            self.check(run)
            calls = sum(call["calls"] for call in run.stats["hypercalls"].values())
            hypercalls += calls
            line = f"seed {seed}: status {run.status}, {calls} hypercalls"
            if len(samples) >= FEW_SAMPLES:
                grown = growth(samples)
                line += f", {max(samples):.0f} MiB at most, {grown:+.1f} since it was warm"
                self.assertLess(grown, GROWTH_MIB, f"{run}\n{samples}")
            print(line, flush=True)
        self.assertGreater(hypercalls, 10 * SECONDS)


if __name__ == "__main__":
    unittest.main()
