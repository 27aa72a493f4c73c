# A page is taken away from a thread that writes to it, and its frame is used again at once.
region gone 1
region kept 1 after gone      # so that no page table goes, which would flush everything
region fresh 1 after kept
map gone rw
map kept rw
write gone 1
write kept 2
thread {
  repeat 4 {
    expect try_write(gone[0], 99) < 2
  }
}
unmap gone
map fresh rw
write fresh 5
check fresh 5
join
check fresh 5
check kept 2
