// console_io and the console ring.
#include "fake_services.h"

namespace vmm {
namespace {

constexpr uint64_t kText = FakeAccess::kGuestBase;

class ConsoleTest : public HypercallTest {
 protected:
  int64_t console_write(uint64_t count, uint64_t address) {
    return call(__HYPERVISOR_console_io, CONSOLEIO_write, count, address);
  }
  xencons_interface& ring() {
    return *reinterpret_cast<xencons_interface*>(
        frames.get_writable(pvmmu::Mfn(kRingFrame), kVcpu0, ""));
  }
  void put_in_ring(std::string_view text) {
    for (const char character : text) {
      ring().out[MASK_XENCONS_IDX(ring().out_prod, ring().out)] = character;
      ++ring().out_prod;
    }
  }
};

TEST_F(ConsoleTest, Write) {
  access.put(std::array{'h', 'e', 'l', 'l', 'o'}, kText);
  EXPECT_EQ(console_write(5, kText), 0);
  EXPECT_EQ(console.text, "hello");
  EXPECT_EQ(console_write(0, 0), 0);
  EXPECT_EQ(call(__HYPERVISOR_console_io, CONSOLEIO_read, 10, kText), 0);
}

TEST_F(ConsoleTest, WildWrites) {
  EXPECT_EQ(console_write(5, 0), -XEN_EFAULT);
  EXPECT_EQ(console_write(2, FakeAccess::kEnd - 1), -XEN_EFAULT);
  EXPECT_EQ(console_write(0x7fffffff, kText), -XEN_EINVAL);
  EXPECT_EQ(console_write(0xffffffff, kText), -XEN_EINVAL);
  EXPECT_EQ(console_write(0xffff'ffff'0000'0001, kText), 0);  // the count has 32 bits
  EXPECT_EQ(console.text, std::string(1, '\0'));
}

TEST_F(ConsoleTest, RingIsDrainedOnSend) {
  put_in_ring("through the ring\n");
  EXPECT_EQ(send(hypercalls.console_port()), 0);
  EXPECT_EQ(console.text, "through the ring\n");
  EXPECT_EQ(ring().out_cons, ring().out_prod);
  EXPECT_TRUE(pending(hypercalls.console_port()));  // there is room again
}

TEST_F(ConsoleTest, RingIsDrainedOnYieldAndBlock) {
  put_in_ring("a");
  call(kSchedOp, SCHEDOP_yield);
  EXPECT_EQ(console.text, "a");
  put_in_ring("b");
  call(kSchedOp, SCHEDOP_block);
  EXPECT_EQ(console.text, "ab");
}

TEST_F(ConsoleTest, RingWrapsAround) {
  ring().out_cons = ring().out_prod = 0xfffffff0;
  const std::string text(2048, 'x');
  put_in_ring(text);
  hypercalls.drain_console();
  EXPECT_EQ(console.text, text);
}

TEST_F(ConsoleTest, SenselessIndicesAreIgnored) {
  ring().out_prod = 2049;
  hypercalls.drain_console();
  ring().out_prod = 0x80000000;
  hypercalls.drain_console();
  EXPECT_EQ(console.text, "");
}

TEST_F(ConsoleTest, ClosedPortIsSilent) {
  EXPECT_EQ(event_op(EVTCHNOP_close, access.put(evtchn_close_t{hypercalls.console_port()})), 0);
  put_in_ring("x");
  EXPECT_EQ(send(hypercalls.console_port()), -XEN_EINVAL);
  hypercalls.drain_console();
  EXPECT_EQ(console.text, "x");
  EXPECT_FALSE(pending(hypercalls.console_port()));
}

}  // namespace
}  // namespace vmm
