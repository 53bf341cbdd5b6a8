// SPDX-License-Identifier: BSD-3-Clause
#include "layers_golden_support.hpp"

#include "pretext/nn/batch_norm.hpp"

using namespace layers_test;

namespace {
template <class In>
void check_all(const std::string& kind) {
  const auto cases = stored().cases(kind, ".weight");
  CHECK(!cases.empty());
  for (const std::string& c : cases) {
    if (c.starts_with("offset")) continue;  // below
    const auto layer = nn::bind(nn::batch_norm{}, In(sample_of(stored()[kind + c + ".x"])));
    // Two samples are normalised to +1 and -1 whatever they are: dx is nearly 0.
    check_golden(layer, kind + c, c.ends_with(".train") ? px::run_mode::train : px::run_mode::evaluate, "", c != "two.train");
  }
}
}  // namespace

TEST_CASE("batch_norm: value, gradients and running statistics are PyTorch's", "[nn][layers][batch_norm][golden]") {
  check_all<px::shape<px::dynamic>>("batch_norm1d.");
  check_all<px::shape<px::dynamic, px::dynamic, px::dynamic>>("batch_norm2d.");
}

TEST_CASE("batch_norm: a thousand added to the input costs digits, not the result", "[nn][layers][batch_norm][golden]") {
  for (const bool training : {true, false}) {
    const std::string name = training ? "batch_norm2d.offset.train" : "batch_norm2d.offset.eval";
    const px::shape<px::dynamic, px::dynamic, px::dynamic> in(sample_of(stored()[name + ".x"]));
    const auto layer = nn::bind(nn::batch_norm{}, in);
    given g;
    g.batch = stored()[name + ".x"].extents[0];
    g.x = to_memory(stored()[name + ".x"]);
    g.dy = to_memory(stored()[name + ".dy"]);
    g.mode = training ? px::run_mode::train : px::run_mode::evaluate;
    for (const char* p : {"weight", "bias", "running_mean", "running_var"}) g.named[p] = stored()[name + "." + p].values;
    g.named["num_batches_tracked"] = {0};
    simd be(2);
    const auto f = run<float>(be, layer, in, g);
    const auto d = run<double>(be, layer, in, g);
    CHECK(relative_error(d.y, to_memory(stored()[name + ".y"])) <= 1e-10);
    // The mean of floats near 1000 is known to 6e-5 / 2: what a float can say of deviations of about 1.
    CHECK(relative_error(f.y, to_memory(stored()[name + ".y"])) <= 1e-4);
  }
}
