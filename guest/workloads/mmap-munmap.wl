# Mappings are made, filled, cut and dropped, in order and at random.
#
# Checks: fresh pages are zero also after a page was used before; holes fault and their neighbours
# keep their values; a mapping over another replaces it; more than one table is dropped at once.

region data 128
region next 64 after data
region wide 1200

phase "whole" {
  for round in 0..12 {
    map data rw
    check data[0..32] 0
    write data[0..32] round + page
    check data[0..32] round + page
    unmap data
    fault read data[0]
    fault write data[31]
  }
}

phase "holes" {
  map data rw
  map next rw
  populate data
  write data page
  write next page
  unmap data[32..64]
  fault read data[32..64]
  check data[0..32] page
  check data[64..128] page
  unmap next[0..8]
  fault write next[0]
  check next[8..64] page
  map data[32..64] rw
  check data[32..64] 0
  unmap data
  unmap next[8..64]
}

phase "replace" {
  map data rw
  write data[0..16] 5
  map data[4..8] r
  check data[4..8] 0
  fault write data[4]
  check data[0..4] 5
  check data[8..16] 5
  dontneed data[8..16]
  check data[8..16] 0
  unmap data
}

phase "many tables" {
  map wide rw
  populate wide
  for i in 0..12 {
    write wide[i * 100] i + 1
  }
  for i in 0..12 {
    check wide[i * 100] i + 1
  }
  unmap wide[300..900]
  fault read wide[600]
  check wide[200] 3
  check wide[900] 10
  unmap wide[0..300]
  unmap wide[900..1200]
  fault read wide[0]
}

phase "random" {
  repeat 40 {
    var first = random(100)
    var last = first + 1 + random(28)
    map data[first..last] rw
    check data[first..last] 0
    write data[first..last] page + 9
    check data[first..last] page + 9
    unmap data[first..last]
    fault read data[first]
  }
}
print "mmap-munmap: done"
