// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/objective.hpp>
#include <pretext/objective/contrastive.hpp>
#include <pretext/objective/negative_cosine.hpp>

#include "support/catch.hpp"

namespace px = pretext;
namespace similarity = pretext::similarity;

TEST_CASE("check::objective: the library's objectives obey every law", "[check][objective]") {
  using namespace pretext::objective;
  const auto holds = [](const px::check::result& r) {
    INFO(r.text());
    CHECK(r.ok());
  };
  holds(px::check::objective(nt_xent<>{.temperature = 0.2f}));
  holds(px::check::objective(nt_xent<similarity::dot, temperature::scheduled>{}));
  holds(px::check::objective(nt_xent<similarity::bilinear, temperature::learned>{}));
  holds(px::check::objective(decoupled<similarity::gaussian_kernel>{}));
  holds(px::check::objective(decoupled<similarity::negative_squared_euclidean>{}));
  holds(px::check::objective(negative_cosine{}));
}
