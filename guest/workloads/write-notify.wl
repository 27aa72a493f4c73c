# A file's memory: clean pages are read-only, the first write faults and makes the page dirty,
# writing back makes it clean again.
#
# Checks: the page is dirty after a first write by anybody, and stays so when its mapping goes;
# writing back takes the write right from every process that maps it; protection does not give it
# to a clean page.

region text 256
region log 16
region step 2

map step rw shared
write step 0
map text rw file

phase "read" {
  read text
}
expect !writable(text[0]) && !page_dirty(text[0])
phase "first write" {
  write text page + 1
}
expect writable(text[9]) && dirty(text[9]) && page_dirty(text[9])
phase "second write" {
  write text page + 2
}
phase "writeback" {
  writeback text
}
expect !writable(text[9]) && !dirty(text[9]) && !page_dirty(text[9])
check text page + 2
expect !writable(text[9])
phase "write again" {
  write text[0..128] page + 3
}
expect page_dirty(text[127]) && !page_dirty(text[128])

# A clean page does not become writable by mprotect, a dirty one does.
protect text r
fault write text[0]
fault write text[200]
protect text rw
expect writable(text[0]) && !writable(text[200])
write text[200] 5
expect page_dirty(text[200])

# Of two processes, the second one's write is seen by the first one's writeback, and the other way.
fork {
  write text[3] 30
  write step[0] 1
  while step[1] != 1 {
    relax
  }
  expect !writable(text[3]) && !page_dirty(text[3])
  write text[3] 31
  expect page_dirty(text[3])
  write step[0] 2
  while step[1] != 2 {
    relax
  }
  expect page_dirty(text[4])
  writeback text
}
while step[0] != 1 {
  relax
}
expect page_dirty(text[3])
writeback text
expect !page_dirty(text[3])
write step[1] 1
while step[0] != 2 {
  relax
}
check text[3] 31
expect page_dirty(text[3])
write text[4] 40
write step[1] 2
wait
expect !page_dirty(text[3]) && !page_dirty(text[4]) && !writable(text[4])
check text[4] 40

# What is ahead of its use is clean; what is dropped stays dirty; a part is written back alone.
map log rw file
populate log
expect present(log[0]) && !writable(log[0]) && !page_dirty(log[0])
write log page
dontneed log[0..8]
expect page_dirty(log[0])
writeback log[4..12]
expect page_dirty(log[3]) && !page_dirty(log[4]) && !page_dirty(log[11]) && page_dirty(log[12])
check log page
move log to text[0]
fault read log[0]
check text[0..16] page
expect page_dirty(text[12]) && !writable(text[11])
write text[11] 11
expect page_dirty(text[11])
writeback log expect ENOMEM
print "write-notify: done"
