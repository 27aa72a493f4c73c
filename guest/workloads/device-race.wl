# The accelerator works on memory that is forked, protected, unmapped, moved and swapped meanwhile.
#
# A thread keeps the device busy, the main thread takes pages away under it. Checks: what was taken
# away the device does not change any more, wherever the page is by then; what the device has done
# is there, whatever became of its page in between; a child's memory is its own.

region work 16
region mine 16
region moved 16
region other 16
region paper 8
region word 2
region go 1
region done 1

map go rw
map done rw
map word rw
var rounds = 12
if vcpus == 1 {
  rounds = 6
}
print "rounds" rounds

# --- fork ---

phase "fork" {
  map work rw
  write go 1
  write done 0
  thread {
    var n = 0
    while go[0] == 1 {
      n = n + 1
      device fill work n * 65536
      device wait
      verify work n * 65536 + page * 512   # no write of the device was lost to a copy
      relax
    }
    write done 1
  }
  repeat rounds {
    fork {
      for i in 0..16 {
        var seen = work[i]
        relax
        relax
        expect work[i] == seen            # the device works for the parent alone
      }
      if random(2) == 0 {
        write work page
        check work page
      }
    }
    relax
    wait
  }
  write go 0
  while done[0] == 0 {
    relax
  }
  join
}

# --- mprotect ---

phase "mprotect" {
  write go 1
  thread {
    var n = 0
    while go[0] == 1 {
      n = n + 1
      device fill work n * 65536
      var error = device_error
      expect error == 0 || error == 14
      relax
    }
  }
  repeat rounds {
    protect work r
    for i in 0..16 {
      var seen = work[i]
      relax
      expect work[i] == seen
    }
    protect work[0..8] none
    relax
    protect work rw
    relax
    relax
  }
  write go 0
  join
}

# --- munmap, madvise and mmap: freed frames become somebody else's ---

phase "munmap" {
  write go 1
  map mine rw
  thread {
    var n = 0
    while go[0] == 1 {
      n = n + 1
      device fill work n * 65536
      var error = device_error
      expect error == 0 || error == 14
      relax
    }
  }
  for round in 0..rounds {
    unmap work
    map mine rw
    fill mine round + page * 512
    relax
    relax
    verify mine round + page * 512
    map work r
    check work 0
    relax
    check work 0
    protect work rw
    relax
    relax
    dontneed work
    relax
  }
  write go 0
  join
}

# --- mremap ---

phase "mremap" {
  map work rw
  write go 1
  thread {
    var n = 0
    while go[0] == 1 {
      n = n + 1
      device fill work n * 65536
      var error = device_error
      expect error == 0 || error == 14
      relax
    }
  }
  repeat rounds {
    move work to moved
    for i in 0..16 {
      var seen = moved[i]
      relax
      expect moved[i] == seen             # it is elsewhere now
    }
    move moved to work
    relax
    relax
  }
  write go 0
  join
}

# --- swap, ageing ---

phase "swap" {
  map work rw
  map other rw
  write go 1
  thread {
    var n = 0
    while go[0] == 1 {
      n = n + 1
      device fill work n * 65536
      device wait
      device copy work to other
      device wait
      verify other n * 65536 + page * 512  # nothing is lost on the way out and in
      relax
    }
  }
  repeat rounds {
    swap_out work
    relax
    swap_out other[4..12]
    var count = young(work)
    expect count <= 16
    clear_refs other
    relax
  }
  write go 0
  join
}

# --- writeback ---

phase "writeback" {
  map paper rw file
  write go 1
  thread {
    var n = 0
    while go[0] == 1 {
      n = n + 1
      device fill paper n * 65536
      device wait
      verify paper n * 65536 + page * 512
      relax
    }
  }
  repeat rounds {
    for i in 0..8 {
      writeback paper[i]
      var clean = page_dirty(paper[i]) == 0
      var seen = paper[i]
      relax
      if clean && paper[i] != seen {
        expect page_dirty(paper[i])        # what was written meanwhile has to be written back
      }
    }
    relax
  }
  write go 0
  join
  writeback paper
  expect page_dirty(paper[0]) == 0
  device fill paper 5
  device wait
  for i in 0..8 {
    expect page_dirty(paper[i])
  }
}

# --- one word, by the device and by processors ---

phase "compare and exchange" {
  write word 0
  thread {
    repeat 20 {
      add word[0] 1
      relax
    }
  }
  var added = 0
  while added < 20 {
    var seen = word[0]
    device cas word[0] seen seen + 1
    device wait
    if device_result == seen {
      added = added + 1
    }
    relax
  }
  join
  check word[0] 40
}

# --- exit and exec with work under way ---

phase "exit" {
  map work rw
  repeat rounds {
    fork {
      thread {
        device fill work 1
        var error = device_error
        expect error == 0 || error == 14
      }
      device fill work 2
      device copy work to other
      exit 7
    }
    wait status 7
    fork {
      device fill work 2
      device copy work to other
      exec {
        map work rw
        device fill work 3
        device wait
        verify work 3 + page * 512
      }
    }
    wait
    fork {
      device fill work 2
      relax
      unmap work
      crash read work[0]
    }
    wait status 139
  }
}
print "device-race done"
