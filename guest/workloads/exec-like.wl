# A process replaces its address space by a fresh one with the program, as exec does.
#
# Checks: nothing that was mapped is left, also nothing swapped out or shared; the exit code of what
# ran last is the process's; other threads end; a failed child reaches its parent; the first process
# can do it too.

region data 64
region common 1

map common rw shared
write common 0
map data rw
write data page

phase "exec" {
  repeat 4 {
    fork {
      exec {
        fault read data[0]
      }
    }
    wait
  }
}

fork {
  write data[3] 5
  swap_out data[0..32]
  add common 1
  exec {
    fault read data[3]
    fault read common
    map data rw
    check data 0
    write data 6
    fork {
      check data 6
      exit 9
    }
    wait status 9
    exec {
      fault read data[0]
      exit 3
    }
  }
}
wait status 3
check common 1
check data page

# Other threads end with the address space that they ran in.
fork {
  thread {
    while 1 {
      add data[1] 1
      yield
    }
  }
  thread {
    wait expect ECHILD
    while 1 {
      sleep 5
    }
  }
  yield
  exec {
    fault read data[1]
    exit 4
  }
}
wait status 4

# A thread other than the first does it.
fork {
  thread {
    exec {
      exit 5
    }
  }
  while 1 {
    yield
  }
}
wait status 5

fork {
  exec {
    crash read data
  }
}
wait status 139
check data page

exec {
  fault read data[0]
  wait expect ECHILD
  map data rw
  write data page + 1
  check data page + 1
  print "exec-like: done"
}
