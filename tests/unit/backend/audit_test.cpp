// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/audit.hpp"

#include "pretext/backend/simd/simd.hpp"
#include "pretext/nn/activation.hpp"
#include "pretext/optimizer/adamw.hpp"
#include "support/catch.hpp"

using namespace pretext;

namespace {

/// Right in everything but what `wrong` says.
struct planted : backend::reference {
  enum class defect { none, scale, last_element, index, record, not_a_number };
  defect wrong = defect::none;
  planted() = default;
  explicit planted(defect d) : wrong(d) {}

  template <class Op, class... A>
  void run(Op op, workspace& memory, A&&... a) const {
    backend::reference::run(op, memory, a...);
    if constexpr (std::is_same_v<Op, op::add_op>) {
      [&](auto&&, auto& y) {
        if (wrong == defect::scale)
          for (auto& v : y) v *= 1.0001f;
        if (wrong == defect::last_element) y.data[y.size() - 1] += 0.01f;
        if (wrong == defect::not_a_number) y.data[0] = NAN;
      }(a...);
    }
    if constexpr (std::is_same_v<Op, op::pair_indices_op>) {
      const tensor_view<std::int32_t> y = std::get<3>(std::tie(a...));
      if (wrong == defect::index) ++y[2];
    }
    if constexpr (std::is_same_v<Op, op::clip_scale_op>)
      if (wrong == defect::record) std::get<2>(std::tie(a...))->clip_scale *= 0.5;
  }
};

template <class B>
void run_some(backend::audit<B>& be) {
  workspace memory;
  std::vector<float> x(37), y(37);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = y[i] = static_cast<float>(i) * 0.1f;
  be.run(op::map, memory, nn::functor::tanh{}, tensor_view<const float>{x.data(), 37}, tensor_view<float>{x.data(), 37});
  be.run(op::add, memory, tensor_view<const float>{x.data(), 37}, tensor_view<float>{y.data(), 37});
  std::vector<std::int32_t> ids(4);
  be.run(op::pair_indices, memory, index_t{0}, index_t{1}, index_t{4}, tensor_view<std::int32_t>{ids.data(), 4});
  double squares = 16, non_finite = 0;
  player_inputs inputs;
  be.run(op::clip_scale, memory, tensor_view<const double>{&squares, 1}, 1.0, &inputs, &non_finite);
}

}  // namespace

TEST_CASE("audit: a right back end has no failures, and every op was looked at", "[backend][audit]") {
  backend::audit<backend::simd<>> be(2);
  run_some(be);
  CHECK(be.checked() == 4);
  CHECK(be.failures() == 0);
  CHECK(be.first_failure().empty());
}

TEST_CASE("audit: names the first op out of tolerance, its sizes and the argument", "[backend][audit]") {
  using defect = planted::defect;
  for (const auto& [what, op] : {std::pair{defect::scale, "add (37) (37): argument 2"}, {defect::last_element, "add (37) (37): argument 2"},
                                {defect::not_a_number, "add (37) (37): argument 2"}, {defect::index, "pair_indices (4): argument 4"},
                                {defect::record, "clip_scale (1): argument 3"}}) {
    backend::audit<planted> be(what);
    run_some(be);
    CHECK(be.failures() == 1);
    CHECK_THAT(be.first_failure(), Catch::StartsWith(op));
  }
}

TEST_CASE("audit: the audited back end's results are kept", "[backend][audit]") {
  backend::audit<planted> be(planted::defect::last_element);
  workspace memory;
  std::vector<float> x{1, 2}, y{3, 4};
  be.run(op::add, memory, tensor_view<const float>{x.data(), 2}, tensor_view<float>{y.data(), 2});
  CHECK(y == std::vector<float>{4, 6.01f});
  CHECK(be.failures() == 1);
}

TEST_CASE("audit: a float sum that cancels is no failure", "[backend][audit]") {
  backend::audit<backend::simd<>> be(1);
  std::vector<float> x(6000), sums(3);
  rng::stream draw(rng::key{.seed = 4});
  for (std::size_t i = 0; i < x.size(); i += 2) {
    x[i] = static_cast<float>(draw.uniform(-1, 1));
    x[(i + 3) % x.size()] = -x[i];
  }
  buffer<std::byte> memory_block(1 << 16);
  workspace memory(memory_block.data(), 1 << 16);
  be.run(op::column_sums, memory, tensor_view<const float>{x.data(), {2000, 3}}, tensor_view<float>{sums.data(), 3});
  CHECK(be.failures() == 0);
}
