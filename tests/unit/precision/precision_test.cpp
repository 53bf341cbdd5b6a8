// SPDX-License-Identifier: BSD-3-Clause
// build: O2
// The precision of a recipe, from its name to the ops: who rounds, who does not, and what a run in it computes.
#include "pretext/precision/bf16.hpp"
#include "pretext/precision/block16.hpp"

#include "../train/tiny.hpp"
#include "pretext/backend/audit.hpp"
#include "pretext/backend/report.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/backend/strict.hpp"
#include "pretext/train/describe.hpp"
#include "support/catch.hpp"

namespace {

namespace px = pretext;
using px::index_t;
using simd = px::backend::simd<>;

template <class Precision>
struct in : tiny::simclr {
  using precision = Precision;
};
using px::precision::bf16_products;
using px::precision::block16;
using px::precision::float32;
std::vector<float> numbers(index_t n, std::uint64_t seed) {
  px::rng::stream draw(px::rng::key{.seed = seed});
  std::vector<float> v(static_cast<std::size_t>(n));
  for (float& x : v) x = static_cast<float>(draw.uniform(-1, 1));
  return v;
}

/// c = a b on B, through a context of a precision.
template <class B, class Precision>
std::vector<float> product(index_t m, index_t n, index_t k) {
  const auto a = numbers(m * k, 1), b = numbers(k * n, 2);
  std::vector<float> c(static_cast<std::size_t>(m * n));
  B be;
  px::comm::null alone;
  px::workspace plan;
  const auto compute = [&](px::workspace& memory) {
    const px::context<B, float, px::comm::null, px::precision::rounding_of<Precision>> ctx{&be, &memory, &alone};
    ctx(px::op::matmul, px::tensor_view<const float>{a.data(), {m, k}}, px::tensor_view<const float>{b.data(), {k, n}},
        px::tensor_view<float>{c.data(), {m, n}}, px::op::matmul_options{});
  };
  compute(plan);
  std::vector<std::byte> block(plan.peak() + 64);
  px::workspace memory(block.data(), block.size());
  compute(memory);
  return c;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double squares = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    squares += (static_cast<double>(a[i]) - static_cast<double>(b[i])) * (static_cast<double>(a[i]) - static_cast<double>(b[i]));
    scale += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return std::sqrt(squares / scale);
}

template <class Recipe>
using trainer_of = px::train::trainer<Recipe, simd>;

template <class Recipe>
std::vector<double> losses(int steps) {
  using trainer = trainer_of<Recipe>;
  trainer t(tiny::settings<trainer>(24));
  const auto set = tiny::pictures(24);
  const tiny::batch all(set);
  std::vector<double> seen;
  for (int i = 0; i < steps; ++i) seen.push_back(static_cast<double>(t.step(all.list()).loss));
  return seen;
}

static_assert(std::is_same_v<px::precision::rounding_of<float32>, void>);
static_assert(std::is_same_v<trainer_of<in<bf16_products>>::value_type, float>, "parameters, gradients and optimizer stay float");
static_assert(px::op::rounds<bf16_products, px::op::conv2d_op> && !px::op::rounds<bf16_products, px::op::contrastive_forward_op>);

}  // namespace

TEMPLATE_TEST_CASE("precision: the SIMD back end rounds products, within 5e-3; the reference and float32 do not", "[precision]", bf16_products, block16) {
  const auto exact = product<simd, float32>(31, 40, 257), rounded = product<simd, TestType>(31, 40, 257);
  CHECK(distance(rounded, exact) < TestType::allowed);
  CHECK(distance(rounded, exact) > 1e-5);
  CHECK(product<px::backend::reference, TestType>(7, 5, 13) == product<px::backend::reference, float32>(7, 5, 13));
  CHECK(product<px::backend::strict<simd>, TestType>(31, 40, 257) == rounded);
  CHECK(product<px::backend::strict<px::backend::reference>, TestType>(1, 2, 3).size() == 2);
}

TEMPLATE_TEST_CASE("precision: an audited training run has no failures", "[precision]", bf16_products, block16) {
  using checked = px::backend::audit<simd>;
  using trainer = px::train::trainer<in<TestType>, checked>;
  checked be(2);
  trainer t(tiny::settings<trainer>(12), be);
  const auto set = tiny::pictures(12);
  const tiny::batch all(set);
  for (int i = 0; i < 3; ++i) t.step(all.list());
  INFO(be.first_failure());
  CHECK(be.checked() > 50);
  CHECK(be.failures() == 0);
}

TEMPLATE_TEST_CASE("precision: losses follow those of float32", "[precision]", bf16_products, block16) {
  const auto exact = losses<in<float32>>(40), rounded = losses<in<TestType>>(40);
  CHECK(exact != rounded);
  // The first step differs by rounding alone; later ones by what it did to the parameters since.
  CHECK(std::fabs(rounded[0] - exact[0]) < 1e-3 * exact[0]);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    INFO("step " << i << ": " << exact[i] << " and " << rounded[i]);
    CHECK(std::fabs(rounded[i] - exact[i]) < 1e-2 * exact[i]);
  }
}

TEMPLATE_TEST_CASE("precision: same bits for any number of threads, and memory as planned", "[precision]", bf16_products, block16) {
  using trainer = trainer_of<in<TestType>>;
  const auto set = tiny::pictures(24);
  const tiny::batch all(set);
  std::string first;
  for (int threads : {1, 3}) {
    simd be(threads);
    trainer t(tiny::settings<trainer>(24), be);
    for (int i = 0; i < 3; ++i) t.step(all.list());
    const std::string bytes = tiny::state(t);
    if (first.empty()) first = bytes;
    CHECK(tiny::differences(bytes, first) == 0);
    CHECK(px::train::planned_memory<trainer>(t.settings(), be).workspace == t.planned_bytes());
  }
}

TEMPLATE_TEST_CASE("precision: it is part of what a recipe is called and of what a checkpoint is held to", "[precision]", bf16_products, block16) {
  using trainer = trainer_of<in<TestType>>;
  CHECK_THAT(px::train::describe<trainer>({.batch_size = 8}).text(), Catch::Contains(std::string("on simd, ") + TestType::name + ", batch 8"));
  trainer rounded(tiny::settings<trainer>(8));
  trainer_of<in<float32>> exact(tiny::settings<trainer_of<in<float32>>>(8));
  const auto [theirs, mine] = px::train::detail::first_difference(px::train::structure(exact), px::train::structure(rounded));
  CHECK(theirs == "precision f32");
  CHECK(mine == std::string("precision ") + TestType::name);
}

TEMPLATE_TEST_CASE("precision: report says how products are multiplied", "[precision]", bf16_products, block16) {
  const std::string text = px::backend::report<simd, TestType>();
  CHECK_THAT(text, Catch::Matches("[^]*matmul +native, [a-z0-9 ]+\n[^]*conv2d_weight_gradient +native, [a-z0-9 ]+\n[^]*max_pool2d +native\n[^]*"));
  CHECK_THAT(px::backend::report<simd>(), !Catch::Contains(","));
  CHECK_THAT((px::backend::report<px::backend::reference, TestType>()), !Catch::Contains(","));
}
