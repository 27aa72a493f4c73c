# An address space is pinned and unpinned while another processor changes its entries, under the
# locks of its tables alone.
region tables 2
thread {
  race_set tables
  race_set tables
}
race_pin tables
join
