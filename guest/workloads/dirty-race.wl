# One thread writes to a page while another changes the page's protection, in 1,000 rounds.
#
# Each round the page starts clean, and its protection flips until the write got through. The entry
# is changed by a read, a change and a commit that must keep the Accessed and Dirty bits which the
# processor sets in between. Checks: after the write the page is dirty, every time, and holds the
# value. With one vCPU the two take turns, and 500 rounds are enough.

region data 1
region go 1
region done 1

map data rw
map go rw
map done rw
var rounds = 1000
if vcpus == 1 {
  rounds = 500
}
write data 0
write go 0
write done 0

thread {
  for round in 1..rounds + 1 {
    while go[0] != round {
      relax
    }
    if vcpus > 1 {
      spin random(2000)
    }
    while !try_write(data[0], round) {
      relax
    }
    write done round
  }
}

for round in 1..rounds + 1 {
  clear_refs data
  write go round
  if vcpus == 1 && random(2) == 1 {
    yield
  }
  protect data r
  protect data rw
  while done[0] != round {
    protect data r
    protect data rw
    if vcpus == 1 {
      relax
    }
  }
  expect dirty(data[0])
  check data round
}
join
print "dirty-race: no dirty bit lost"
