# Many processes write to pages that they share copy-on-write.
#
# Checks: each process sees the values from before the fork until it writes, then its own; the
# parent's pages never change, whole pages are copied, and a sole owner may write on.

region data 256
region done 1

map data rw
map done rw shared
populate data
write data page * 7
fill data[0] 1000

phase "children write" {
  repeat 4 {
    fork {
      verify data[0] 1000
      check data[1..256] page * 7
      for i in 0..64 {
        var p = random(256)
        write data[p] pid
        check data[p] pid
      }
      add done 1
    }
  }
  repeat 4 {
    wait
  }
  check done 4
  verify data[0] 1000
  check data[1..256] page * 7
}

phase "parent writes" {
  fork {
    while done[0] != 5 {
      yield
    }
    verify data[0] 1000
    check data[1..256] page * 7
  }
  write data page
  check data page
  write done 5
  wait
  check data page
}

phase "sole owner" {
  write data page + 1
  check data page + 1
}

phase "chain" {
  fork {
    write data[0..128] 1
    fork {
      check data[0..128] 1
      check data[128..256] page + 1
      write data[64..192] 2
      check data[0..64] 1
      check data[64..192] 2
    }
    wait
    check data[0..128] 1
    check data[128..256] page + 1
  }
  wait
  check data page + 1
}
print "cow-storm: done"
