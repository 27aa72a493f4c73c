// Sequences as text: one step a line, to be read, kept in a file, and run again.
//
//   scenario vcpus=2 limit=0x7fffffff
//   poke 17.3 0x12065                              # frame 17, slot 3
//   update v0 17.3/0=0x12067 18.0/2=0x0            # frame.slot/command=value
//   ext v1 pin_l2(0x11) invlpg_multi(0x40000000,0x4000c000)
//   va v0 0x40011000 0x11065 flags=0x2
//   emulate v0 0x40011018 cmpxchg.8 0x1265 comparand=0x0
//   set_base v1 17 18                              # kernel, user (0: none)
// Fields that differ from their defaults follow as name=value: array= done= dom= count= flags=
// race=frame.slot:bits, and the word `user`. `#` starts a comment.
#pragma once

#include <string>
#include <variant>

#include "step.h"

namespace pvmmu::model {

std::string text_of(const Step& step);
std::string text_of(const Scenario& scenario);

// The scenario, or what is wrong with the text ("line 3: ...").
std::variant<Scenario, std::string> scenario_from(const std::string& text);

}  // namespace pvmmu::model
