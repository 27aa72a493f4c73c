"""Files, flags and settings that cannot be used: status 2 and one line that says why.

Guest images are read before anybody asks for KVM where that is possible; those that need a machine
to be refused are skipped without one.
"""

import os
import shutil
import subprocess
import unittest

from elf_maker import BASE, Segment, elf, xen_notes
from harness import KERNEL, VmTest, needs_host_kvm

CODE = b"\xf4" * 4096


class BadInput(VmTest):
    def refused_guest(self, contents, *flags, saying=()):
        path = self.write("guest.elf", contents)
        return self.refused("run", path, "--kvm=host", *flags, saying=["guest.elf", *saying])

    # --- files that are no guests ---

    def test_missing_guest(self):
        self.refused("run", "missing.elf", saying=["missing.elf", "No such file"])

    def test_directory_as_guest(self):
        self.refused("run", ".", saying=["directory"])

    def test_endless_file_as_guest(self):
        self.refused("run", "/dev/zero", saying=["/dev/zero"])

    def test_empty_guest(self):
        self.refused("run", self.write("empty.elf", b""), saying=["empty.elf"])

    @needs_host_kvm
    def test_guest_that_is_no_elf(self):
        self.refused_guest("#!/bin/sh\necho hello\n" * 100)

    @needs_host_kvm
    def test_elf_without_xen_notes(self):
        self.refused_guest(elf([Segment(0x100000, CODE)]))

    @needs_host_kvm
    def test_program_of_the_host(self):
        self.refused("run", "/bin/true", "--kvm=host", saying=["/bin/true"])

    @needs_host_kvm
    def test_segments_that_overlap(self):
        segments = [Segment(0x100000, CODE), Segment(0x100800, CODE)]
        self.refused_guest(elf(segments, xen_notes()))

    @needs_host_kvm
    def test_segments_that_wrap(self):
        segments = [Segment(0x100000, CODE), Segment(2**64 - 0x1000, CODE, vaddr=BASE - 0x1000)]
        self.refused_guest(elf(segments, xen_notes()))
        huge = [Segment(0x100000, CODE, memory_size=2**64 - 0x1000)]
        self.refused_guest(elf(huge, xen_notes()))

    @needs_host_kvm
    def test_segment_smaller_in_memory_than_in_the_file(self):
        self.refused_guest(elf([Segment(0x100000, CODE, memory_size=16)], xen_notes()))

    @needs_host_kvm
    def test_guest_larger_than_its_memory(self):
        big = [Segment(0x100000, CODE, memory_size=64 << 20)]
        self.refused_guest(elf(big, xen_notes()), "--memory=16")

    @needs_host_kvm
    def test_truncated_guest(self):
        whole = KERNEL.read_bytes()
        for size in (1, 4, 16, 63, 64, 100, 120, 200, 4096, len(whole) // 2):
            with self.subTest(size=size):
                self.refused_guest(whole[:size])

    def test_damaged_kernel_image(self):
        header = bytearray(1024)
        header[0x1FE:0x200] = b"\x55\xaa"
        header[0x202:0x208] = b"HdrS\x0f\x02"
        image = self.write("vmlinuz", bytes(header))
        self.refused("run", image, saying=["vmlinuz", "damaged"])

    def test_boot_modules(self):
        guest = self.write("guest.elf", elf([Segment(0x100000, CODE)], xen_notes()))
        module = self.write("initrd", b"something")
        self.refused("run", f"--module={module}", saying=["--module", "built-in guest"])
        self.refused("run", guest, "--module=missing.img", saying=["missing.img"])
        self.refused(
            "run", guest, f"--module={module}", "--workload=hello", saying=["one boot module"]
        )

    # --- memory and processors ---

    def test_memory_out_of_range(self):
        for value in ("0", "15", "4097", "-1", "64M", "", "1e3"):
            with self.subTest(value=value):
                self.refused("run", f"--memory={value}", saying=["--memory", "16 to 4096"])

    def test_vcpus_out_of_range(self):
        for value in ("0", "1000", "-1", "two", ""):
            with self.subTest(value=value):
                self.refused("run", f"--vcpus={value}", saying=["--vcpus"])
        self.refused("run", "--vcpus=5", saying=["--vcpus", "1 to 4"])

    # --- flags and commands ---

    def test_unknown_flag(self):
        self.refused("run", "--wrokload=hello", saying=["--wrokload", "--workload?"])

    def test_flag_like_no_other(self):
        run = self.refused("run", "--foo", saying=["no flag --foo", "pvmmu help run"])
        self.assertNotIn("did you mean", run.err)

    def test_flag_of_another_command(self):
        self.refused("run", "--json", saying=["--json"])
        self.refused("probe", "--mode=batched", saying=["--mode"])
        self.refused("bench", "--stats=json", saying=["--stats"])
        self.refused("workloads", "--memory=64", saying=["--memory"])

    def test_flags_that_do_not_exist(self):
        for flag in ("--trace-page=1", "--explore"):
            with self.subTest(flag=flag):
                self.refused("run", flag, saying=[flag.split("=")[0]])

    def test_bad_values(self):
        for flag in (
            "--mode=better",
            "--lazy-policy=2008",
            "--lazy-schedule=never",
            "--mode",
            "--batch=0",
            "--batch=257",
            "--batch=32:8",
            "--split-ptl=yes",
            "--seed=x",
            "--timeout=0",
            "--timeout=-1",
            "--timeout=nan",
            "--stats=xml",
            "--kvm=bare",
            "--audit=sometimes",
            "--p2m=random",
            "--tick=1001",
            "--log=loud",
            "--cmdline=" + "x" * 2000,
        ):
            with self.subTest(flag=flag):
                self.refused("run", flag, saying=[flag.split("=")[0]])

    def test_unknown_command(self):
        self.refused("rnu", saying=["rnu", "run?"])
        self.refused("--nonsense", saying=["--nonsense"])
        self.refused("help", "nonsense", saying=["nonsense"])

    def test_two_guests(self):
        self.refused("run", "a.elf", "b.elf", saying=["b.elf"])

    # --- workloads ---

    def test_unknown_workload(self):
        self.refused("run", "--workload=helo", saying=["helo", "hello?"])
        self.refused("workloads", "show", "helo", saying=["hello?"])
        self.refused("bench", "helo", saying=["hello?"])

    def test_missing_workload_file(self):
        self.refused("run", "--workload=./missing.wl", saying=["missing.wl"])

    def test_mistakes_in_a_workload(self):
        path = self.write("bad.wl", "# a comment\nnonsense here\n")
        for arguments in (("run", f"--workload={path}"), ("workloads", "check", path)):
            self.refused(*arguments, saying=[f"{path}:2: "])

    def test_workload_that_is_no_text(self):
        path = self.write("binary.wl", bytes(range(256)) * 64)
        self.refused("run", f"--workload={path}", saying=["binary.wl:1: "])

    def test_workload_given_as_the_guest(self):
        self.refused("run", "hello", saying=["hello is a workload", "--workload=hello"])
        path = self.write("mine.wl", "print \"hello\"\n")
        self.refused("run", path, saying=[f"--workload={path}"])

    # --- where the statistics go ---

    def test_statistics_file_that_cannot_be_written(self):
        for place in ("missing/stats.json", ".", "/proc/stats.json"):
            with self.subTest(place=place):
                run = self.refused("run", f"--stats-file={place}", "--kvm=host", saying=[place])
                self.assertNotIn("pvmmu help", run.err)


class HostWithoutKvm(VmTest):
    """A machine without /dev/kvm: a mount namespace of its own, with an empty /dev."""

    def without_kvm(self, *arguments, environment=None):
        if shutil.which("unshare") is None:
            self.skipTest("no unshare to hide /dev/kvm with")
        prefix = ["unshare", "--mount"]
        if os.geteuid() != 0:
            prefix += ["--user", "--map-root-user"]
        hide = 'mount -t tmpfs none /dev && exec "$@"'
        prefix += ["sh", "-c", hide, "sh"]
        if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this machine lets nobody hide /dev/kvm in a namespace")
        run = self.pvmmu(*arguments, environment=environment, prefix=prefix)
        self.assertEqual(3, run.status, str(run))
        self.assertIn("/dev/kvm", run.err)
        return run

    def test_no_kvm(self):
        self.without_kvm("run", "--kvm=host")

    def test_probe_without_kvm(self):
        self.without_kvm("probe")

    def test_no_kvm_and_no_emulator(self):
        run = self.without_kvm(
            "run", "--kvm=auto", environment={"PATH": self.path_without_emulator()}
        )
        self.assertIn("qemu-system-x86_64 is not installed", run.err)

    def test_no_kvm_and_no_bed(self):
        if shutil.which("qemu-system-x86_64") is None:
            self.skipTest("qemu-system-x86_64 is not installed")
        nowhere = str(self.directory / "nowhere")
        run = self.without_kvm("run", "--kvm=auto", environment={"PVMMU_NESTED_BED": nowhere})
        self.assertIn("scripts/nested-bed", run.err)

    def path_without_emulator(self):
        """A search path with what hides /dev/kvm, and nothing else."""
        tools = self.directory / "tools"
        tools.mkdir()
        for tool in ("unshare", "sh", "mount", "true"):
            (tools / tool).symlink_to(shutil.which(tool))
        return str(tools)


if __name__ == "__main__":
    unittest.main()
