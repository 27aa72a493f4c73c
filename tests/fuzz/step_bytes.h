// Sequences as a fuzzer's bytes.
//
// Every string of bytes is a scenario, frames and usual flags take one byte each, and a change of
// one byte changes one thing. encode() is the converse for sequences that people wrote.
//
//   input   := head [limit] step*     head: bits 0-1 vCPUs - 1, bit 2 a low limit of counts follows
//   step    := kind options [count of requests, requests] | operands, then optional fields
// Operands are values (a frame and flags), linear addresses (page and offset), places (frame, slot)
// or frame numbers; each has an escape to 8 raw bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <span>
#include <vector>

#include "step.h"

namespace pvmmu::model {

// Longer inputs are cut off.
inline constexpr size_t kMostSteps = 64;

Scenario decode(std::span<const uint8_t> bytes);

// What decode() cannot express (more than 15 requests in a step, say) is lost.
std::vector<uint8_t> encode(const Scenario& scenario);

}  // namespace pvmmu::model
