"""Runs that are stopped from outside, and guests that fail: status, statistics, reports."""

import json
import signal
import time
import unittest

from harness import WORKLOADS, VmTest, needs_host_kvm, processes_of_session, wait_until


@needs_host_kvm
class Stopping(VmTest):
    def endless(self, *flags):
        return ("run", f"--workload={WORKLOADS / 'endless.wl'}", "--kvm=host", *flags)

    def test_guest_that_loops_is_stopped(self):
        run = self.pvmmu(*self.endless("--timeout=1.5", "--stats=json"), hang_seconds=60)
        self.assertEqual(124, run.status, str(run))
        self.assertTrue(run.stats["partial"])
        self.assertEqual(124, run.stats["exit_code"])
        self.assertGreaterEqual(run.stats["wall_seconds"], 1.4)
        self.assertLess(run.stats["wall_seconds"], 30)
        self.assertIn("time-out", run.err)
        self.assertRegex(run.err, r"vCPU 0 runs, at rip 0x[0-9a-f]+ in user mode")

    def test_looping_guest_on_four_processors(self):
        run = self.pvmmu(*self.endless("--timeout=1", "--stats=json", "--vcpus=4"))
        self.assertEqual(124, run.status, str(run))
        self.assertEqual(4, len(run.stats["per_vcpu"]))

    def interrupted(self, number, *flags):
        arguments = self.endless("--stats=json", *flags)
        process = self.start(*arguments)
        self.wait_for_output(process, "endless\n")
        process.send_signal(number)
        return self.finish(process, arguments, hang_seconds=60)

    def test_interrupt_gives_partial_statistics(self):
        run = self.interrupted(signal.SIGINT)
        self.assertEqual(130, run.status, str(run))
        self.assertTrue(run.stats["partial"])

    def test_termination_does_the_same(self):
        run = self.interrupted(signal.SIGTERM, "--vcpus=2")
        self.assertEqual(130, run.status, str(run))
        self.assertTrue(run.stats["partial"])

    def test_statistics_file_of_an_interrupted_run_is_whole(self):
        path = self.directory / "stats.json"
        run = self.interrupted(signal.SIGINT, f"--stats-file={path}")
        self.assertEqual(130, run.status, str(run))
        self.assertTrue(json.loads(path.read_text())["partial"])
        self.assertNotIn("pvmmu-stats-1", run.out)
        self.assertEqual(["stats.json", "tmp"], sorted(p.name for p in self.directory.iterdir()))

    def test_a_killed_run_leaves_no_process(self):
        process = self.start(*self.endless())
        self.wait_for_output(process, "endless\n")
        process.kill()
        process.communicate()
        self.assertTrue(wait_until(lambda: not processes_of_session(process.pid), seconds=10))

    def test_bench_stops_with_its_run(self):
        arguments = ("bench", WORKLOADS / "endless.wl", "--kvm=host")
        process = self.start(*arguments)
        time.sleep(2)
        process.terminate()
        process.communicate()
        self.assertTrue(wait_until(lambda: not processes_of_session(process.pid), seconds=20))


@needs_host_kvm
class FailingGuests(VmTest):
    def test_failed_check_in_the_guest(self):
        run = self.run_workload(WORKLOADS / "failing.wl", status=1)
        self.assertFalse(run.stats["partial"])
        self.assertEqual(1, run.stats["exit_code"])
        self.assertIn("failing.wl:", run.out)


if __name__ == "__main__":
    unittest.main()
