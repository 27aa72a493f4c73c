# The copy of an address space: both sides of every private page are write-protected.
#
# Memory of all kinds is copied: present, never touched, without access, swapped out, shared, of a
# file and of a device, in several tables. Checks: both sides see it as it was, and what one writes
# afterwards the other does not see, unless it is shared.

region data 1024
region common 8
region text 8
region device 4
region plain 512

map plain rw
populate plain
# The child runs, and ends, after the phase.
phase "copy" {
  fork {
    check plain 0
  }
}
wait
unmap plain

map data rw
map common rw shared
map text rw file
map device rw device
write data[0..512] page
protect data[256..512] r
protect data[256..320] none
swap_out data[128..256]
write common page
write text page
write device page

phase "kinds" {
  fork {
    expect !writable(data[5]) && present(data[5])
    expect swapped(data[200])
    check data[0..256] page
    check data[320..512] page
    check data[1000] 0
    fault read data[256]
    fault write data[400]
    write data[0..256] 9
    write data[600] 9
    check common page
    check text page
    check device page
    write common[1] 90
    write text[1] 91
    write device[1] 92
    swap_out data[0..64]
    check data[0..256] 9
  }
  expect !writable(data[5])
  wait
}
check data[0..256] page
check data[600] 0
check common[1] 90
check text[1] 91
check device[1] 92
write data[0..256] page + 1
check data[0..256] page + 1
check data[320..512] page
repeat 4 {
  fork {
    check data[0..256] page + 1
  }
}
repeat 4 {
  wait
}
write device 0
print "fork-copy: done"
