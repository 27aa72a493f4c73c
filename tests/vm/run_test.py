#!/usr/bin/env python3
"""Runs one test of one module: run_test.py MODULE TEST. Status 77 if it skipped itself."""

import importlib
import sys
import unittest

SKIPPED = 77


def find(module, name):
    """The test case that has a method of this name; there must be exactly one."""
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, unittest.TestCase)
        and name in vars(value)
    ]
    if len(classes) != 1:
        raise SystemExit(f"{module.__name__} has {len(classes)} tests named {name}")
    return classes[0](name)


def main():
    module = importlib.import_module(sys.argv[1])
    suite = unittest.TestSuite([find(module, sys.argv[2])])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    if result.skipped:
        print(result.skipped[0][1])
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
