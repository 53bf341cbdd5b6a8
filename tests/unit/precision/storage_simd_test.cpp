// SPDX-License-Identifier: BSD-3-Clause
// build: O2
// Training with activations stored as bfloat16 on the SIMD back end, with products of each kind.
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
using px::precision::bf16;
using px::precision::bf16_storage;
using px::precision::block16;
using px::precision::float32;
using simd = px::backend::simd<>;

template <class Precision>
struct in : tiny::simclr {
  using precision = Precision;
};

template <class Precision, class Backend = simd>
std::vector<double> losses(Backend& be, int steps, index_t batch) {
  using trainer = px::train::trainer<in<Precision>, Backend>;
  trainer t(tiny::settings<trainer>(batch), be);
  const auto set = tiny::pictures(batch);
  const tiny::batch all(set);
  std::vector<double> seen;
  for (int i = 0; i < steps; ++i) seen.push_back(static_cast<double>(t.step(all.list()).loss));
  return seen;
}

}  // namespace

TEMPLATE_TEST_CASE("bf16 storage on simd: losses follow those of float", "[precision][storage][simd]", bf16_storage<>, bf16, bf16_storage<block16>) {
  simd be(2);
  const auto stored = losses<TestType>(be, 40, 24), exact = losses<float32>(be, 40, 24);
  CHECK(stored != exact);
  CHECK(std::fabs(stored[0] - exact[0]) < 5e-3 * exact[0]);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    INFO("step " << i << ": " << exact[i] << " and " << stored[i]);
    CHECK(std::fabs(stored[i] - exact[i]) < 3e-2 * exact[i]);
  }
}

TEMPLATE_TEST_CASE("bf16 storage on simd: an audited run has no failures", "[precision][storage][simd]", bf16_storage<>, bf16, bf16_storage<block16>) {
  px::backend::audit<simd> be(2);
  losses<TestType>(be, 3, 12);
  INFO(be.first_failure());
  CHECK(be.checked() > 50);
  CHECK(be.failures() == 0);
}

TEMPLATE_TEST_CASE("bf16 storage on simd: same bits for any number of threads, memory as planned", "[precision][storage][simd]", bf16_storage<>, bf16_storage<block16>) {
  using trainer = px::train::trainer<in<TestType>, px::backend::strict<simd>>;
  const auto set = tiny::pictures(24);
  const tiny::batch all(set);
  std::string first;
  for (int threads : {1, 3}) {
    px::backend::strict<simd> be(threads);
    trainer t(tiny::settings<trainer>(24), be);
    for (int i = 0; i < 3; ++i) t.step(all.list());
    const std::string bytes = tiny::state(t);
    if (first.empty()) first = bytes;
    CHECK(tiny::differences(bytes, first) == 0);
    CHECK(px::train::planned_memory<trainer>(t.settings(), be).workspace == t.planned_bytes());
  }
}

TEST_CASE("bf16 storage on simd: report tells what falls back with it", "[precision][storage][simd]") {
  CHECK_THAT((px::backend::report<simd, bf16>()), Catch::Matches("[^]*matmul +native, [a-z0-9 ]+\n[^]*avg_pool2d +native\n[^]*avg_pool2d_backward +fallback\n[^]*"));
  CHECK_THAT((px::backend::report<simd, bf16_storage<>>()), !Catch::Contains(","));
  CHECK_THAT(px::backend::report<simd>(), Catch::Matches("[^]*avg_pool2d_backward +native\n[^]*"));
}
