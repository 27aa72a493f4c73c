# One whole page table is filled ahead: 512 entries in one lazy section.
#
# The kernel sets the phase "populate" around exactly that section; the table is allocated and
# linked before. Checks: all 512 pages are present, zero, and can be written without a trap more.

region table 512

map table rw
expect !present(table[0])
populate table phase "populate"
for i in 0..512 {
  expect present(table[i])
}
check table 0
write table page
check table page
unmap table
fault read table[511]
print "populate-512: done"
