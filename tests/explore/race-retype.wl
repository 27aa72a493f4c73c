# A page becomes a page table while a thread still has a translation by which it may write to it.
region data 1
map data rw
write data 0
thread {
  repeat 4 {
    expect try_write(data[0], 0x800007) == 1
    expect try_write(data[0], 0) == 1
  }
}
retype data
retype data
join
