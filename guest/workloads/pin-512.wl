# An address space with 512 pte pages is pinned and unpinned.
#
# The kernel builds it, sets the phases "pin" and "unpin" around exactly these two steps, and frees
# it. Checks: the calls succeed, twice, and the process that asked is as it was.

region data 8

map data rw
write data page
pin_test 512 phases "pin" "unpin"
check data page
pin_test 3
check data page
write data page + 1
check data page + 1
print "pin-512: done"
