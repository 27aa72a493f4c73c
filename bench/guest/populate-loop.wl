# One page table filled ahead and emptied again, over and over: what one set_pte costs when it is
# batched. The phase "populate" is exactly the filling.

region table 512

map table rw
repeat 100 {
  populate table phase "populate"
  dontneed table
}
