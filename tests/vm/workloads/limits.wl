# More than there is of everything: the errno or the signal that Linux would give, and the run goes
# on. For --memory=16.

region huge 1000000
region data 2000
region common 1

map common rw shared
map data rw
write data[0..16] page

phase "memory" {
  map huge rw
  populate huge expect ENOMEM
  unmap huge
  fork {
    map huge rw
    write huge 1
  }
  wait status 137
  fork {
    map huge r shared expect ENOMEM
    map huge[0..200000] r shared
    read huge[0..200000]
  }
  wait status 137
  fork {
    map huge rw
    # Half of memory, then the swap area's quarter of it, and no more than there is.
    write huge[0..1500] page
    swap_out huge[0..1500]
    check huge[0..1500] page
    write huge 2
  }
  wait status 137
  pin_test 16384 expect ENOMEM
  pin_test 20000 expect EINVAL
  check data[0..16] page
}

phase "areas" {
  for i in 0..1000 {
    protect data[i * 2] r
  }
  write data[1] 5
  fault write data[2]
  protect data rw
  write data page
}

phase "processes" {
  fork {
    map huge rw
    write huge[0..1400] 1
    repeat 3 {
      fork {
        write huge[0..1400] 2
      }
    }
    wait status 137
    wait status 137
    wait status 137
    check huge[0..1400] 1
    exit 9
  }
  wait status 9
}

phase "arguments" {
  move data[0..8] to data[4] expect EINVAL
  move huge[0..4] to data[0] expect EFAULT
  protect huge r expect ENOMEM
  dontneed huge[0..4] expect ENOMEM
  swap_out huge[0..4] expect ENOMEM
  writeback huge[0..4] expect ENOMEM
  populate huge[0..4] expect ENOMEM
  map huge[0..100] rw device expect EINVAL
  fork {
    crash write huge[7]
  }
  wait status 139
}
check data page
print "limits: done"
