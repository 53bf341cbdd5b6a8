// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <pretext/recipe/gpt2.hpp>

namespace gpt {

/// What 03_gpt trains: nanoGPT's setting for a CPU.
struct small : pretext::recipe::gpt2 {};

}  // namespace gpt
