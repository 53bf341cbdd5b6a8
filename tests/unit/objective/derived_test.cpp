// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/derived.hpp"

#include <string>

#include "pretext/objective/negative_cosine.hpp"
#include "rows_support.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace px = pretext;
using px::index_t;
using rows_support::block;
using rows_support::draw;
using rows_support::of;

TEST_CASE("derived: hand values", "[objective][derived]") {
  using namespace px::objective::row;
  block<double> z(4, 2);
  z.values = {3, 4, 0, 2, 1, 0, 0, 0};  // views (3,4) (0,2) | (1,0) (0,0)
  const auto value = [&](auto f) { return rows_support::self(of(f), z).loss; };
  CHECK(value([](const auto& in) { return sum(in.anchors); }) == 10);
  CHECK(value([](const auto& in) { return mean(in.anchors); }) == 1.25);
  CHECK(value([](const auto& in) { return sum(dot(in.anchors, in.positives)); }) == 6);
  CHECK(value([](const auto& in) { return sum(squared_distance(view<0>(in), view<1>(in))); }) == 24);
  CHECK(value([](const auto& in) { return sum(norm(in.anchors)); }) == 8);
  CHECK(value([](const auto& in) { return sum(column_variance(view<0>(in))); }) == 4.5 + 2);
  CHECK(value([](const auto& in) { return sum(off_diagonal(covariance(view<0>(in)))); }) == 6);
  CHECK(value([](const auto& in) { return mean(diagonal(covariance(view<0>(in)))); }) == 3.25);
  CHECK(value([](const auto& in) { return sum(in.anchors) * (1.0 * in.samples + 10.0 * in.views + 100.0 * in.width); }) == 2220);
  // a.b over the other three rows of the first: 8, 3, 0
  CHECK(value([](const auto& in) { return sum(log_sum_exp(in.anchors, px::similarity::dot{}) * dot(in.anchors, in.anchors) / 25.0); }) ==
        Approx(std::log(std::exp(8.0) + std::exp(3.0) + 1) + std::log(std::exp(8.0) + 2) * 4 / 25 + std::log(std::exp(3.0) + 2) / 25)
            .epsilon(1e-10));
  CHECK(value([](const auto& in) { return log_sum_exp(squared_norm(in.anchors)); }) ==
        Approx(std::log(std::exp(25.0) + std::exp(4.0) + std::exp(1.0) + 1)).epsilon(1e-10));
  // A zero row has a norm with gradient zero, not a NaN.
  const auto norms = rows_support::self(of([](const auto& in) { return sum(norm(in.anchors)); }), z);
  CHECK(norms.gradient[6] == 0);
  CHECK(norms.gradient[7] == 0);
  CHECK(norms.gradient[0] == Approx(0.6).epsilon(1e-10));
}

TEST_CASE("derived: huge, tiny and equal rows give finite numbers", "[objective][derived]") {
  using namespace px::objective::row;
  const auto objective = of([](const auto& in) {
    return mean(log_sum_exp(normalize(in.anchors), px::similarity::dot{}, 10.0)) + log_mean_exp(log_mean_exp(normalize(in.anchors), px::similarity::negative_squared_euclidean{}, 2.0)) +
           mean(softplus(dot(normalize(in.anchors), normalize(in.positives)) * 50.0)) + mean(relu(1.0 - sqrt(column_variance(normalize(in.anchors)) + 1e-4)));
  });
  for (const float size : {0.0f, 1e-30f, 1e-3f, 1.0f, 1e15f}) {
    auto z = draw<float>(14, 5, 1);
    for (float& v : z.values) v *= size;
    const auto r = rows_support::self<float>(objective, z);
    CAPTURE(size);
    CHECK(std::isfinite(r.loss));
    for (const double g : r.gradient) CHECK(std::isfinite(g));
  }
  block<float> equal(8, 3);
  for (float& v : equal.values) v = 0.5f;
  const auto r = rows_support::self<float>(objective, equal);
  CHECK(r.loss == Approx(10 + std::log(7.0) + 0 + 50 + 0.99).epsilon(1e-5));
}

