# A little of everything: mappings, faults, protections, forks, threads, ages, pins.
#
# Checks what each of the other workloads checks, in small, and much of it at the same time in
# several processes.

region data 256
region tables 1024
region common 8
region lock 1
region gone 1
region away 600
region text 32
region device 8

map common rw shared
write common 0

phase "memory" {
  map data rw
  check data[0..8] 0
  write data page
  check data page
  map tables rw
  populate tables
  write tables[0] 1
  write tables[1023] 2
}

phase "protect" {
  repeat 4 {
    protect tables r
    fault write tables[512]
    check tables[0] 1
    protect tables rw
    write tables[512] 3
    check tables[512] 3
  }
  protect data[64..128] none
  fault read data[100]
  fault write data[64]
  check data[128] 128
  protect data rw
  check data page
}

phase "age" {
  clear_refs data
  expect !dirty(data[10])
  write data[10] 10
  expect dirty(data[10]) && accessed(data[10])
  read data[20]
  expect accessed(data[20])
  expect young(data[0..64]) >= 2
  expect has_table(data[0]) && present(data[0])
}

phase "fork" {
  for child in 0..4 {
    fork {
      check data page
      write data[child * 32..child * 32 + 32] child
      check data[child * 32..child * 32 + 32] child
      check data[200..256] page
      protect data[0..128] r
      fault write data[child]
      protect data[0..128] rw
      add common[0] 1
      unmap tables[0..512]
      fault read tables[0]
      check tables[1023] 2
      exit child
    }
    wait status child
  }
  repeat 3 {
    fork {
      write data page + pid
      yield
      check data page + pid
      fork {
        check data page + data[0]
        add common[1] 1
      }
      wait
    }
  }
  repeat 3 {
    wait
  }
  check common[0] 4
  check common[1] 3
  check data page
  fork {
    crash write gone
  }
  wait status 139
}

phase "swap" {
  clear_refs data[0..64]
  swap_out data[0..128]
  expect swapped(data[0]) && !present(data[127])
  fork {
    check data page
    expect !writable(data[5])
    write data[0..32] 5
    swap_out data[0..64]
    check data[0..32] 5
    protect data[64..96] r
    check data[64..128] page
    add common[2] 1
  }
  check data page
  wait
  check common[2] 1
  write data page
}

phase "move" {
  move data[0..100] to away[3]
  fault read data[0]
  check away[3..103] page - 3
  move away[3..103] to data
  check data page
  move tables[0..512] to away
  check away[0] 1
  fault write tables[0]
  move away[0..512] to tables
  check tables[0] 1
}

phase "file" {
  map text rw file
  read text
  expect !writable(text[0])
  write text page + 1
  expect page_dirty(text[31]) && writable(text[31])
  fork {
    write text[3] 33
    writeback text
    expect !page_dirty(text[3]) && !writable(text[3])
  }
  wait
  expect !page_dirty(text[0]) && !writable(text[0])
  check text[3] 33
  unmap text
}

phase "device" {
  map device rw device
  write device page + 7
  fork {
    check device page + 7
    write device[1] 80
  }
  wait
  check device[1] 80
  unmap device
}

phase "exec" {
  fork {
    swap_out data
    exec {
      fault read data[0]
      map data[0..8] rw
      write data[0..8] page
      check data[0..8] page
      exit 7
    }
  }
  wait status 7
}

phase "threads" {
  map lock rw
  write lock 0
  for t in 0..4 {
    thread {
      for i in 0..16 {
        write data[t * 16 + i] t
        add lock 1
        if i % 4 == 0 {
          yield
        }
      }
      check data[t * 16..t * 16 + 16] t
    }
  }
  repeat 4 {
    protect data[128..256] r
    check data[128..256] page
    protect data[128..256] rw
    yield
  }
  join
  check lock 64
  for t in 0..4 {
    check data[t * 16..t * 16 + 16] t
  }
}

phase "random" {
  map data rw
  repeat 24 {
    var first = random(200)
    var last = first + 1 + random(40)
    if random(3) == 0 {
      dontneed data[first..last]
      check data[first..last] 0
    } else if random(2) == 0 {
      protect data[first..last] r
      fault write data[first]
      protect data[first..last] rw
    }
    write data[first..last] page
    check data[first..last] page
  }
}

pin_test 8

phase "teardown" {
  unmap data
  fault read data[0]
  unmap tables
  fault write tables[1023]
}
wait expect ECHILD
print "everything: done"
