# The age of pages, and pages that leave for the swap area and come back.
#
# Checks: Accessed and Dirty are cleared and set again; a page that was swapped out comes back with
# its contents by a read, a write, or ahead; a fork makes the entries of both sides read-only;
# swapped pages can be protected, dropped, moved, and left behind at exit.

region data 256
region other 256

map data rw
write data page * 3

phase "clear_refs" {
  clear_refs data
}
expect !dirty(data[16])
read data[0..16]
write data[16..32] page * 3
expect accessed(data[0]) && dirty(data[16]) && !dirty(data[0])
clear_refs data
read data
phase "young" {
  expect young(data) == 256
}
expect !dirty(data[16])

phase "swap out" {
  swap_out data
}
expect swapped(data[0]) && !present(data[0]) && swapped(data[255])
phase "swap in" {
  check data page * 3
}
expect present(data[0]) && writable(data[0])
swap_out data
phase "swap in by writes" {
  write data[0..128] page
}
check data[0..128] page
check data[128..256] page * 3
swap_out data
populate data
expect present(data[200]) && !swapped(data[200])
check data[128..256] page * 3
write data page * 3

# Both sides have the slots, and read-only entries.
swap_out data
phase "fork" {
  fork {
    expect swapped(data[7])
    check data page * 3
    expect !writable(data[7])
    write data[0..128] 7
    check data[0..128] 7
    expect writable(data[7])
    swap_out data
    check data[0..128] 7
    check data[128..256] page * 3
    swap_out data[0..200]
  }
}
wait
check data page * 3
expect !writable(data[200])
write data page * 3
expect writable(data[200])

# Swapped pages are changed in other ways.
swap_out data
protect data[0..64] none
fault read data[0..64]
protect data[0..64] r
check data[0..64] page * 3
fault write data[0..64]
protect data[0..64] rw
dontneed data[64..128]
check data[64..128] 0
move data[128..192] to other[10]
check other[10..74] (page - 10 + 128) * 3
unmap data[192..256]
fault read data[200]
swap_out other[10..74]
fork {
  swap_out data[0..64]
  check other[12] 390
}
wait
check other[12] 390
swap_out data[0..64]
print "age-swap: done"
