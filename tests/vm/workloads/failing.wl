# A check that fails: the guest must say where, and report failure.

region data 1

map data rw
write data 41
check data 42
