// SPDX-License-Identifier: BSD-3-Clause
#include "layers_golden_support.hpp"

#include <set>

#include "pretext/nn/conv2d.hpp"

using namespace layers_test;

namespace {

std::set<std::string> seen;

template <index_t In, index_t Out, index_t K, index_t S, index_t P, index_t G>
void check(const std::string& word) {
  const std::string name = std::to_string(K) + "x" + std::to_string(K) + "s" + std::to_string(S) + "p" + std::to_string(P) + "g" +
                           std::to_string(G) + word;
  seen.insert(name);
  const px::shape<px::dynamic, px::dynamic, In> in(sample_of(stored()["conv2d." + name + ".x"]));
  check_golden(nn::bind(nn::conv2d<Out, K, nn::stride<S>, nn::padding<P>, nn::groups<G>>{}, in), "conv2d." + name);
}

}  // namespace

TEST_CASE("conv2d: value and gradients are PyTorch's", "[nn][layers][conv2d][golden]") {
  check<3, 4, 3, 1, 1, 1>("odd");
  check<3, 4, 3, 2, 1, 1>("even");
  check<5, 7, 1, 1, 0, 1>("odd");
  check<4, 6, 1, 2, 0, 1>("odd");
  check<2, 3, 5, 1, 2, 1>("odd");
  check<3, 4, 7, 2, 3, 1>("odd");
  check<2, 3, 7, 1, 3, 1>("small");
  check<4, 6, 3, 1, 0, 2>("valid");
  check<6, 6, 3, 1, 1, 6>("depthwise");
  check<4, 8, 3, 2, 1, 4>("depthwise");
  check<2, 3, 3, 1, 2, 1>("wide_pad");
  check<6, 3, 5, 2, 0, 3>("groups");
  check<2, 2, 3, 2, 1, 1>("pixel");
  check<13, 17, 3, 1, 1, 1>("tiles");
  const auto cases = stored().cases("conv2d.", ".weight");
  CHECK(seen == std::set<std::string>(cases.begin(), cases.end()));
}
