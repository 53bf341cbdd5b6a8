// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/cuda/cuda_on_host.hpp"

#include "pretext/backend/audit.hpp"
#include "pretext/train/trainer.hpp"
#include "support/catch.hpp"
#include "tiny.hpp"

using tiny::state;
namespace px = pretext;
using blocks = px::backend::cuda_on_host;

namespace {
/// Steps on the kernels of the CUDA back end, in an order of blocks and threads; every op held to the reference.
template <class R>
std::string trained(int order) {
  using checked = px::backend::audit<blocks>;
  checked be(order);
  px::train::trainer<R, checked> t(tiny::settings<px::train::trainer<R, checked>>(6), be);
  t.set_steps_total(4);
  const auto data = tiny::pictures(24);
  for (int step = 0; step < 4; ++step) CHECK(t.step(tiny::batch(data, step * 6, 6).list()).finite);
  CHECK(be.checked() > 100);
  CHECK(be.first_failure() == "");
  return state(t);
}
}  // namespace

TEMPLATE_TEST_CASE("cuda_on_host: training steps pass the audit, with the same bits in any order of blocks and threads", "[train][cuda]",
                   tiny::simclr, tiny::byol, tiny::moco) {
  const std::string first = trained<TestType>(0);
  for (const int order : {1, 2, 3}) CHECK(tiny::differences(first, trained<TestType>(order)) == 0);
}
