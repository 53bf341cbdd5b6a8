// SPDX-License-Identifier: BSD-3-Clause
#include "text_golden_support.hpp"

#include "pretext/nn/attention.hpp"

using namespace layers_test;

namespace {
template <index_t D>
px::sequence<D> positions(index_t length) {
  return px::sequence<D>(extents(length, D));
}
}  // namespace

TEST_CASE("attention: value and gradients are PyTorch's", "[nn][attention][golden]") {
  check_text(nn::bind(nn::attention<3>{}, positions<12>(5)), "attention.plain");
  check_text(nn::bind(nn::attention<1>{}, positions<4>(1)), "attention.one");
  check_text(nn::bind(nn::attention<2, nn::causal>{}, positions<8>(7)), "attention.causal");
  check_text(nn::bind(nn::attention<4>{}, positions<8>(6)), "attention.padded");
  check_text(nn::bind(nn::attention<2, nn::causal, nn::rotary>{}, positions<12>(6)), "attention.rotary");
}
