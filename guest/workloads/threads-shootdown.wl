# Threads on all processors use pages while one of them takes the pages away.
#
# Each round the others first load the translations, then the rights of one page, of some, or of all
# are taken, or the pages themselves, and after that nobody may get through. Checks: no thread
# reaches a page by a translation that should be gone, and each sees what was written last.

region data 64
region go 1
region ack 4

map data rw
map go rw
map ack rw
write go 0
write ack 0
write data 0
var rounds = 48
if vcpus == 1 {
  rounds = 12
}

for t in 0..3 {
  thread {
    for round in 1..rounds + 1 {
      var first = round % 60
      var end = first + 1
      if round % 4 == 1 {
        end = first + 4
      } else if round % 4 == 2 {
        first = 0
        end = 64
      }
      while go[0] != round * 2 - 1 {
        relax
      }
      check data round
      add data[t] 0
      write ack[t] round * 2 - 1
      while go[0] != round * 2 {
        relax
      }
      if round % 4 == 3 {
        check data[first..end] 0
      } else {
        fault write data[first..end]
        check data[first..end] round
      }
      write ack[t] round * 2
    }
  }
}

for round in 1..rounds + 1 {
  write data round
  write go round * 2 - 1
  for t in 0..3 {
    while ack[t] != round * 2 - 1 {
      relax
    }
  }
  if round % 4 == 1 {
    phase "range" {
      protect data[round % 60..round % 60 + 4] r
    }
  } else if round % 4 == 2 {
    phase "all" {
      protect data r
    }
  } else if round % 4 == 3 {
    phase "zap" {
      dontneed data[round % 60]
    }
  } else {
    phase "page" {
      protect data[round % 60] r
    }
  }
  write go round * 2
  for t in 0..3 {
    while ack[t] != round * 2 {
      relax
    }
  }
  protect data rw
}
join
print "threads-shootdown: done"
