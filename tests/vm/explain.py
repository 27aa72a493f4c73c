"""Refusals explained as they happen and from a saved report, and recounts after every call.

The hostile guest says on its console what it tried; the explanations must name the frame, its type
and its users, and the report must agree with them.
"""

import json
import unittest

from harness import LONG, VmTest, differences, needs_host_kvm, needs_nested_bed, without_varying

# Every key of a record; those that are null where they do not apply.
RECORD_KEYS = {
    "rule": str,
    "rule_text": str,
    "errno": str,
    "operation": str,
    "request": int,
    "reason": str,
    "level": (int, type(None)),
    "slot": (int, type(None)),
    "table": (str, type(None)),
    "entry": (str, type(None)),
    "frame": (str, type(None)),
    "frame_now": (dict, type(None)),
    "chain": list,
    "address": (str, type(None)),
    "vcpu": int,
    "alike": int,
    "advice": str,
    "explanation": str,
}
FRAME_KEYS = {
    "owner": str,
    "type": str,
    "whole": bool,
    "pinned": bool,
    "type_count": int,
    "total_count": int,
    "same_level_count": int,
}
USER_KINDS = {"entry", "pin", "kernel base pointer", "user base pointer", "VMM"}
KINDS_KEPT = 4
RECORDS_KEPT = 32
RECORDS_KEPT_EXPLAINED = 256
# With a recount after each call the others take several seconds each.
QUICK_WORKLOADS = ("hello", "fork-exit", "mprotect-storm", "populate-512")


class ExplainTest(VmTest):
    def attack(self, name, *flags):
        run = self.pvmmu(
            "run",
            self.guest_image("test_guest_hostile"),
            "--kvm=host",
            "--stats=json",
            f"--cmdline=attack={name}",
            *flags,
        )
        self.assertEqual(0, run.status, str(run))
        return run

    def explanations(self, run):
        """The explained refusals of a run, in order: each is one line of standard error."""
        lines = [line for line in run.err.splitlines() if line.startswith("pvmmu: refusal ")]
        texts = []
        for number, line in enumerate(lines, 1):
            head = f"pvmmu: refusal {number}: "
            self.assertTrue(line.startswith(head), line)
            texts.append(line.removeprefix(head))
        return texts

    def assert_keys(self, wanted, value):
        self.assertEqual(list(wanted), list(value))
        for key, types in wanted.items():
            self.assertIsInstance(value[key], types, key)

    def ask(self, *arguments, status=0):
        run = self.pvmmu("explain", *arguments)
        self.assertEqual(status, run.status, str(run))
        return run.out if status == 0 else run.err