namespace {

struct byol_value {
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    return 2.0 - 2.0 * mean(dot(normalize(in.anchors), normalize(in.positives)));
  }
};
struct alignment_value {
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    return mean(squared_distance(normalize(in.anchors), normalize(in.positives)));
  }
};
struct uniformity_value {
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    return log_mean_exp(log_mean_exp(normalize(in.anchors), px::similarity::negative_squared_euclidean{}, 2));
  }
};
struct vicreg_value {
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    const auto hinge = [](const auto& x) { return mean(relu(1.0 - sqrt(column_variance(x) + 1e-4))); };
    const auto penalty = [&](const auto& x) { return sum(square(off_diagonal(covariance(x)))) / static_cast<double>(in.width); };
    const auto x = view<0>(in);
    const auto y = view<1>(in);
    return 25 * mean(square(x - y)) + 12.5 * (hinge(x) + hinge(y)) + penalty(x) + penalty(y);
  }
};
struct barlow_value {
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    const auto n = static_cast<double>(in.samples);
    const auto c = (n - 1) / n * covariance(standardize(view<0>(in)), standardize(view<1>(in)));
    return sum(square(1.0 - diagonal((n - 1) / n * covariance(standardize(view<0>(in)), standardize(view<1>(in)))))) + 0.0051 * sum(square(off_diagonal(c)));
  }
};
struct nt_xent_value {
  double tau = 0.5;
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    return mean(log_sum_exp(in.anchors, px::similarity::cosine{}, 1 / tau) - dot(normalize(in.anchors), normalize(in.positives)) / tau);
  }
};
/// Queries against their own key and a queue: log(1 + sum_j exp(s_j - s+)).
struct info_nce_value {
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    const auto q = normalize(in.anchors);
    return mean(softplus(log_sum_exp(q, normalize(in.negatives), px::similarity::dot{}, 5) - 5 * dot(q, normalize(in.positives))));
  }
};

block<double> block_of(const golden::tensor& t) {
  block<double> b(t.extents[0], t.extents[1]);
  b.values = t.values;
  return b;
}

template <class Value>
void check_golden(const std::string& name, std::initializer_list<const char*> cases) {
  const golden::file file("objectives");
  for (const std::string c : cases) {
    CAPTURE(name, c);
    const auto z = block_of(file["z." + c.substr(0, c.find("tau"))]);
    const auto r = rows_support::self(px::objective::derived<Value>{}, z);
    CHECK(std::fabs(r.loss - file.number(name + "." + c + ".loss")) <= 1e-10 * (1 + std::fabs(r.loss)));
    CHECK(rows_support::distance(r.gradient, file[name + "." + c + ".dz"].values) < 1e-10);
  }
}

}  // namespace

TEST_CASE("derived: alignment, uniformity, VICReg, Barlow Twins and NT-Xent agree with PyTorch", "[objective][derived][golden]") {
  check_golden<alignment_value>("alignment", {"b1d3", "b2d3", "b7d16", "b64d3"});
  check_golden<uniformity_value>("uniformity", {"b1d3", "b2d3", "b7d16", "b64d3"});
  check_golden<vicreg_value>("vicreg", {"b2d3", "b7d16", "b64d3"});
  check_golden<barlow_value>("barlow", {"b2d3", "b7d16", "b64d3"});
  check_golden<nt_xent_value>("nt_xent.cosine", {"b1d3tau0.5", "b7d16tau0.5", "b64d16tau0.5"});
}

TEST_CASE("derived: against a queue the value is InfoNCE as PyTorch has it", "[objective][derived][golden]") {
  const golden::file file("objectives");
  for (const std::string c : {"b1d3k4", "b2d16k7", "b7d16k33"}) {
    CAPTURE(c);
    const auto q = block_of(file["info_nce." + c + ".q"]), k = block_of(file["info_nce." + c + ".k"]), n = block_of(file["info_nce." + c + ".n"]);
    const auto r = rows_support::target(px::objective::derived<info_nce_value>{}, q, k, n, 1);
    CHECK(r.loss == Approx(file.number("info_nce." + c + ".cosine.loss")).epsilon(1e-10));
    CHECK(rows_support::distance(r.gradient, file["info_nce." + c + ".cosine.dq"].values) < 1e-10);
  }
}

