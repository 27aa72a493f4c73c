# A change of protection over entries of every kind, in three tables.
#
# Present, never touched, swapped out, without access, shared copy-on-write, and of a file. Checks:
# each kind keeps its contents; what was never touched gets the new rights when it appears; what
# would be written wrongly stays read-only until its first write.

region data 1200
region text 64
region plain 512

map plain rw
populate plain
phase "present" {
  protect plain r
}
protect plain rw
swap_out plain
phase "swapped" {
  protect plain r
}
phase "blocked" {
  protect plain none
}
fault read plain[0..4]
unmap plain

map data rw
write data[0..128] page
write data[128..256] page
write data[500..530] page
write data[1100..1200] page
swap_out data[128..256]

phase "kinds" {
  protect data r
}
fault write data[0..4]
fault write data[200]
fault write data[300]
check data[0..256] page
check data[500..530] page
check data[300] 0
swap_out data[0..256]
expect swapped(data[10])
protect data none
fault read data[0..16]
fault read data[1199]
fault write data[600]
protect data rw
check data[0..256] page
check data[1100..1200] page
# They were read-only when they were swapped out, and are so after.
expect !writable(data[10])
write data[10] 10
expect writable(data[10])
write data[600] 1
check data[600] 1

# What a child shares stays read-only until somebody writes.
fork {
  protect data r
  protect data rw
  expect !writable(data[5]) && !writable(data[1150])
  write data[5] 50
  check data[5] 50
  protect data[0..600] none
  fault read data[5]
}
protect data[0..300] r
protect data rw
wait
check data[0..256] page

# Dirty accounting.
map text rw file
write text[0..32] page
read text[32..64]
protect text r
protect text none
protect text rw
expect writable(text[0]) && !writable(text[40])
writeback text
protect text r
protect text rw
expect !writable(text[0])
write text[0] 1
expect page_dirty(text[0]) && !page_dirty(text[1])

# Up to the hole it is done.
unmap data[700..710]
protect data[650..800] r expect ENOMEM
fault write data[650]
write data[790] 1
print "mprotect-kinds: done"