@needs_host_kvm
class Explained(ExplainTest):
    def test_a_writable_mapping_of_each_kind_of_table(self):
        """Each explanation names the frame, its type and its user, which the report confirms."""
        run = self.attack("map-table-writable", "--explain", "--audit=call")
        texts = self.explanations(run)
        records = run.stats["refusal_records"]
        self.assertEqual(len(texts), len(records))
        for level, (text, record) in enumerate(zip(texts[:4], records), 1):
            frame = record["frame"]
            type_name = f"L{level} table"
            self.assertEqual("I3", record["rule"])
            self.assertEqual("EBUSY", record["errno"])
            self.assertEqual("update_va_mapping", record["operation"])
            self.assertEqual(type_name, record["frame_now"]["type"])
            self.assertEqual(level == 4, record["frame_now"]["pinned"])
            # The entry asked for names the frame, writable.
            entry = int(record["entry"], 16)
            self.assertEqual(int(frame, 16), entry >> 12 & 0xFFFFFFFFFF)
            self.assertEqual(3, entry & 3)
            self.assertTrue(text.startswith(f"frame {frame} is an {type_name}"), text)
            self.assertIn("asked for a writable mapping of it", text)
            self.assertIn(f"linear {record['address']}", text)
            self.assertIn(f"Rule I3: {record['rule_text']}", text)
            self.assertIn(f"Instead: {record['advice']}.", text)
            self.assertTrue(record["advice"].endswith("or map it read-only"), text)
            users = record["chain"][0]["users"]
            if level == 4:
                self.assertEqual(["pin", "kernel base pointer"], [u["kind"] for u in users[:2]])
                self.assertIn("pinned, used as such by the kernel base pointer of vCPU 0", text)
                self.assertIn(f"unpin frame {frame} (MMUEXT_UNPIN_TABLE)", text)
                continue
            user = users[0]
            self.assertEqual("entry", user["kind"])
            self.assertEqual(f"L{level + 1} table", user["table_type"])
            self.assertEqual(int(frame, 16), int(user["entry"], 16) >> 12 & 0xFFFFFFFFFF)
            place = f"slot {user['slot']} of L{level + 1} table {user['table']}"
            self.assertIn(f"used as such by {place}", text)
            self.assertIn(f"Chain: frame {frame} <- {place} <- ", text)
            self.assertIn(f"drop the entry in {place} first", text)
            # The chain is the next record's frame, and ends at the root.
            self.assertEqual(user["table"], records[level]["frame"])
            self.assertEqual("L4 table", record["chain"][-1]["type"])

    def test_a_page_number_taken_for_a_frame_number(self):
        run = self.attack("wild-frames", "--explain")
        first = run.stats["refusal_records"][0]
        self.assertEqual("hypervisor", first["frame_now"]["owner"])
        self.assertRegex(first["advice"], r"as a pfn 0x0, this is frame 0x[0-9a-f]+$")

    def test_a_refused_store_to_a_table(self):
        run = self.attack("write-live-l1", "--explain")
        (text,) = self.explanations(run)
        self.assertRegex(
            text,
            "emulated write of vCPU 0 asked, by a store to linear 0xffffffff8[0-9a-f]*, "
            "for a writable mapping of it in slot [0-9]+ of L1 table ",
        )

    def test_a_page_that_the_hypervisor_must_not_write(self):
        """Pages that it writes by itself: refused where they are tables, with a record."""
        run = self.attack("hypervisor-pages", "--explain")
        records = run.stats["refusal_records"]
        self.assertEqual(
            ["VCPUOP_register_vcpu_info", "VCPUOP_register_vcpu_info", "pvmmu_op"],
            [record["operation"] for record in records],
        )
        self.assertEqual({"EINVAL": 3}, {k: v for k, v in run.stats["mmu"]["refusals"].items() if v})
        for record in records[0], records[2]:
            self.assertEqual("I1", record["rule"])
            self.assertEqual("L4 table", record["frame_now"]["type"])
            self.assertIn("asked the hypervisor to write to it", record["explanation"])
            self.assertIn("unpin frame", record["advice"])
        self.assertEqual("I4", records[1]["rule"])
        self.assertEqual("hypervisor", records[1]["frame_now"]["owner"])

    def test_every_refusal_of_every_attack_is_kept_or_counted(self):
        run = self.attack("all", "--explain", "--audit=call")
        stats = run.stats
        records = stats["refusal_records"]
        refused = sum(stats["mmu"]["refusals"].values())
        self.assertEqual(refused, len(records) + stats["refusal_records_dropped"])
        self.assertLessEqual(len(records), RECORDS_KEPT_EXPLAINED)
        self.assertEqual(len(records), len(self.explanations(run)))
        self.assertIn(f"{stats['refusal_records_dropped']} more refusals were not explained", run.err)
        for record in records:
            self.check_record(record)
        kinds = {}
        for record in records:
            owner = record["frame_now"] and record["frame_now"]["owner"]
            kind = (record["rule"], record["operation"], record["reason"], owner)
            kinds[kind] = kinds.get(kind, 0) + 1
        self.assertGreater(len(kinds), 20)

    def check_record(self, record):
        self.assert_keys(RECORD_KEYS, record)
        self.assertRegex(record["rule"], r"^I[1-9]$")
        self.assertRegex(record["errno"], r"^E[A-Z0-9]+$")
        for key in ("table", "entry", "frame", "address"):
            if record[key] is not None:
                self.assertRegex(record[key], r"^0x[0-9a-f]+$")
        if record["frame_now"] is not None:
            self.assert_keys(FRAME_KEYS, record["frame_now"])
            self.assertEqual(record["frame"], record["chain"][0]["frame"])
        for link in record["chain"]:
            self.assertEqual(["frame", "type", "users", "users_not_listed"], list(link))
            for user in link["users"]:
                self.assertIn(user["kind"], USER_KINDS)
                if user["kind"] == "entry":
                    self.assertLess(user["slot"], 512)
                    self.assertTrue(user["table_type"].endswith("table"))
        self.assertNotIn("\n", record["explanation"])
        self.assertTrue(record["explanation"].endswith(f"Instead: {record['advice']}."))

    def test_a_storm_of_one_kind_floods_nobody(self):
        """Over 200 mappings of the hypervisor's frames, one like the other."""
        run = self.attack("map-monitor", "--explain")
        stats = run.stats
        self.assertGreater(sum(stats["mmu"]["refusals"].values()), 200)
        records = stats["refusal_records"]
        alike = [r for r in records if r["reason"] == records[0]["reason"]]
        self.assertLessEqual(len(alike), 2 * KINDS_KEPT)  # by two operations
        self.assertGreater(records[0]["alike"], 100)
        self.assertLess(len(run.err), 20000)

    def test_without_explain_records_are_kept_and_nothing_is_said(self):
        run = self.attack("all")
        self.assertEqual("", run.err)
        self.assertLessEqual(len(run.stats["refusal_records"]), RECORDS_KEPT)
        self.assertNotIn("frames_at_end", run.stats)
        explained = self.attack("all", "--explain").stats
        first = run.stats["refusal_records"][:4]
        self.assertEqual(first, explained["refusal_records"][:4])

    @unittest.skipUnless(LONG, "runs a machine under emulation: only with --long")
    @needs_nested_bed
    def test_records_are_the_same_on_another_kvm(self):
        records = []
        for kvm in ("host", "nested"):
            run = self.attack("all", "--explain", f"--kvm={kvm}")
            records.append(without_varying(run.stats)["refusal_records"])
        self.assertEqual(*records)

    def test_records_repeat(self):
        one, other = (
            without_varying(self.attack("all", "--explain").stats) for _ in range(2)
        )
        self.assertEqual([], differences(one, other))
        self.assertGreater(len(one["refusal_records"]), 20)


