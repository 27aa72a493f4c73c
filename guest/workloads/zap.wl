# Entries taken out: by munmap, by madvise(DONTNEED), and by the end of a process.
#
# Checks: what was dropped reads as zero or faults, also where entries are empty, swapped out or
# without access; the neighbours keep their values.

region data 512
region mixed 600
region go 2

map go rw shared
write go 0

phase "prepare" {
  map data rw
  populate data
}
phase "dontneed" {
  dontneed data
}
check data[7] 0
populate data
phase "munmap" {
  unmap data
}
fault read data[0]

# The child's memory goes with its address space, which is unpinned first: no request for entries.
fork {
  map data rw
  populate data
  write data page
  write go[0] 1
  while go[1] == 0 {
    relax
  }
}
while go[0] == 0 {
  relax
}
phase "exit" {
  write go[1] 1
  wait
}

map mixed rw
write mixed page + 1
swap_out mixed[100..200]
protect mixed[200..300] none
dontneed mixed[300..400]
expect swapped(mixed[150])
dontneed mixed[50..350]
check mixed[100..200] 0
check mixed[300..400] 0
check mixed[0..50] page + 1
check mixed[400..600] page + 1
fault read mixed[250]
swap_out mixed[500..600]
unmap mixed[450..550]
fault read mixed[520]
check mixed[550..600] page + 1
unmap mixed
print "zap: done"
