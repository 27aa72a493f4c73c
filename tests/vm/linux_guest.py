"""A distribution's Linux as a guest: the nested bed's kernel, unchanged, as a PV domain of ours."""

import unittest

from harness import LONG, VmTest, nested_bed_directory, needs_host_kvm, needs_nested_bed

# Boots, makes processes come and go, and ends; every line of it is what a distribution would do.
INIT = b"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
echo "init: $(grep -c ^processor /proc/cpuinfo) processors"
i=0
while [ $i -lt 20 ]; do i=$((i + 1)); ls /proc >/dev/null; done
(sleep 1; exit 7) & wait $!
echo "init: child $?"
poweroff -f
"""

FILE, EXECUTABLE, DIRECTORY, CHARACTER_DEVICE = 0o100644, 0o100755, 0o40755, 0o20600


def archive_entry(name, mode, data=b"", device=(0, 0)):
    """One file in the format of initial RAM disks (cpio, "newc")."""
    path = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return header + bytes(-len(header) % 4) + data + bytes(-len(data) % 4)


def archived_file(archive, wanted):
    at = 0
    while True:
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name = archive[at + 110 : at + 110 + fields[11] - 1].decode()
        start = at + 110 + fields[11]
        start += -start % 4
        if name == wanted:
            return archive[start : start + fields[6]]
        if name == "TRAILER!!!":
            raise AssertionError(f"the nested bed has no {wanted}")
        at = start + fields[6]
        at += -at % 4


@needs_host_kvm
@needs_nested_bed
class LinuxGuest(VmTest):
    def initial_disk(self):
        busybox = archived_file((nested_bed_directory() / "base.cpio").read_bytes(), "bin/busybox")
        return self.write(
            "initrd",
            archive_entry("bin", DIRECTORY)
            + archive_entry("dev", DIRECTORY)
            + archive_entry("dev/console", CHARACTER_DEVICE, device=(5, 1))
            + archive_entry("proc", DIRECTORY)
            + archive_entry("bin/busybox", EXECUTABLE, busybox)
            + archive_entry("init", EXECUTABLE, INIT)
            + archive_entry("TRAILER!!!", 0),
        )

    def boot(self, *flags):
        run = self.pvmmu(
            "run",
            nested_bed_directory() / "vmlinuz",
            f"--module={self.initial_disk()}",
            "--memory=256",
            "--cmdline=console=hvc0 loglevel=3",
            "--kvm=host",
            "--stats=json",
            *flags,
        )
        self.assertEqual(0, run.status, str(run))
        self.assertIn("init: child 7", run.out)
        self.assertNotIn("audit", run.err)
        return run

    def test_boots_runs_programs_and_halts(self):
        run = self.boot("--vcpus=2")
        self.assertIn("init: 2 processors", run.out)
        stats = run.stats
        # Nothing that it asked of its page tables was refused, and it asked in every way.
        self.assertEqual({}, stats["mmu"]["refusals"])
        for call in ("mmu_update", "mmuext_op", "update_va_mapping", "multicall", "iret"):
            self.assertGreater(stats["hypercalls"][call]["calls"], 0, call)
        self.assertGreater(stats["mmu"]["pins"], 0)
        self.assertGreater(stats["traps"]["syscall"], 100)

    @unittest.skipUnless(LONG, "boots of one and four processors are among the long tests")
    def test_on_other_numbers_of_processors(self):
        for vcpus in (1, 4):
            self.assertIn(f"init: {vcpus} processors", self.boot(f"--vcpus={vcpus}").out)


if __name__ == "__main__":
    unittest.main()
