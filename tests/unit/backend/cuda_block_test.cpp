// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/cuda/block.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/catch.hpp"

using namespace pretext;
using namespace pretext::backend::blocks;

namespace {

/// Every thread reads what its neighbour writes: with a barrier between, or, where `racy`, without.
struct neighbour_kernel {
  static constexpr int threads = 64;
  struct shared {
    float value[threads];
  };
  struct state {
    float own;
  };
  bool racy;
  float* y;
  template <class Block>
  void run(Block& block) const {
    const auto write = [](int t, state&, shared& s) { s.value[t] = static_cast<float>(t); };
    const auto read = [](int t, state& own, shared& s) { own.own = s.value[(t + 1) % threads]; };
    if (racy) {
      block.each([&](int t, state& own, shared& s) {
        write(t, own, s);
        read(t, own, s);
      });
    } else {
      block.each(write);
      block.each(read);
    }
    block.alone([&](int t, state& own) { y[block.number * threads + t] = own.own; });
  }
};

/// Sums of a warp and of the block.
struct sum_kernel {
  static constexpr int threads = 96;
  using shared = nothing;
  struct state {
    float of_warp, of_block;
  };
  const float* x;
  float *warps, *all;
  template <class Block>
  void run(Block& block) const {
    block.alone([&](int t, state& own) { own.of_warp = own.of_block = x[t]; });
    block.warp_reduce([](state& own) -> float& { return own.of_warp; }, plus{});
    block.block_reduce([](state& own) -> float& { return own.of_block; }, plus{});
    block.alone([&](int t, state& own) {
      warps[t] = own.of_warp;
      all[t] = own.of_block;
    });
  }
};

/// Shows what lies in memory that nobody wrote.
struct untouched_kernel {
  static constexpr int threads = 32;
  struct shared {
    float value;
  };
  struct state {
    float own;
  };
  float* y;
  template <class Block>
  void run(Block& block) const {
    block.each([&](int t, state& own, shared& s) { y[t] = own.own + s.value; });
  }
};

template <class Kernel>
std::vector<float> result(const Kernel& kernel, float* y, index_t n, block_order order) {
  std::fill(y, y + n, -1.0f);
  host_executor(order).launch(kernel, n / Kernel::threads);
  return std::vector<float>(y, y + n);
}
constexpr block_order orders[] = {block_order::forward, block_order::backward, block_order::odd_first, block_order::even_first_backward};

}  // namespace

TEST_CASE("host_executor: a missing barrier shows as a result that depends on the order of threads", "[backend][cuda][block]") {
  std::vector<float> y(192);
  const auto right = result(neighbour_kernel{false, y.data()}, y.data(), 192, block_order::forward);
  int different = 0;
  for (const block_order order : orders) {
    CHECK(result(neighbour_kernel{false, y.data()}, y.data(), 192, order) == right);
    const auto racy = result(neighbour_kernel{true, y.data()}, y.data(), 192, order);
    // Where the neighbour had not written yet there is NaN, which equals nothing.
    different += racy == right ? 0 : 1;
  }
  CHECK(right[0] == 1);
  CHECK(right[63] == 0);
  CHECK(different == 4);
}

TEST_CASE("host_executor: memory that nobody wrote is not a number", "[backend][cuda][block]") {
  std::vector<float> y(32);
  for (const float v : result(untouched_kernel{y.data()}, y.data(), 32, block_order::forward)) CHECK(std::isnan(v));
}

TEST_CASE("host_block: sums follow the butterfly of 32 and then the order of warps, for all threads alike", "[backend][cuda][block]") {
  std::vector<float> x(96), warps(96), all(96);
  for (int i = 0; i < 96; ++i) x[static_cast<std::size_t>(i)] = 1.0f / static_cast<float>(3 * i + 1);
  float total = 0;
  for (const block_order order : orders) {
    host_executor(order).launch(sum_kernel{x.data(), warps.data(), all.data()}, 1);
    for (std::size_t w = 0; w < 3; ++w) {
      std::vector<float> v(x.begin() + static_cast<std::ptrdiff_t>(32 * w), x.begin() + static_cast<std::ptrdiff_t>(32 * w + 32));
      for (std::size_t half = 16; half > 0; half /= 2)
        for (std::size_t i = 0; i < half; ++i) v[i] = v[i] + v[i + half];
      for (std::size_t t = 0; t < 32; ++t) CHECK(warps[32 * w + t] == v[0]);
      total = w == 0 ? v[0] : total + v[0];
    }
    for (const float a : all) CHECK(a == total);
  }
}

TEST_CASE("host_block: each order runs every number once", "[backend][cuda][block]") {
  for (const block_order order : orders)
    for (const index_t n : {1, 2, 7, 32}) {
      std::vector<index_t> seen;
      for (index_t k = 0; k < n; ++k) seen.push_back(host_block<neighbour_kernel>::in_order(k, n, order));
      std::sort(seen.begin(), seen.end());
      for (index_t k = 0; k < n; ++k) CHECK(seen[static_cast<std::size_t>(k)] == k);
    }
}
