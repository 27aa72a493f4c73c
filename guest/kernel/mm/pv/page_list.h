// A list of pages through their descriptors: for pages that one owner has to itself.
#pragma once

#include "mm/page.h"

namespace kernel {

class PageList {
 public:
  bool empty() const { return first_ == nullptr; }

  void push(Page& page) {
    page.link = first_;
    first_ = &page;
  }

  Page* pop() {
    Page* page = first_;
    if (page != nullptr) {
      first_ = page->link;
      page->link = nullptr;
    }
    return page;
  }

  template <typename Visit>
  void for_each(Visit visit) const {
    for (Page* page = first_; page != nullptr; page = page->link) {
      visit(*page);
    }
  }

 private:
  Page* first_ = nullptr;
};

}  // namespace kernel
