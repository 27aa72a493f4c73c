# Protection flips over a whole page table of populated pages, again and again.
#
# Checks: while read-only, values can be read and writes fault; without access, both fault; after
# the flip back, values are as they were and can be written; also for parts of the range.

region data 512
region small 24

map data rw
populate data
write data[0..16] page + 1
write data[496..512] page + 1

phase "storm" {
  for round in 0..16 {
    protect data r
    check data[0] 1
    check data[511] 512
    fault write data[round * 32]
    protect data rw
    write data[15] round
    check data[15] round
    write data[15] 16
  }
}

check data[0..16] page + 1
check data[496..512] page + 1

phase "none" {
  repeat 4 {
    protect data none
    fault read data[0]
    fault write data[511]
    protect data rw
    check data[511] 512
  }
}

# Neighbours with different protections, joined again.
phase "parts" {
  map small rw
  write small page
  repeat 4 {
    protect small[8..16] r
    protect small[12..14] none
    write small[0..8] page
    fault write small[8..16]
    fault read small[12..14]
    check small[14..16] page
    protect small rw
    check small page
    write small page
  }
}

# Pages that nobody touched yet keep the new protection when they appear.
protect data[100..200] r
dontneed data[100..200]
check data[150] 0
fault write data[150]
protect data rw
write data[150] 3
check data[150] 3
print "mprotect-storm: done"
