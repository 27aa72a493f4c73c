# Processes end while the processor that they ran on still has their address space loaded.
region data 2
map data rw
write data page
repeat 2 {
  fork {
    write data[0] 3
    check data[0] 3
  }
  fork {
    check data[1] 1
  }
  wait
  wait
}
check data page
