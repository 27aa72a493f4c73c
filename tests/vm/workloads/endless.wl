# Runs until it is stopped, most of the time without a trap.

print "endless"
while 1 {
  spin 100000
}
