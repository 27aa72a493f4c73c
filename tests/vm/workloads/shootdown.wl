# A thread must not see a page any more that another one has given back, though its processor
# remembers the page: it reads it at the end of each round and traps no more until it is dropped.
# The frame goes to another region at once, so that a translation that was kept leads to the wrong
# value; the same for a right to write that was taken away.

region data 2
region filler 200
region go 1
region done 1
var rounds = 200
var several = vcpus > 1  # asked once: asking is a system call

map data rw
map filler rw
map go rw
map done rw
write go 0
write done 0
write data 1000

thread {
  for round in 1..rounds + 1 {
    write data[1] round
    read data[0]
    write done round
    while go[0] != round {
      if several {
        spin 1
      } else {
        relax
      }
    }
    check data[0] 1000 + round
    expect try_write(data[1], 1) == 0
    write done round + 1000
    while go[0] != round + 1000 {
      relax
    }
  }
}

for round in 1..rounds + 1 {
  while done[0] != round {
    relax
  }
  dontneed data[0]
  write filler[round - 1] 7
  write data[0] 1000 + round
  protect data[1] r
  write go round
  while done[0] != round + 1000 {
    relax
  }
  protect data[1] rw
  write go round + 1000
}
join
print "shootdown: done"
