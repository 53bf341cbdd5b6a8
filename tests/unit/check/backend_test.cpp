// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/backend.hpp>

#include "support/catch.hpp"

namespace px = pretext;
using px::backend::reference;

TEST_CASE("check::backend: the reference obeys every law", "[check][backend]") {
  reference be;
  const auto r = px::check::backend(be);
  INFO(r.text());
  CHECK(r.ok());
}

namespace {

/// The reference, with a mistake in one op; chosen at run time, since every type of back end compiles all ops.
enum class mistake { product, gradient_is_written, scratch, unstable, neighbour, clip, argmax };
int runs_so_far = 0;
struct broken : reference {
  mistake planted;
  explicit broken(mistake m) : planted(m) {}

  template <class Op, class First, class... A>
  void run(Op op, px::workspace& memory, First&& first, A&&... a) const {
    if constexpr (std::is_same_v<Op, px::op::conv2d_op>)
      if (planted == mistake::scratch) static_cast<void>(memory.take<float>({100}));
    if constexpr (std::is_same_v<Op, px::op::column_sums_op>)
      if (planted == mistake::gradient_is_written) reference::run(px::op::fill, memory, 0, a...);
    reference::run(op, memory, first, a...);
    if constexpr (std::is_same_v<Op, px::op::matmul_op> || std::is_same_v<Op, px::op::linear_op>) last(op, a...);
    if constexpr (std::is_same_v<Op, px::op::max_pool2d_op>)
      if (planted == mistake::argmax) std::get<1>(std::tie(a...))[0] += 1;
    if constexpr (std::is_same_v<Op, px::op::clip_scale_op>)
      if (planted == mistake::clip) std::get<1>(std::tie(a...))->clip_scale *= 0.5;
  }

 private:
  template <class B, class C>
  void last(px::op::matmul_op, const B&, C& c, px::op::matmul_options o) const {
    if (planted == mistake::product && o.transpose_b) c[c.size() - 1] += 0.01f;
    if (planted == mistake::unstable) c[0] += static_cast<float>(++runs_so_far) * 1e-7f;
  }
  template <class W, class B, class Y>
  void last(px::op::linear_op, const W&, const B&, Y& y) const {
    if (planted == mistake::neighbour) y[0] += static_cast<float>(y.extent(0)) * 1e-7f;
  }
};
px::check::result found(mistake m) {
  broken be(m);
  return px::check::backend(be);
}

}  // namespace

TEST_CASE("check::backend: planted defects are named", "[check][backend]") {
  CHECK(found(mistake::product).broken("matmul agrees with the reference"));
  CHECK(found(mistake::gradient_is_written).broken("column_sums agrees with the reference"));
  CHECK(found(mistake::scratch).broken("conv2d keeps to its planned scratch"));
  CHECK(found(mistake::unstable).broken("matmul gives the same bits twice"));
  CHECK(found(mistake::neighbour).broken("a row of linear does not depend on the rows beside it"));
  CHECK(found(mistake::clip).broken("sum_squares agrees with the reference"));
  CHECK(found(mistake::argmax).broken("max_pool2d agrees with the reference"));
  CHECK_FALSE(found(mistake::clip).broken("matmul agrees with the reference"));
}
