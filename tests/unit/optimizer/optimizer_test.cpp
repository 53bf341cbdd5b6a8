// SPDX-License-Identifier: BSD-3-Clause
// Trajectories of the update rules against PyTorch's, in double, through the same ops as a trainer's step.
#include <array>
#include <cmath>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/optimizer/adamw.hpp"
#include "pretext/optimizer/sgd.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {
namespace px = pretext;
namespace op = pretext::op;
namespace optimizer = pretext::optimizer;
using px::extents;
using px::index_t;
using px::tensor_view;

const golden::file& file() {
  static const golden::file f("optimizers");
  return f;
}
enum class acts_on { all, weight };  // what weight decay and adaptation touch

/// One flat vector of three parameters, stepped as step_scope::update does it.
template <class Rule, class T = double>
struct walker {
  Rule rule;
  std::array<px::update_range, 3> ranges;
  std::vector<T> p = file()["parameters"].as<T>(), s0 = std::vector<T>(20), s1 = std::vector<T>(20);
  px::player_inputs inputs{};
  double non_finite = 0;
  px::backend::reference be;
  px::workspace none;

  walker(const Rule& r, acts_on what)
      : rule(r), ranges{px::update_range{0, 12}, {12, 4, 1, what == acts_on::all ? 1.0 : 0.0, what == acts_on::all},
                        {16, 4, 1, what == acts_on::all ? 1.0 : 0.0, what == acts_on::all}} {}

  void step(std::vector<T> gradient, double rate, double max_norm = 0) {
    inputs.rate = rate;
    double squares = 0;
    std::array<double, 6> norms{};
    const tensor_view<T> g{gradient.data(), extents(20)};
    const tensor_view<T> parameters{p.data(), extents(20)};
    const tensor_view<const px::update_range> where{ranges.data(), extents(3)};
    be.run(op::sum_squares, none, px::as_const(g), tensor_view<double>{&squares, extents(1)});
    be.run(op::clip_scale, none, tensor_view<const double>{&squares, extents(1)}, max_norm, &inputs, &non_finite);
    be.run(op::begin_update, none, rule, &inputs);
    be.run(op::range_norms, none, px::as_const(parameters), px::as_const(g), where, tensor_view<double>{norms.data(), extents(3, 2)});
    be.run(op::update, none, rule, where, tensor_view<const double>{norms.data(), extents(3, 2)}, &inputs, g, parameters,
           tensor_view<T>{s0.data(), extents(20)}, tensor_view<T>{s1.data(), extents(20)});
    CHECK(gradient == std::vector<T>(20));
  }
};
std::vector<double> gradient(index_t step) {
  const auto all = file()["gradients"].values;
  return {all.begin() + 20 * step, all.begin() + 20 * (step + 1)};
}
template <class Rule>
void follow(const std::string& name, const Rule& rule, acts_on what = acts_on::all) {
  INFO(name);
  const bool has_rates = file().has(name + ".rates");
  const golden::tensor path = file()[name + ".path"];
  walker<Rule> w(rule, what);
  for (index_t s = 0; s < 5; ++s) {
    w.step(gradient(s), has_rates ? file()[name + ".rates"][s] : rule.rate.value());
    const std::vector<double> expected(path.values.begin() + 20 * s, path.values.begin() + 20 * (s + 1));
    INFO("step " << s);
    CHECK(golden::relative_error<double>(w.p, expected) < 1e-12);
  }
  CHECK(w.inputs.updates == 5);
}
}  // namespace

TEST_CASE("sgd: five steps are PyTorch's with momentum, Nesterov, decay and moving rates", "[optimizer][sgd]") {
  follow("sgd.plain", optimizer::sgd{.rate = 0.1, .momentum = 0.0});
  follow("sgd.momentum", optimizer::sgd{.rate = 0.1, .momentum = 0.9});
  follow("sgd.nesterov", optimizer::sgd{.rate = 0.1, .momentum = 0.9, .nesterov = true});
  follow("sgd.decay", optimizer::sgd{.rate = 0.1, .momentum = 0.9, .decay = 0.05});
  follow("sgd.nesterov_decay", optimizer::sgd{.rate = 0.02, .momentum = 0.8, .decay = 0.05, .nesterov = true});
  follow("sgd.rates", optimizer::sgd{.momentum = 0.9, .decay = 0.05});
  follow("sgd.excluded", optimizer::sgd{.rate = 0.1, .momentum = 0.9, .decay = 0.05}, acts_on::weight);
}

TEST_CASE("adam and adamw: five steps are PyTorch's with default and other settings", "[optimizer][adam][adamw]") {
  follow("adam.default", optimizer::adam{});
  follow("adam.other", optimizer::adam{.rate = 1e-2, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .decay = 0.1});
  follow("adam.rates", optimizer::adam{.beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .decay = 0.1});
  follow("adam.excluded", optimizer::adam{.rate = 1e-2, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .decay = 0.1}, acts_on::weight);
  follow("adamw.default", optimizer::adamw{});
  follow("adamw.other", optimizer::adamw{.rate = 1e-2, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .decay = 0.1});
  follow("adamw.rates", optimizer::adamw{.beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .decay = 0.1});
  follow("adamw.excluded", optimizer::adamw{.rate = 1e-2, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .decay = 0.1}, acts_on::weight);
}

