"""What each way of touching entries costs: the numbers in the documentation are what a command prints."""

import unittest

from documented import DocumentedTest, printed_by
from harness import needs_host_kvm


@needs_host_kvm
class CallSites(DocumentedTest):
    def test_the_numbers_in_the_documentation(self):
        self.assert_documented(printed_by("call-sites", "--kvm=host").splitlines(), "call-sites.md")

    def test_other_arguments_are_refused(self):
        self.assert_refuses("call-sites", "--mode=lazy")


if __name__ == "__main__":
    unittest.main()
