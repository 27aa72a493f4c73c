# What the accelerator uses it gives back when it is asked to, pages and all.
#
# Under the protocol that recalls, a page that the device uses has a reference of the driver's.
# Checks: swap, copy-on-write and freed memory find no reference that should be gone, also when the
# device uses the pages while they are recalled; at the end the kernel counts its frames.

region work 64
region large 128
region go 1

map go rw
map work rw

phase "swap" {
  repeat 4 {
    device fill work 1
    device wait
    swap_out work
    for i in 0..64 {
      expect swapped(work[i])       # a page that somebody else refers to would stay
    }
    device checksum work
    device wait
  }
}

phase "copy on write" {
  repeat 4 {
    device fill work 2
    device wait
    fork {
      device checksum work
      device wait
      device fill work[0..32] 3
      device wait
      verify work[0..32] 3 + page * 512
      verify work[32..64] 2 + page * 512
    }
    wait
    device fill work 4
    device wait
    verify work 4 + page * 512
    protect work r
    protect work rw
    expect writable(work[0])        # nobody else has it
  }
}

phase "again and again" {
  repeat 4 {
    map large rw
    device fill large[0..64] 5
    device fill large[64..128] 6
    device wait
    verify large[0..64] 5 + page * 512
    dontneed large[0..30]
    check large[0..30] 0
    unmap large
  }
}

phase "recall under way" {
  map large rw
  write go 1
  thread {
    while go[0] == 1 {
      device copy large[0..64] to work
      device wait
      relax
    }
  }
  thread {
    while go[0] == 1 {
      device checksum work
      device wait
      relax
    }
  }
  repeat 6 {
    swap_out work
    relax
    protect large[0..64] r
    relax
    protect large[0..64] rw
    fork {
      device fill large[0..64] 9
      device wait
      verify large[0..64] 9 + page * 512
    }
    wait
    relax
  }
  write go 0
  join
  check work 0
}
print "device-recall done"