@needs_host_kvm
class SavedReports(ExplainTest):
    def report(self, attack="map-table-writable", *flags):
        run = self.attack(attack, "--explain", *flags)
        return self.write("report.json", run.out.splitlines()[-1]), run

    def test_refusals_from_a_report(self):
        path, run = self.report()
        texts = self.explanations(run)
        listed = self.ask(path).splitlines()
        self.assertEqual(len(texts), len(listed))
        self.assertRegex(listed[0], r"^ +1  update_va_mapping, request 0: EBUSY, rule I3: ")
        for number, text in enumerate(texts, 1):
            answer = self.ask(path, f"--refusal={number}")
            self.assertTrue(answer.startswith(f"refusal {number}: {text}\n"), answer)

    def test_a_frame_and_an_address_from_a_report(self):
        path, run = self.report()
        root = run.stats["frames_at_end"]["roots"][0]["kernel"]
        answer = self.ask(path, f"--frame={root}")
        self.assertIn(f"frame {root} is an L4 table, pinned, used as such by the kernel base", answer)
        self.assertIn("Before it can be anything else: unpin frame", answer)
        self.assertEqual(answer, self.ask(path, f"--frame={int(root, 16)}"))
        record = run.stats["refusal_records"][0]
        answer = self.ask(path, f"--address={record['address']}")
        self.assertIn(f"L4 table {root} slot 511: ", answer)
        self.assertIn(f"L1 table {record['table']} slot {record['slot']}: ", answer)
        self.assertIn("is a writable page", answer)
        self.assertEqual(
            answer.splitlines()[1:],
            self.ask(path, f"--address={record['address']}", f"--root={root}").splitlines(),
        )
        self.assertIn("the hypervisor's own", self.ask(path, "--address=0xffff800000000000"))

    def test_a_whole_output_is_a_report_too(self):
        run = self.attack("map-table-writable", "--explain")
        path = self.write("output.txt", run.out)
        self.assertIn("update_va_mapping", self.ask(path))

    def test_processes_of_the_built_in_guest(self):
        run = self.run_workload("fork-exit", "--explain", "--vcpus=2")
        path = self.write("report.json", run.out.splitlines()[-1])
        self.assertEqual("nothing was refused\n", self.ask(path))
        roots = run.stats["frames_at_end"]["roots"]
        self.assertEqual([0, 1], [root["vcpu"] for root in roots])
        self.assertIn("is an L4 table, pinned", self.ask(path, f"--frame={roots[0]['kernel']}"))
        self.assertIn("/frames_at_end", run.stats["nondeterministic"])

    def test_questions_without_an_answer(self):
        path, run = self.report()
        count = len(run.stats["refusal_records"])
        for arguments, text in {
            (path, "--refusal=0"): f"there is no refusal 0, only 1 to {count}",
            (path, f"--refusal={count + 1}"): f"only 1 to {count}",
            (path, "--frame=0x10000000"): "frame 0x10000000 does not exist: the machine had",
            (path, "--frame=many"): "is no number",
            (path, "--address=0x800000000000"): "not canonical",
            (path, "--root=1"): "--root goes with --address",
            (path, "--address=0", "--root=0"): "frame 0x0 was no L4 table",
            (): "it takes one file",
            (path, path): "it takes one file",
            ("absent.json",): "cannot read absent.json",
            (path, "--colour"): "has no flag --colour",
        }.items():
            with self.subTest(arguments=arguments[1:]):
                self.assertIn(text, self.ask(*arguments, status=2))

    def test_files_that_are_no_reports(self):
        plain = self.attack("map-table-writable")
        path = self.write("plain.json", plain.out.splitlines()[-1])
        self.assertIn("update_va_mapping", self.ask(path, "--refusal=1"))
        self.assertIn("run with --explain", self.ask(path, "--frame=1", status=2))
        for name, text in {
            "empty": "",
            "words": "no JSON\nat all\n",
            "array": "[1, 2]",
            "cut": plain.out.splitlines()[-1][:1000],
            "other": '{"schema": "pvmmu-bench-1"}',
        }.items():
            with self.subTest(file=name):
                answer = self.ask(self.write(name, text), status=2)
                self.assertIn("no JSON statistics of pvmmu run", answer)
        old = dict(plain.stats)
        del old["refusal_records"]
        answer = self.ask(self.write("old", json.dumps(old)), status=2)
        self.assertIn("no refusal records", answer)


