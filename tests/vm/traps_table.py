"""What mode best needs: the table in the documentation is what a command prints, and best keeps its promise."""

import unittest

from documented import DocumentedTest, printed_by

PAGE = "best-mode.md"
HALVED = ("mprotect-storm", "mmap-munmap", "mremap", "age-swap")


def table(*flags):
    """The table's lines, and its rows by column heads."""
    lines = printed_by("traps-table", *flags).splitlines()
    heads, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    return lines, [dict(zip(heads, row)) for row in rows]


class TrapsTable(DocumentedTest):
    @classmethod
    def setUpClass(cls):
        cls.lines, cls.rows = table()

    def test_the_table_in_the_documentation(self):
        self.assert_documented(self.lines, PAGE)

    def test_how_near_best_is_to_the_floor(self):
        lines, rows = table("--floor")
        self.assert_documented(lines, PAGE)
        for row in rows:
            self.assertGreaterEqual(float(row["best / floor"]), 1.0, row)
            self.assertGreater(int(row["system calls"]), 0, row)

    def test_half_of_what_batched_needs(self):
        for row in self.rows:
            if row["workload"].strip("`") in HALVED:
                self.assertLessEqual(float(row["best / batched"]), 0.5, row)

    def test_nothing_costs_more_than_in_batched(self):
        self.assertGreater(len(self.rows), 10)
        for row in self.rows:
            for column in ("off / batched", "best / batched", "all traps"):
                self.assertLessEqual(float(row[column]), 1.0, row)

    def test_other_arguments_are_refused(self):
        self.assert_refuses("traps-table", "--mode=lazy")


if __name__ == "__main__":
    unittest.main()
