#include "hypercalls/console_ring.h"

#include <array>

#include "hypercalls/shared_bits.h"

namespace vmm {
namespace {

constexpr uint32_t kOutSize = sizeof(xencons_interface::out);

}  // namespace

ConsoleRing::ConsoleRing(pvmmu::Mfn frame, FrameReferences& frames, Console& console)
    : frame_(frame),
      frames_(frames),
      console_(console),
      ring_(
          reinterpret_cast<xencons_interface*>(frames.get_writable(frame, VcpuId{0}, "console"))) {}

ConsoleRing::~ConsoleRing() {
  if (available()) frames_.put_writable(frame_);
}

bool ConsoleRing::drain() {
  if (!available()) return false;
  std::lock_guard lock(mutex_);
  const uint32_t consumer = load_shared(ring_->out_cons);
  const uint32_t producer = load_shared(ring_->out_prod);
  const uint32_t count = producer - consumer;
  if (count == 0 || count > kOutSize) return false;  // empty, or indices that mean nothing
  std::array<char, kOutSize> bytes;
  for (uint32_t index = 0; index < count; ++index) {
    bytes[index] = load_shared(ring_->out[MASK_XENCONS_IDX(consumer + index, ring_->out)]);
  }
  store_shared(ring_->out_cons, producer);
  console_.write({bytes.data(), count});
  return true;
}

}  // namespace vmm
