# dirty-race with a wrong way to change an entry: read, change, plain update.
#
# What the processor sets between the read and the update is overwritten. This shows that dirty-race
# can fail. Checks: with two vCPUs or more at least one of 800 Dirty bits is lost (two to ten
# in a hundred are); with one the two threads take turns, and none need be.

region data 1
region go 1
region done 1

map data rw
map go rw
map done rw
var rounds = 800
if vcpus == 1 {
  rounds = 100
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

var lost = 0
for round in 1..rounds + 1 {
  clear_refs data
  write go round
  if vcpus == 1 && random(2) == 1 {
    yield
  }
  protect_naive data r
  protect_naive data rw
  while done[0] != round {
    protect_naive data r
    protect_naive data rw
    if vcpus == 1 {
      relax
    }
  }
  if !dirty(data[0]) {
    lost = lost + 1
  }
  check data round
}
join
print "dirty-race-naive: dirty bits lost:" lost
if vcpus > 1 {
  expect lost > 0
}
