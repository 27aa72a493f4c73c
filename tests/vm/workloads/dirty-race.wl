# One processor writes a page while another changes the page's protection: in every round the page
# must end up dirty, whoever came first. Needs two processors.
#
# The page stays writable throughout (rw, rwx, rw), so that no write faults; it is written once a
# round, so that a Dirty bit lost is not set again by the next write.

region data 1
region go 1
region done 1

map data rw
map go rw
map done rw
write data 0
write go 0
write done 0

thread {
  var mine = 1
  while mine <= 10000 {
    while go[0] < mine {
      relax
    }
    spin random(300)
    write data mine
    write done mine
    mine = mine + 1
  }
}

var lost = 0
for round in 1 .. 10001 {
  clear_refs data
  write go round
  spin random(300)
  protect data rwx
  protect data rw
  while done[0] < round {
    relax
  }
  if !dirty(data[0]) {
    lost = lost + 1
  }
}
join
print "rounds that lost a Dirty bit:" lost