TEST_CASE("derived: the derived gradient of BYOL's loss is the hand-written one", "[objective][derived]") {
  for (const index_t b : {1, 7, 31}) {
    const auto z = draw<double>(2 * b, 9, 11), t = draw<double>(2 * b, 9, 12);
    const auto derived = rows_support::target(px::objective::derived<byol_value>{}, z, t);
    const auto written = rows_support::target(px::objective::negative_cosine{}, z, t);
    CHECK(derived.loss == Approx(written.loss).epsilon(1e-13));
    CHECK(rows_support::distance(derived.gradient, written.gradient) < 1e-13);
  }
}

TEST_CASE("derived: a gradient stops at targets and flows into both views without one", "[objective][derived]") {
  const auto z = draw<double>(6, 4, 21);
  const auto alone = rows_support::self(px::objective::derived<alignment_value>{}, z);
  const auto target = rows_support::target(px::objective::derived<alignment_value>{}, z, z);
  CHECK(alone.loss == Approx(target.loss).epsilon(1e-10));
  // Each row meets its positive twice without a target: once asking, once asked.
  std::vector<double> twice = target.gradient;
  for (double& v : twice) v *= 2;
  CHECK(rows_support::distance(alone.gradient, twice) < 1e-12);
}

namespace {
struct with_settings {
  px::setting<float> weight = px::default_value(0.25f);
  static constexpr const char* name = "with_settings";
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("weight", self.weight);
  }
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    return mean(in.anchors) + weight * sum(in.anchors);
  }
};
}  // namespace

TEST_CASE("derived: settings of the value are the objective's, its name too", "[objective][derived]") {
  using objective = px::objective::derived<with_settings>;
  CHECK(std::string(objective::name) == "with_settings");
  CHECK(std::string(px::objective::derived<byol_value>::name) == "derived");
  block<double> z(2, 2);
  z.values = {1, 2, 3, 4};
  CHECK(rows_support::self(objective{}, z).loss == 5);
  objective chosen{{.weight = 2.0f}};
  CHECK(rows_support::self(chosen, z).loss == 22.5);
  int visited = 0;
  objective::fields(chosen, [&](std::string_view name, auto& member) {
    CHECK(name == "weight");
    CHECK(member.chosen());
    ++visited;
  });
  CHECK(visited == 1);
}

TEST_CASE("derived: planned in constant evaluation, and what runs takes exactly what was planned", "[objective][derived]") {
  constexpr auto planned = [] {
    using counter = px::backend::count<>;
    counter be;
    px::workspace memory;
    px::comm::null alone;
    const px::context<counter, float> ctx{&be, &memory, &alone};
    const px::tensor_view<const float> z{nullptr, px::extents(64, 16)};
    rows_support::pass(px::objective::derived<uniformity_value>{}, ctx, px::objective::self_pairs<float>{z, 2}, 1.0f,
                       px::tensor_view<float>{nullptr, z.shape}, px::tensor_view<float>{nullptr, px::extents(1)});
    return memory.peak();
  };
  static_assert(planned() > 2 * 64 * 16 * sizeof(float) && planned() < 8 * 64 * 16 * sizeof(float));
  CHECK(rows_support::self<float>(px::objective::derived<uniformity_value>{}, draw<float>(64, 16, 2)).bytes == planned());
}

TEST_CASE("derived: what cannot be computed is said in a sentence", "[objective][derived][error]") {
  using Catch::Contains;
  using namespace px::objective::row;
  const auto z = draw<double>(6, 3, 1), t = draw<double>(6, 3, 2);
  CHECK_THROWS_WITH(rows_support::self(of([](const auto& in) { return mean(view<2>(in)); }), z), Contains("objective.205"));
  CHECK_THROWS_WITH(rows_support::self(of([](const auto& in) { return mean(in.anchors); }), z, 4), Contains("shape.201"));
  CHECK_THROWS_WITH(rows_support::self(of([](const auto& in) { return mean(log_sum_exp(view<0>(in), px::similarity::dot{})); }), draw<double>(2, 3, 1)),
                    Contains("objective.207"));
  CHECK_THROWS_WITH(rows_support::target(of([](const auto& in) { return mean(in.negatives); }), z, t), Contains("value.212"));
}
