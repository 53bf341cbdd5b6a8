// SPDX-License-Identifier: BSD-3-Clause
// The examples of docs/methods/simclr.md, compiled and run. The text between the marks is that of the page.
#include <cmath>
#include <string>

// [doc:recipe]
#include <pretext/recipe/joint_embedding.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
namespace au = pretext::augment;

/// SimCLR as the paper has it for small pictures, but for the widths of the encoder.
struct papers_simclr : px::recipe::simclr {
  using input = px::image<3, 32, 32>;
  using encoder = nn::sequential<nn::conv2d<64, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>,
                                 nn::conv2d<128, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>,
                                 nn::conv2d<256, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::global_avg_pool>;
  using head = nn::mlp<256, 128>;  // the paper: as wide as the features, then 128
  using views = au::chain<au::random_resized_crop, au::horizontal_flip, au::apply_with_probability<au::color_jitter, 80>, au::grayscale>;
  using objective = px::objective::nt_xent<px::similarity::cosine>;
  using optimizer = px::optimizer::lars;
  using schedule = px::schedule::cosine;

  template <class Settings>
  static constexpr void defaults(Settings& s) {
    if constexpr (requires { s.batch_size; }) s.batch_size = 512;
    if constexpr (requires { s.objective.temperature; }) s.objective.temperature = 0.5f;
    if constexpr (requires { s.schedule.warmup_steps; }) s.schedule.warmup_steps = 100;
  }
};
// [doc:end]

#include "pretext/backend/reference/reference.hpp"
#include "pretext/train/describe.hpp"
#include "support/catch.hpp"

TEST_CASE("simclr: the page's recipe fits together, and its numbers are those of the page", "[docs][recipe]") {
  using made = px::train::trainer<papers_simclr, px::backend::reference>;
  const auto d = px::train::describe<made>();
  CHECK(d.batch_size == 512);
  CHECK(d.players[0].optimizer == "lars");
  CHECK(d.players[0].layers[0].output == px::extents(256));
  // Convolutions, norms, head.
  CHECK(d.parameters == 27 * 64 + 2 * 64 + 9 * 64 * 128 + 2 * 128 + 9 * 128 * 256 + 2 * 256 + 256 * 256 + 256 + 256 * 128 + 128);
}
