// What the schedules work with: pages whose entries in the direct map are changed, and findings.
//
// Entries of the kernel's own half: they need no lock, so that a section may be interrupted,
// preempted, or slept in. A change takes the right to write away; it is in memory when the tables
// say so.
#pragma once

#include "frames.h"

namespace kernel::lazy_lab {

// Says so on the console, the first time.
void found(const char* what);
bool found_any();

class SparePage {
 public:
  SparePage();
  ~SparePage();  // the entry as it was, at once
  SparePage(const SparePage&) = delete;
  SparePage& operator=(const SparePage&) = delete;

  // Asks for the change, which waits in lazy mode.
  void change();
  bool is_changed() const;
  // A finding unless the change is in memory.
  void must_be_changed(const char* otherwise) const;

  // The page is nowhere; at once.
  void take_away();
  // Asks for the entry as it was.
  void give_back();
  // A store that faults if the page is not there.
  void touch();
  bool contains(uint64_t address) const;

 private:
  Page& page_;
};

}  // namespace kernel::lazy_lab
