"""What the commands print and where: help, lists, tables, files."""

import json
import unittest

from harness import MODES, VmTest, needs_host_kvm, needs_nested_bed


class Help(VmTest):
    def help(self, *arguments):
        run = self.pvmmu(*arguments)
        self.assertEqual(0, run.status, str(run))
        self.assertEqual("", run.err)
        return run.out

    def test_overview(self):
        overview = self.help("help")
        self.assertEqual(overview, self.help("--help"))
        for command in ("run", "bench", "probe", "explain", "workloads"):
            self.assertIn(f"\n  {command} ", overview)

    def test_each_command_explains_itself_with_examples(self):
        for command in ("run", "bench", "probe", "explain", "workloads"):
            text = self.help("help", command)
            self.assertEqual(text, self.help(command, "--help"))
            self.assertGreaterEqual(text.count(f"\n  pvmmu {command}"), 2, text)

    def test_version(self):
        self.assertRegex(self.help("--version"), r"^pvmmu \d+\.\d+\.\d+\n$")

    def test_no_command_is_bad_usage(self):
        run = self.pvmmu()
        self.assertEqual(2, run.status)
        self.assertIn("pvmmu run", run.err)


class Workloads(VmTest):
    def test_shipped_ones_are_listed(self):
        names = self.workload_names()
        for name in (
            "hello fork-exit mprotect-storm cow-storm mmap-munmap populate-512 pin-512 everything"
        ).split():
            self.assertIn(name, names)
        listed = self.pvmmu("workloads").out
        self.assertEqual(names, [line.split()[0] for line in listed.splitlines()])

    def test_shown_ones_pass_the_check(self):
        for name in self.workload_names():
            shown = self.pvmmu("workloads", "show", name)
            self.assertEqual(0, shown.status, str(shown))
            path = self.write(f"{name}.wl", shown.out)
            self.assertEqual(0, self.pvmmu("workloads", "check", path).status)


@needs_host_kvm
class Output(VmTest):
    def test_console_then_one_line_of_statistics(self):
        run = self.run_workload("hello")
        *console, last = run.out.splitlines()
        self.assertTrue(console, "the guest said nothing")
        self.assertEqual("pvmmu-stats-1", json.loads(last)["schema"])
        self.assertFalse(run.stats["partial"])
        self.assertEqual(0, run.stats["exit_code"])

    def test_statistics_have_the_promised_keys(self):
        stats = self.run_workload("hello").stats
        for key in (
            "schema guest workload mode engine kvm vcpus seed batch split_ptl extensions notifier_protocol exit_code traps "
            "hypercalls multicall mmu tlb phases operations exits refusal_records "
            "refusal_records_dropped wall_seconds nondeterministic "
            "partial"
        ).split():
            self.assertIn(key, stats)
        for key in "calls entries ops sizes flush_reasons callbacks max_locks_held".split():
            self.assertIn(key, stats["multicall"])
        for key in (
            "pte_updates emulated_writes pins unpins promotions demotions entries_validated refusals"
        ).split():
            self.assertIn(key, stats["mmu"])

    def test_scopes_add_up(self):
        stats = self.run_workload("fork-exit", "--vcpus=2").stats
        for scope in ("phases", "per_vcpu"):
            total = sum(part["page_table_traps"] for part in stats[scope])
            self.assertEqual(stats["page_table_traps"], total, scope)
        total = sum(part["page_table_traps"] for part in stats["operations"].values())
        self.assertEqual(stats["page_table_traps"], total)
        multicalls = sum(stats["multicall"]["sizes"].values())
        self.assertEqual(stats["multicall"]["calls"], multicalls)

    def test_table(self):
        run = self.pvmmu("run", "--kvm=host", "--workload=fork-exit")
        self.assertEqual(0, run.status, str(run))
        for text in ("by phase", "by operation", "hypercalls", "total"):
            self.assertIn(text, run.out)

    def test_no_statistics(self):
        run = self.pvmmu("run", "--kvm=host", "--stats=none")
        self.assertEqual(0, run.status, str(run))
        self.assertNotIn("pvmmu-stats", run.out)

    def test_statistics_file(self):
        run = self.pvmmu("run", "--kvm=host", "--stats-file=out.json")
        self.assertEqual(0, run.status, str(run))
        self.assertEqual("hello", json.loads((self.directory / "out.json").read_text())["workload"])
        self.assertNotIn("pvmmu-stats", run.out)
        self.assertEqual({"out.json", "tmp"}, {path.name for path in self.directory.iterdir()})

    def test_auto_says_what_it_took(self):
        run = self.pvmmu("run", "--kvm=auto", "--stats=none")
        self.assertEqual(0, run.status, str(run))
        self.assertIn("/dev/kvm", run.err)

    def test_bench(self):
        run = self.pvmmu("bench", "hello", "fork-exit", "--kvm=host")
        self.assertEqual(0, run.status, str(run))
        for text in ("hello", "fork-exit", *MODES, "page-table traps", "hypercalls", "seconds"):
            self.assertIn(text, run.out)
        self.assertEqual("", run.err)

    def test_probe(self):
        words = self.pvmmu("probe")
        self.assertEqual(0, words.status, str(words))
        probe = self.pvmmu("probe", "--json")
        self.assertIsInstance(json.loads(probe.out), dict)
        self.assertEqual(1, probe.out.count("\n"))


@needs_nested_bed
class Nested(VmTest):
    def test_nested_console_statistics_and_status_come_through(self):
        run = self.run_workload("hello", kvm="nested")
        self.assertGreater(len(run.out.splitlines()), 1)
        self.assertEqual("nested", run.stats["kvm"])

    def test_nested_statistics_file_and_own_workload(self):
        shown = self.pvmmu("workloads", "show", "hello")
        path = self.write("mine.wl", shown.out)
        run = self.pvmmu("run", "--kvm=nested", f"--workload={path}", "--stats-file=out.json")
        self.assertEqual(0, run.status, str(run))
        self.assertEqual(str(path), json.loads((self.directory / "out.json").read_text())["workload"])

    def test_nested_time_out(self):
        from harness import WORKLOADS

        run = self.run_workload(WORKLOADS / "endless.wl", "--timeout=3", kvm="nested", status=124)
        self.assertTrue(run.stats["partial"])

    def test_nested_probe(self):
        run = self.pvmmu("probe", "--kvm=nested", "--json")
        self.assertEqual(0, run.status, str(run))
        self.assertIsInstance(json.loads(run.out.splitlines()[-1]), dict)


if __name__ == "__main__":
    unittest.main()
