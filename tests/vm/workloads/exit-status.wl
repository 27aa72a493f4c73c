# A process's status is that of its first thread, however late the others end.
repeat 40 {
  fork {
    thread { spin 3 }
    thread { spin 1 }
    exit 25
  }
  wait status 25
}