@needs_host_kvm
class RecountAfterEveryCall(ExplainTest):
    def test_workloads_agree_after_every_call(self):
        for workload in self.workload_names() if LONG else QUICK_WORKLOADS:
            with self.subTest(workload=workload):
                run = self.run_workload(workload, "--audit=call")
                self.assertEqual("", run.err)

    def test_several_processors_agree_after_every_call(self):
        for vcpus in (2, 4):
            with self.subTest(vcpus=vcpus):
                run = self.run_workload("fork-exit", "--audit=call", f"--vcpus={vcpus}")
                self.assertEqual("", run.err)

    def test_pieces_of_calls_agree(self):
        """Where a call is interrupted, the others must find everything sound."""
        for cuts, vcpus in (("random:1", 1), ("3", 1), ("random:2", 2)):
            with self.subTest(cuts=cuts, vcpus=vcpus):
                run = self.run_workload(
                    "fork-exit", "--audit=call", f"--preempt-at={cuts}", f"--vcpus={vcpus}"
                )
                self.assertEqual("", run.err)

    def test_modes_agree_after_every_call_and_emulated_write(self):
        for mode in ("emulate", "single", "lazy"):
            with self.subTest(mode=mode):
                run = self.run_workload("hello", "--audit=call", f"--mode={mode}")
                self.assertEqual("", run.err)

    def test_recounts_and_explanations_count_nothing(self):
        plain = without_varying(self.run_workload("cow-storm").stats)
        for flag in ("--audit=call", "--audit=off", "--explain"):
            with self.subTest(flag=flag):
                other = without_varying(self.run_workload("cow-storm", flag).stats)
                other.pop("frames_at_end", None)
                self.assertEqual([], differences(plain, other))

    def test_attacks_are_survived_with_recounts(self):
        run = self.attack("all", "--audit=call")
        self.assertIn("all refused", run.out)
        self.assertEqual("", run.err)


if __name__ == "__main__":
    unittest.main()
