# Every process forks without end: a fork must fail, and that ends the run.

region data 16

map data rw
while 1 {
  fork {
    write data pid
    while 1 {
      fork {
        sleep 100
      }
    }
  }
}
