// SPDX-License-Identifier: BSD-3-Clause
// build: O2
// Activations stored as bfloat16: what is stored so and what is not, and how far a run strays from float.
#include "pretext/precision/bf16.hpp"
#include "pretext/precision/block16.hpp"

#include "../train/tiny.hpp"
#include "pretext/backend/audit.hpp"
#include "pretext/backend/reference/reference.hpp"
#include "pretext/nn/layer_norm.hpp"
#include "pretext/train/describe.hpp"
#include "support/catch.hpp"

namespace {

namespace px = pretext;
using px::index_t;
using px::precision::bf16;
using px::precision::bf16_storage;
using px::precision::float32;
using reference = px::backend::reference;

template <class Base, class Precision>
struct in : Base {
  using precision = Precision;
};
template <class Base, class Precision, class Backend = reference>
using trainer_of = px::train::trainer<in<Base, Precision>, Backend>;

static_assert(std::is_same_v<trainer_of<tiny::simclr, bf16>::value_type, px::bfloat16>);
static_assert(std::is_same_v<trainer_of<tiny::simclr, bf16>::master_type, float>);
static_assert(std::is_same_v<px::precision::rounding_of<bf16_storage<>>, void>, "products of floats stay exact");
static_assert(px::op::rounds<bf16_storage<px::precision::block16>, px::op::linear_op>);
static_assert(std::string_view(bf16_storage<px::precision::block16>::name) == "bf16_storage<block16>");

/// Losses of some steps on one batch.
template <class Trainer>
std::vector<double> losses(Trainer& t, int steps, index_t batch) {
  const auto set = tiny::pictures(batch);
  const tiny::batch all(set);
  std::vector<double> seen;
  for (int i = 0; i < steps; ++i) seen.push_back(static_cast<double>(t.step(all.list()).loss));
  return seen;
}
struct plain_simclr : tiny::simclr {
  using optimizer = px::optimizer::sgd;
  using schedule = px::schedule::constant;
};
/// A step zeroes its gradients, so this is what SGD at rate 1 without momentum takes off the parameters.
template <class Precision>
std::vector<double> first_gradient() {
  using trainer = trainer_of<plain_simclr, Precision>;
  trainer t([] {
    typename trainer::settings_type s{};
    s.batch_size = 12;
    s.seed = 7;
    s.optimizer.rate = 1.0;
    s.optimizer.momentum = 0.0;
    s.optimizer.decay = 0.0;
    return s;
  }());
  const auto& p = t.players()[0].parameters;
  std::vector<double> g(p.begin(), p.end());
  losses(t, 1, 12);
  for (index_t i = 0; i < p.size(); ++i) g[static_cast<std::size_t>(i)] -= static_cast<double>(p[i]);
  return g;
}
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double squares = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    squares += (a[i] - b[i]) * (a[i] - b[i]);
    scale += b[i] * b[i];
  }
  return std::sqrt(squares / scale);
}

}  // namespace

TEMPLATE_TEST_CASE("bf16 storage: losses on the reference follow those of float", "[precision][storage]", tiny::simclr, tiny::byol, tiny::moco) {
  using narrow = trainer_of<TestType, bf16>;
  using wide = trainer_of<TestType, float32>;
  narrow a(tiny::settings<narrow>(16));
  wide b(tiny::settings<wide>(16));
  const auto stored = losses(a, 12, 16), exact = losses(b, 12, 16);
  CHECK(stored != exact);
  CHECK(std::fabs(stored[0] - exact[0]) < 5e-3 * exact[0]);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    INFO("step " << i << ": " << exact[i] << " and " << stored[i]);
    CHECK(std::fabs(stored[i] - exact[i]) < 3e-2 * exact[i]);
  }
}

// Rows of an untrained network are much alike, and the loss looks at how they differ: some bits of each are lost there.
TEST_CASE("bf16 storage: the gradient of the first step is that of float within 10 %", "[precision][storage]") {
  const auto exact = first_gradient<float32>(), stored = first_gradient<bf16>();
  CHECK(distance(stored, exact) < 0.1);
  CHECK(distance(stored, exact) > 1e-4);
  CHECK(first_gradient<bf16_storage<>>() == stored);  // the reference multiplies exactly whatever the products may do
}

TEST_CASE("bf16 storage: parameters, optimizer, statistics and losses take the bytes of float, maps half", "[precision][storage]") {
  using narrow = trainer_of<tiny::moco, bf16>;
  using wide = trainer_of<tiny::moco, float32>;
  const auto a = px::train::describe<narrow>(tiny::settings<narrow>(64)), b = px::train::describe<wide>(tiny::settings<wide>(64));
  CHECK(a.memory.parameters == b.memory.parameters);
  CHECK(a.memory.gradients == b.memory.gradients);
  CHECK(a.memory.optimizer == b.memory.optimizer);
  CHECK(a.memory.buffers == b.memory.buffers);
  CHECK(a.memory.targets == b.memory.targets);
  CHECK(a.memory.states == b.memory.states);
  narrow t(tiny::settings<narrow>(64));
  CHECK(a.memory.workspace == t.planned_bytes());
  CHECK(a.bytes == t.bytes());
  CHECK_THAT(a.text(), Catch::Contains("on reference, bf16, batch 64"));
}

TEST_CASE("bf16 storage: files and checkpoints hold floats; features come as floats", "[precision][storage]") {
  using narrow = trainer_of<tiny::simclr, bf16>;
  using wide = trainer_of<tiny::simclr, float32>;
  narrow a(tiny::settings<narrow>(8));
  wide b(tiny::settings<wide>(8));
  CHECK(tiny::differences(tiny::state(a), tiny::state(b)) == 0);  // before the first step
  const auto set = tiny::pictures(20);
  const std::vector<float> stored = a.encoder().embed(set), exact = b.encoder().embed(set);
  CHECK(distance({stored.begin(), stored.end()}, {exact.begin(), exact.end()}) < 1e-2);
  CHECK(stored != exact);
  for (const float v : stored) CHECK(v == static_cast<float>(px::bfloat16(v)));
}

TEMPLATE_TEST_CASE("bf16 storage: an audited run of the reference has no failures", "[precision][storage]", tiny::simclr, tiny::byol) {
  using checked = px::backend::audit<reference>;
  using trainer = trainer_of<TestType, bf16, checked>;
  checked be;
  trainer t(tiny::settings<trainer>(12), be);
  losses(t, 2, 12);
  INFO(be.first_failure());
  CHECK(be.checked() > 50);
  CHECK(be.failures() == 0);
}

TEST_CASE("bf16 storage: micro-batches give the gradient of the whole batch", "[precision][storage]") {
  struct layered : tiny::simclr {
    using encoder = px::nn::sequential<px::nn::conv2d<5, 3>, px::nn::layer_norm, px::nn::gelu, px::nn::global_avg_pool>;
  };
  using narrow = trainer_of<layered, bf16>;
  auto settings = tiny::settings<narrow>(12);
  narrow whole(settings);
  settings.micro_batch = index_t{5};
  narrow parts(settings);
  CHECK(losses(whole, 1, 12) == losses(parts, 1, 12));
}
