# A device's frames in the address spaces of several processes.
#
# The frames belong to a driver, not to the allocator: entries for them are inserted by faults,
# copied at fork, protected and moved like others, but nobody counts or frees what they name.
# Checks: everybody sees the same memory, and it is still there when all mappings were dropped.

region device 64
region again 16
region other 64
region done 1

map device rw device
map done rw shared
write done 0

phase "insert" {
  read device
}
write device page + 1
fork {
  check device page + 1
  write device[0] 100
  protect device r
  fault write device[1]
  check device[1] 2
  unmap device[32..64]
  fault read device[40]
  add done 1
}
wait
check done 1
check device[0] 100
check device[40] 41

map again rw device
check again[0] 100
check again[15] 16
write again[3] 33
check device[3] 33
move device to other
fault read device[0]
check other[3] 33
check other[63] 64
dontneed other
check other[3] 33
swap_out other
expect !swapped(other[3])
read other
phase "drop" {
  unmap other
}
check again[3] 33
unmap again
map device r device
check device[63] 64
fault write device[63]
print "device-frame: done"
