# Processes come and go: one after the other, several at once, and children of children.
#
# Checks: each child sees its parent's memory as it was at the fork; what it writes stays its own,
# unless the page is shared; every exit code, also of a child that crashed, reaches the parent.

region private 64
region common 4
region empty 1

map private rw
map common rw shared
write private page + 100
write common 0

phase "one by one" {
  for round in 0..16 {
    fork {
      check private page + 100
      write private[0..32] round
      check private[0..32] round
      check private[32..64] page + 100
      add common[0] 1
      exit round
    }
    wait status round
  }
  check common[0] 16
  check private page + 100
}

phase "at once" {
  repeat 8 {
    fork {
      write private[pid % 64] 7
      yield
      check private[pid % 64] 7
      add common[1] 1
    }
  }
  repeat 8 {
    wait
  }
  check common[1] 8
}

phase "nested" {
  fork {
    write private[0] 1
    fork {
      check private[0] 1
      write private[0] 2
      fork {
        check private[0] 2
        add common[2] 1
        exit 3
      }
      wait status 3
      check private[0] 2
      exit 2
    }
    wait status 2
    check private[0] 1
    exit 1
  }
  wait status 1
  check private[0] 100
  check common[2] 1
}

phase "crash" {
  fork {
    crash read empty
  }
  wait status 139
  fork {
    protect private r
    crash write private[3]
  }
  wait status 139
  write private[3] 5
}

wait expect ECHILD
print "fork-exit: done"
