#include "mm/pv/lazy_section.h"

#include "options.h"

namespace kernel {

LazySectionOfTwo::LazySectionOfTwo(Mm& mm, Page& first, Page& second) : section_(mm, first) {
  // Taken after the first and before anything is queued. The order of the two does not matter: who
  // takes two locks of one address space holds its Mm lock, or nobody else uses it.
  if (&first != &second && options().split_ptl) {
    second_lock_.emplace(mm, second);
  }
}

}  // namespace kernel
