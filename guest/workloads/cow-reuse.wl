# Faults that only relax an entry: private pages whose other user has gone, and pages it still has.
#
# The child of "copy" keeps its side of the pages until the parent has written to all of them, so
# that each write copies; the one of "reuse" has gone by then, so that each write finds a page of
# its own, whose entry is given the write right and the Dirty bit. Checks: both sides keep their
# values, and the entries say what they should.

region data 256
region go 1
region done 1

map data rw
map go rw shared
map done rw shared
write go 0
write done 0
write data page

fork {
  while go[0] == 0 {
    relax
  }
  check data page
  write done 1
}
expect !writable(data[0]) && present(data[0])
phase "copy" {
  write data page + 1
}
expect writable(data[0]) && dirty(data[0])
write go 1
wait
check done 1
check data page + 1

fork {
  check data page + 1
}
wait
expect !writable(data[255])
phase "reuse" {
  write data page + 2
}
expect writable(data[255]) && dirty(data[255]) && accessed(data[255])
check data page + 2
print "cow-reuse: done"