TEST_CASE("lars: five steps follow the formula, biases and scales without adaptation", "[optimizer][lars]") {
  const optimizer::lars plain{.rate = 0.3, .momentum = 0.9, .decay = 1e-4, .trust = 1e-3, .eps = 0.0};
  follow("lars.all", plain);
  follow("lars.excluded", plain, acts_on::weight);
  follow("lars.rates", plain, acts_on::weight);
  follow("lars.eps", optimizer::lars{.rate = 0.3, .momentum = 0.9, .decay = 0.1, .trust = 0.02, .eps = 1e-8}, acts_on::weight);
}

TEST_CASE("lars: a weight or a gradient of zeros takes the plain rate and stays finite", "[optimizer][lars]") {
  walker<optimizer::lars> w(optimizer::lars{.momentum = 0.0, .decay = 0.0, .eps = 0.0}, acts_on::all);
  const std::vector<double> before = w.p, nothing(20, 0.0);
  w.step(nothing, 0.3);
  CHECK(w.p == before);
  std::fill(w.p.begin(), w.p.end(), 0.0);
  w.step(gradient(0), 0.5);
  for (std::size_t i = 0; i < 20; ++i) CHECK(w.p[i] == Approx(-0.5 * gradient(0)[i]).epsilon(1e-10).margin(1e-18));
}

TEST_CASE("clipping: the norm and the scale are those of all gradients together", "[optimizer][clip]") {
  for (const char* name : {"long", "short", "zero", "huge"}) {
    const std::string prefix = std::string("clip.") + name + ".";
    INFO(prefix);
    const std::vector<double> g = file()[prefix + "gradient"].values;
    walker<optimizer::sgd> w(optimizer::sgd{.momentum = 0.0}, acts_on::all);
    const std::vector<double> before = w.p;
    w.step(g, 1.0, file().number(prefix + "max_norm"));
    CHECK(w.inputs.gradient_norm == Approx(file().number(prefix + "total_norm")).epsilon(1e-12));
    CHECK(w.inputs.clip_scale == Approx(file().number(prefix + "scale")).epsilon(1e-12));
    for (std::size_t i = 0; i < 20; ++i) CHECK(before[i] - w.p[i] == Approx(file().number(prefix + "scale") * g[i]).epsilon(1e-10).margin(1e-12));
  }
}

TEST_CASE("clipping: a gradient that is not finite changes nothing and is no update", "[optimizer][clip]") {
  for (const double bad : {double{NAN}, HUGE_VAL, -HUGE_VAL}) {
    walker<optimizer::adamw> w(optimizer::adamw{}, acts_on::all);
    w.step(gradient(0), 1e-3);
    const auto p = w.p, s0 = w.s0, s1 = w.s1;
    std::vector<double> g = gradient(1);
    g[7] = bad;
    w.step(g, 1e-3, 1.0);
    CHECK(w.non_finite == 1);
    CHECK((w.p == p && w.s0 == s0 && w.s1 == s1));
    CHECK(w.inputs.updates == 1);
    w.step(gradient(1), 1e-3);  // and goes on as if it had not been there
    const golden::tensor path = file()["adamw.default.path"];
    CHECK(golden::relative_error<double>(w.p, std::vector<double>(path.values.begin() + 20, path.values.begin() + 40)) < 1e-12);
  }
}

TEST_CASE("optimizers: a range whose rate multiplier is 0 does not move", "[optimizer]") {
  const auto frozen = [](auto rule) {
    walker<decltype(rule)> w(rule, acts_on::all);
    w.ranges[0].rate_multiplier = 0;
    const auto before = w.p;
    for (index_t s = 0; s < 3; ++s) w.step(gradient(s), 0.1);
    CHECK(std::equal(before.begin(), before.begin() + 12, w.p.begin()));
    CHECK(before[15] != w.p[15]);
  };
  frozen(optimizer::sgd{.decay = 0.1});
  frozen(optimizer::adam{.decay = 0.1});
  frozen(optimizer::adamw{.decay = 0.1});
  frozen(optimizer::lars{.decay = 0.1});
}

TEST_CASE("optimizers: in float the paths are the same to float's accuracy", "[optimizer]") {
  walker<optimizer::adamw, float> w(optimizer::adamw{}, acts_on::all);
  for (index_t s = 0; s < 5; ++s) {
    const auto g = gradient(s);
    w.step(std::vector<float>(g.begin(), g.end()), 1e-3);
  }
  const golden::tensor path = file()["adamw.default.path"];
  const std::vector<double> last(path.values.begin() + 80, path.values.begin() + 100);
  CHECK(golden::relative_error<float>(w.p, last) < 1e-5);
}
