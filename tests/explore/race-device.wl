# A page goes while the accelerator asks for it, and its frame is used again at once.
region gone 1
region kept 1 after gone      # so that no page table goes
region fresh 1 after kept
map gone rw
map kept rw
write gone 1
write kept 2
device fill gone 99
map gone rw                   # in place of what was there
map fresh rw
write fresh 5
check fresh 5
device wait
check fresh 5
check kept 2
