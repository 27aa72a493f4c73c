# Mappings move: entry by entry, and by whole tables where both places allow it.
#
# Checks: values, protection, Dirty bits and what is swapped out move along; the old place faults;
# what was at the new place is gone; a thing that cannot be moved is an error and stays.

region data 512
region wide 1100
region away 1700
region small 8
region other 8

phase "prepare" {
  map data rw
  populate data
}
phase "entries" {
  move data to away[1]
}
fault read data[0]
clear_refs away[1..513]
write away[1..513] page
expect dirty(away[1]) && dirty(away[512])
clear_refs away[1..513]
write away[10] 10
move away[1..513] to data
expect dirty(data[9]) && !dirty(data[10])
check data page + 1
fault read away[1]
fault read away[512]

phase "prepare" {
  map wide rw
  populate wide
  write wide page + 5
  swap_out wide[100..200]
  protect wide[1024..1100] r
}
# Two whole tables.
phase "tables" {
  move wide[0..1024] to away[512]
}
fault read wide[0..8]
check wide[1024..1100] page + 5
fault write wide[1024]
expect swapped(away[612 + 50])
check away[512..1536] page - 512 + 5
move wide[1024..1100] to away[1536]
fault write away[1536]
check away[1536..1612] page - 512 + 5
unmap away

# Over what is there, into one table, next to itself, by processes that share the pages.
map small rw
map other rw
write small page + 1
write other 77
swap_out other[4..8]
move small[0..4] to other[2]
check other[2..6] page - 1
check other[0..2] 77
check other[6..8] 77
fault read small[0..4]
move small[4..8] to small[0]
check small[0..4] page + 5
fault read small[4..8]
fork {
  check small[0..4] page + 5
  move small[0..2] to small[4]
  write small[4] 1
  check small[5] 6
  move small[2..4] to small[6]
  protect small[4..8] r
  fault write small[4..8]
}
check small[0..4] page + 5
wait
check small[0..4] page + 5

# Errors.
move small[0..4] to small[2] expect EINVAL
move small[0..8] to other expect EFAULT
move small[5] to other expect EFAULT
check small[0..4] page + 5
check other[0..2] 77
print "mremap: done"
