// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "numbers.hpp"
#include "pretext/backend/context.hpp"
#include "pretext/backend/simd/simd.hpp"

/// One thread, and the memory of a step that was planned by a run on null memory, as the trainer does it.
namespace composed {

using backend_type = pretext::backend::simd<>;
using context_type = pretext::context<backend_type, float>;

struct rig {
  backend_type backend{1};
  pretext::comm::null alone;
  pretext::step_inputs inputs{};
  pretext::workspace memory;

  context_type context() { return {&backend, &memory, &alone, &inputs}; }
  template <class Step>
  void plan(const Step& step) {
    memory = {};
    step(context());
    const std::size_t bytes = memory.peak();
    memory = pretext::workspace(numbers::make<std::byte>(static_cast<long>(bytes + 64)), bytes);
  }
};

}  // namespace composed
