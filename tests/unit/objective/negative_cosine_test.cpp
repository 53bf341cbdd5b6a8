// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/negative_cosine.hpp"

#include "rows_runner.hpp"
#include "support/catch.hpp"

using namespace rows_runner;
using px::objective::negative_cosine;
using pairs = px::objective::target_pairs<double>;

TEST_CASE("negative_cosine: loss and gradient are PyTorch's", "[objective][negative_cosine]") {
  const golden::file file("objectives");
  for (const char* shape : {"b1d3", "b2d3", "b7d16", "b64d3"}) {
    const std::string name = std::string("byol.") + shape;
    INFO(name);
    const auto z = rows(file[std::string("z.") + shape]), t = rows(file[name + ".t"]);
    const auto r = run(negative_cosine{}, pairs{z.view(), t.view(), {}, 2});
    CHECK(r.loss == Approx(file.number(name + ".loss")).epsilon(1e-11));
    CHECK(golden::relative_error(r.d_rows, file[name + ".dz"]) < 1e-10);
  }
}

TEST_CASE("negative_cosine: 0 where predictions are multiples of their targets, 4 where they are opposite", "[objective][negative_cosine]") {
  // Two views of one sample: row 0 is held to target row 1 and the other way.
  const rows_of<double> p{{1, 2, 3, -1}, 2}, same{{6, -2, 0.5, 1}, 2}, opposite{{-3, 1, -1, -2}, 2};
  const auto zero = run(negative_cosine{}, pairs{p.view(), same.view(), {}, 2});
  CHECK(std::fabs(zero.loss) < 1e-15);
  for (const double g : zero.d_rows) CHECK(std::fabs(g) < 1e-15);
  CHECK(run(negative_cosine{}, pairs{p.view(), opposite.view(), {}, 2}).loss == Approx(4).epsilon(1e-14));
}

TEST_CASE("negative_cosine: the scale of rows does not matter; zero, huge and tiny ones are finite", "[objective][negative_cosine]") {
  const rows_of<double> t{golden::uniform("t", 12), 3};
  const auto loss = [&](double scale) {
    rows_of<double> p{golden::uniform("p", 12), 3};
    for (double& v : p.values) v *= scale;
    const auto r = run(negative_cosine{}, pairs{p.view(), t.view(), {}, 2});
    for (const double g : r.d_rows) CHECK(std::isfinite(g));
    return r.loss;
  };
  CHECK(loss(1e150) == Approx(loss(1)).epsilon(1e-12));
  CHECK(loss(1e-6) == Approx(loss(1)).epsilon(1e-12));
  CHECK(loss(0) == 2);
}

TEST_CASE("negative_cosine: a number of rows that is no multiple of the views is refused", "[objective][negative_cosine]") {
  const rows_of<double> z{std::vector<double>(9, 1.0), 3}, none{{}, 3};
  CHECK_THROWS_WITH(run(negative_cosine{}, pairs{z.view(), z.view(), {}, 2}), Catch::Contains("pretext[shape.201]"));
  CHECK_THROWS_WITH(run(negative_cosine{}, pairs{none.view(), none.view(), {}, 2}), Catch::Contains("pretext[shape.201]"));
}
