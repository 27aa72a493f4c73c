# The smallest workload: one page, written and read back, and a line on the console.
#
# Checks: a fresh page reads as zero; a value written comes back; an address that is not mapped
# faults.

region data 1

fault read data
map data rw
check data 0
write data 42
check data 42
unmap data
fault read data
print "hello from the guest"
