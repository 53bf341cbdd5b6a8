// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "augmentation.hpp"

namespace pretext::augment {

/// What a step works with where the threads of a block make one view together: the functions of `context`. What stands between
/// them is the same for all threads; what a loop wrote is seen by all threads after it.
/// laws    scratch that was planned too small, or sizes that do not fit, stop the launch (backend.111)
template <class Block>
class block_context {
 public:
  PRETEXT_HOST_DEVICE block_context(Block& block, float* scratch, index_t floats) : block_(&block), scratch_(scratch), left_(floats) {}

  PRETEXT_EITHER_SIDE template <class F>
  PRETEXT_HOST_DEVICE void for_each(index_t count, const F& f) {
    block_->each([&](int t, auto&, auto&) {
      for (index_t i = t; i < count; i += Block::threads) f(i);
    });
  }
  /// Places are walked without a division for each.
  PRETEXT_EITHER_SIDE template <class F>
  PRETEXT_HOST_DEVICE void for_each(index_t rows, index_t columns, const F& f) {
    block_->each([&](int t, auto&, auto&) {
      if (columns <= 0) return;
      const auto width = static_cast<std::uint64_t>(columns);
      const bool wide = width > 0xFFFFFFFFu;
      const auto narrow = static_cast<std::uint32_t>(width);
      const auto step = static_cast<std::uint32_t>(Block::threads), at = static_cast<std::uint32_t>(t);
      const index_t down = wide ? 0 : static_cast<index_t>(step / narrow), across = wide ? step : static_cast<index_t>(step % narrow);
      index_t row = wide ? 0 : static_cast<index_t>(at / narrow), column = wide ? at : static_cast<index_t>(at % narrow);
      while (row < rows) {
        f(row, column);
        row += down;
        column += across;
        if (column >= columns) {
          column -= columns;
          ++row;
        }
      }
    });
  }
  PRETEXT_EITHER_SIDE template <class F>
  PRETEXT_HOST_DEVICE double sum(index_t count, const F& f) {
    block_->alone([&](int t, auto& own) {
      own.sum = 0.0;
      for (index_t i = t; i < count; i += Block::threads) own.sum += static_cast<double>(f(i));
    });
    block_->block_reduce([](auto& own) -> double& { return own.sum; }, [](double a, double b) { return a + b; });
    double total = 0.0;
    block_->alone([&](int, auto& own) { total = own.sum; });
    return total;
  }
  PRETEXT_EITHER_SIDE template <class F>
  PRETEXT_HOST_DEVICE decltype(auto) once(const F& f) {
    return block_->once(f);
  }
  PRETEXT_EITHER_SIDE PRETEXT_HOST_DEVICE float* take(index_t count) {
    expect(count <= left_);
    float* const taken = scratch_;
    scratch_ += count;
    left_ -= count;
    return taken;
  }
  PRETEXT_EITHER_SIDE PRETEXT_HOST_DEVICE void expect(bool holds) { block_->expect(holds); }

 private:
  Block* block_;
  float* scratch_;
  index_t left_;
};

}  // namespace pretext::augment
