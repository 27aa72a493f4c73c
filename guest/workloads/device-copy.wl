# The accelerator copies, fills, compares and exchanges, and adds up, in memory of every kind.
#
# The device finds pages by translations of its own, which the kernel gives it one by one. Checks:
# what it writes is what processes read, and the other way round; it may do what the process may,
# and a command that may not ends with an error, after which everything goes on.

region a 16
region b 16
region common 8
region paper 8
region big 640
region hole 4
var sum = 8192 * 8191 / 2

phase "fill and copy" {
  map a rw
  map b rw
  device fill a 7                   # pages that nobody has touched
  device wait
  verify a 7 + page * 512
  device copy a to b
  device wait
  verify b 7 + page * 512
  device checksum b
  device wait
  expect device_result == 7 * 8192 + sum
}

phase "what the process writes" {
  fill a 100 + page * 512
  device copy a[0..8] to b[8]
  device copy a[8..16] to b[0]
  device wait
  verify b[0..8] 100 + (page + 8) * 512
  verify b[8..16] 100 + (page - 8) * 512
}

phase "compare and exchange" {
  write b[3] 1000
  device cas b[3] 1000 2000
  device wait
  expect device_result == 1000
  check b[3] 2000
  device cas b[3] 1000 3000         # it is 2000
  device wait
  expect device_result == 2000
  check b[3] 2000
}

phase "shared memory" {
  map common rw shared
  map paper rw file
  fork {
    device fill common 5
    device wait                     # two commands are done in no order
    device copy common to paper
    device wait
    verify paper 5 + page * 512
  }
  wait
  verify common 5 + page * 512
  verify paper 5 + page * 512
  for i in 0..8 {
    expect page_dirty(paper[i])
  }
  writeback paper
  device checksum paper
  device wait
  expect page_dirty(paper[0]) == 0   # the device has read it
  device fill paper[0] 1
  device wait
  expect page_dirty(paper[0]) && dirty(paper[0])
  expect page_dirty(paper[1]) == 0
}

phase "copy on write" {
  device fill a 1
  device wait
  fork {
    verify a 1 + page * 512
    device fill a[0..8] 9
    device wait
    verify a[0..8] 9 + page * 512
    verify a[8..16] 1 + page * 512
  }
  wait
  verify a 1 + page * 512
  device fill a 3
  device wait
  verify a 3 + page * 512
}

phase "copy on write by the process" {
  write common 0
  fork {
    while common[0] == 0 {
      relax
    }
    verify a 3 + page * 512
  }
  device checksum a                 # the device has all pages, for reading
  device wait
  for i in 0..16 {
    write a[i] 70 + i               # a copy each
    device copy a[i] to b[i]
    device wait
    check b[i] 70 + i               # of what is there now
  }
  write common 1
  wait
  device fill a 3
  device wait
}

phase "age and swap" {
  clear_refs a
  expect dirty(a[0]) == 0
  device fill a[0..4] 2
  device wait
  expect dirty(a[0]) && dirty(a[3])
  expect dirty(a[4]) == 0
  var used = young(a)
  expect used <= 16
  device copy a[4..8] to b
  device wait
  used = young(a)
  expect used >= 4                  # the device used them; a processor may have looked at others
  swap_out a
  expect swapped(a[0])
  device copy a to b                # brings them back
  device wait
  verify b[0..4] 2 + page * 512
  verify b[4..16] 3 + page * 512
}

phase "a large copy" {
  map big rw
  device fill big[0..48] 1
  device wait
  device copy big[0..48] to big[500]     # of another page table
  device wait
  verify big[500..548] 1 + (page - 500) * 512
}

phase "errors" {
  device copy a[0..4] to a[2] expect EINVAL
  device fill big 1 expect E2BIG
  device fill hole 1
  device wait expect EFAULT         # nothing is mapped there
  device checksum hole
  device wait expect EFAULT
  map hole r
  device checksum hole
  device wait
  expect device_result == 0
  device fill hole 1
  device wait expect EFAULT
  protect hole none
  device copy hole to b[0]
  device wait expect EFAULT
  protect hole rw
  device fill hole[0..2] 1
  device wait
  unmap hole[2..4]
  device fill hole 2                # the first half exists
  expect device_error == 14
  verify hole[0..2] 2 + page * 512
  for i in 0..32 {
    device fill a[0] i
  }
  device fill a[0] 32 expect EAGAIN # 32 at a time
  device wait
  expect device_error == 0
}

phase "exit with work under way" {
  for i in 0..4 {
    fork {
      for j in 0..4 {
        device fill big[0..48] j    # not more: what ended may still be on its way down
      }
      exit i
    }
    wait status i
  }
  fork {
    device copy big[0..48] to big[500]
    exec {
      map a rw
      device fill a 1
      device wait
      verify a 1 + page * 512
    }
  }
  wait
  verify big[500..548] 1 + (page - 500) * 512
}
print "device-copy done"
