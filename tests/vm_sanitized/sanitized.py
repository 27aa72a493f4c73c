"""Runs of a program that is built with the sanitizers: none of them may find anything."""

from harness import HANG_SECONDS, VmTest

# What the sanitizers say; their status is none of pvmmu's.
SANITIZER_STATUS = 99
SANITIZER_OPTIONS = f"exitcode={SANITIZER_STATUS}"
# Freed memory is held back up to this size.
QUARANTINE_MIB = 8


class SanitizedTest(VmTest):
    def environment(self, extra=None):
        return super().environment(
            {
                "ASAN_OPTIONS": f"{SANITIZER_OPTIONS}:quarantine_size_mb={QUARANTINE_MIB}",
                "LSAN_OPTIONS": SANITIZER_OPTIONS,
                "UBSAN_OPTIONS": f"{SANITIZER_OPTIONS}:print_stacktrace=1",
                **(extra or {}),
            }
        )

    def finish(self, process, arguments, hang_seconds=HANG_SECONDS):
        run = super().finish(process, arguments, hang_seconds)
        self.assertNotEqual(SANITIZER_STATUS, run.status, str(run))
        for words in ("Sanitizer", "runtime error"):
            self.assertNotIn(words, run.err, str(run))
        return run
