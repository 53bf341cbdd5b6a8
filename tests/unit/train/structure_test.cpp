// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/train/structure.hpp"

#include <limits>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/train/checkpoint.hpp"
#include "support/catch.hpp"
#include "tiny.hpp"

namespace px = pretext;
namespace train = pretext::train;
using io_test::has;
using io_test::scratch;
using io_test::thrown;

namespace {
template <class R>
using trainer = train::trainer<R, px::backend::reference>;

/// Conv, norm, mean: what the recipes below change one part of.
struct smallest : px::recipe::simclr {
  using input = px::image<1, 4, 4>;
  using encoder = px::nn::sequential<px::nn::conv2d<2, 1>, px::nn::batch_norm, px::nn::global_avg_pool>;
  using head = px::nn::linear<2>;
  using views = px::augment::chain<px::augment::gaussian_noise>;
  using optimizer = px::optimizer::sgd;
};

template <class R>
trainer<R> make() {
  typename trainer<R>::settings_type s{};
  s.batch_size = 4;
  return trainer<R>(s);
}
}  // namespace

TEST_CASE("structure: the text of a small trainer, line by line", "[train][structure]") {
  const auto t = make<smallest>();
  const std::string text = train::structure(t);
  CAPTURE(text);
  CHECK(text.starts_with("family joint_embedding\n"
                         "precision f32\n"
                         "player online optimizer sgd\n"
                         "  layer encoder.0 conv2d stride 1 padding 0 groups 1\n"
                         "  layer encoder.1 batch_norm\n"
                         "  layer encoder.2 global_avg_pool\n"
                         "  layer head linear\n"
                         "  layer predictor identity\n"
                         "  parameter encoder.0.weight [2,1,1,1]\n"
                         "  parameter encoder.0.bias [2]\n"
                         "  parameter encoder.1.weight [2]\n"
                         "  parameter encoder.1.bias [2]\n"
                         "  parameter head.weight [2,2]\n"
                         "  parameter head.bias [2]\n"
                         "  buffer encoder.1.running_mean [2]\n"
                         "  buffer encoder.1.running_var [2]\n"
                         "  buffer encoder.1.num_batches_tracked []\n"
                         "objective contrastive target none negatives no_queue schedule cosine\n"
                         "input [4,4,1]\n"
                         "settings\n"));
  for (const char* line : {"\n  setting views.gaussian_noise.sigma.low\n", "\n  policy objective.similarity cosine\n", "\n  setting optimizer.rate\n",
                           "\n  setting seed\n"})
    CHECK(has(text, line));
}

TEST_CASE("structure: targets and queues are in it", "[train][structure]") {
  const std::string text = train::structure(make<tiny::moco>());
  CAPTURE(text);
  CHECK(has(text, "\ntarget target of player 0\nstate queue [4096,6]\nobjective contrastive target ema negatives queue schedule cosine\n"));
}

TEST_CASE("structure: numbers are written so that they read back, the same everywhere", "[train][structure]") {
  using namespace px;
  using namespace px::train::detail;
  CHECK(value_text(0.1f) == "0.1");
  CHECK(value_text(0.1) == "0.1");
  CHECK(value_text(1e-3) == "0.001");
  CHECK(value_text(1.0 / 3) == "0.3333333333333333");
  CHECK(value_text(1.0f / 3) == "0.33333334");
  CHECK(value_text(1e22) == "1e+22");
  CHECK(value_text(true) == "true");
  CHECK(value_text(-7) == "-7");
  CHECK(value_text(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  for (const double v : {3.14159, 1e-300, 123456789.123, -0.2})
    CHECK(std::strtod(value_text(v).c_str(), nullptr) == v);
}

TEST_CASE("checkpoint: one of another recipe is refused and the trainer left as it was", "[train][checkpoint]") {
  const scratch place;
  auto mine = make<smallest>();
  train::save_checkpoint(mine, place / "run");
  auto other = make<tiny::byol>();
  const std::string before = tiny::state(other), text = thrown([&] { other.resume(place / "run"); });
  CHECK(has(text, "\"player online optimizer sgd\" where this trainer has \"player online optimizer adamw\""));
  CHECK(tiny::state(other) == before);
}
