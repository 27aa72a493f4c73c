# The first process ends while others run, sleep and wait.

region data 64

map data rw
write data 1
repeat 3 {
  fork {
    fork {
      while 1 {
        yield
      }
    }
    thread {
      sleep 1000000
    }
    swap_out data
    wait
  }
}
fork {
  while 1 {
    write data 2
    swap_out data
    yield
  }
}
repeat 8 {
  yield
}
