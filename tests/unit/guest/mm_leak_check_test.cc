// What is left over when the last process has gone is found and named, each kind by itself.
#include <gtest/gtest.h>

#include <string>

#include "accelerator/driver.h"
#include "guest_abi/syscall.h"
#include "leak_check.h"
#include "mm/address_space.h"
#include "mm/shared_object.h"
#include "mm/swap_area.h"
#include "mm_fake_machine.h"
#include "process_table.h"
#include "task.h"

namespace kernel {
namespace {

unsigned tasks = 0;
Spinlock processes_lock;
AcceleratorUse device;

}  // namespace

// The parts of the kernel that the check asks, beside the mm.
unsigned tasks_in_use() {
  return tasks;
}
Spinlock& process_table_lock() {
  return processes_lock;
}
AcceleratorUse accelerator_use() {
  return device;
}

namespace test {
namespace {

class LeakCheckTest : public testing::Test {
 protected:
  LeakCheckTest() {
    FakeMachine::instance().start(Options{});
    // The pools' pages are no leaks; nor is what is in use before.
    mm_put(*mm_create());
    shared_object_put(*shared_object_create());
    tasks = 3;
  }
  static std::string said_by(const LeakCheck& check) {
    std::string& console = FakeMachine::instance().console();
    console.clear();
    check.report();
    return console;
  }
  std::string report(const LeakCheck& check) {
    EXPECT_FALSE(check.clean());
    return said_by(check);
  }
};

TEST_F(LeakCheckTest, NothingIsLeft) {
  Page* before = alloc_frame();
  const LeakCheck check;
  EXPECT_TRUE(check.clean());
  EXPECT_EQ(said_by(check), "");
  frame_put(*before);
}

TEST_F(LeakCheckTest, FramesAndLocks) {
  const LeakCheck check;
  Page* page = alloc_frame();
  EXPECT_EQ(report(check), "1 frames leaked\n");
  page->table_lock.lock();
  EXPECT_EQ(report(check), "1 frames leaked\n1 locks of tables leaked\n");
  page->table_lock.unlock();
  frame_put(*page);
  processes_lock.lock();
  EXPECT_EQ(report(check), "1 locks of the process table leaked\n");
  processes_lock.unlock();
  EXPECT_TRUE(check.clean());
}

TEST_F(LeakCheckTest, WhatProcessesHave) {
  const LeakCheck check;
  ++tasks;
  EXPECT_EQ(report(check), "1 threads leaked\n");
  --tasks;
  SharedObject* object = shared_object_create();
  EXPECT_EQ(report(check), "1 shared objects leaked\n");
  shared_object_put(*object);
  Page* page = alloc_frame();
  Page* slot = swap_write(*page);
  EXPECT_EQ(report(check), "2 frames leaked\n1 swap slots leaked\n");
  swap_put(*slot);
  frame_put(*page);
  Mm* mm = mm_create();
  EXPECT_EQ(report(check), "2 frames leaked\n1 address spaces leaked\n");
  sys_mmap(*mm, guest_abi::kArenaBase, 4096, guest_abi::kProtRead, guest_abi::kMapFixed);
  EXPECT_EQ(report(check), "2 frames leaked\n1 address spaces leaked\n1 areas leaked\n");
  mm_put(*mm);
  EXPECT_TRUE(check.clean());
}

}  // namespace
}  // namespace test
}  // namespace kernel
