// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/method/gradient_penalty.hpp"

#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/nn/activation.hpp"
#include "pretext/nn/linear.hpp"
#include "pretext/nn/sequential.hpp"
#include "pretext/nn/spectral_norm.hpp"
#include "pretext/objective/adversarial.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace px = pretext;
namespace nn = pretext::nn;
using px::index_t;

namespace {
using be_type = px::backend::reference;

/// A penalty of a discriminator on numbers of one's own, in planned memory.
template <class Bound>
class alone {
 public:
  explicit alone(const Bound& layer) : part_("net", layer) {
    px::table_builder builder(table);
    layer.parameters(builder);
    parameters = px::buffer<double>(table.parameter_extent);
    gradients = px::buffer<double>(table.parameter_extent);
    buffers = px::buffer<double>(table.buffer_extent);
  }
  template <class R>
  double penalty(const R& regularizer, const std::vector<double>& x, const px::extents& e) {
    double value = NAN;
    for (double& g : gradients) g = 0;
    px::comm::null one;
    const auto walk = [&](px::workspace& memory) {
      px::train::step_scope<px::context<be_type, double>, std::tuple<>> s;
      s.ctx = {&be_, &memory, &one};
      s.players[0] = {parameters.view(), gradients.view(), buffers.view(), {}, {}, {}, nullptr};
      const auto r = s.forward(part_, px::activations<const double>(px::tensor_view<const double>{x.data(), e}));
      px::method::add_gradient_penalty(regularizer, s, part_, r, px::tensor_view<double>{&value, px::extents(1)});
    };
    px::workspace plan;
    walk(plan);
    px::buffer<std::byte> block(static_cast<index_t>(plan.peak()));
    px::workspace memory(block.data(), plan.peak());
    walk(memory);
    return value;
  }
  px::parameter_table table;
  px::buffer<double> parameters, gradients, buffers;

 private:
  px::train::part<Bound> part_;
  be_type be_;
};

template <class R>
void check_golden(const R& regularizer, const std::string& name) {
  const golden::file f("generators");
  const auto layer = nn::bind(nn::sequential<nn::linear<5>, nn::tanh, nn::linear<1>>{}, px::features<3>{});
  alone<std::remove_cvref_t<decltype(layer)>> d(layer);
  for (const auto& e : d.table.parameters) px::from_file_order(e, f[name + "." + e.name].values.data(), d.parameters.data() + e.offset);
  const double value = d.penalty(regularizer, f[name + ".x"].values, {6, 3});
  CHECK(std::fabs(value - f.number(name + ".value")) <= 1e-10 * value);
  for (const auto& e : d.table.parameters) {
    INFO(e.name);
    std::vector<double> g(static_cast<std::size_t>(e.size));
    px::to_file_order(e, d.gradients.data() + e.offset, g.data());
    if (e.name == "2.bias") {
      CHECK(g[0] == 0);  // no slope depends on it
      continue;
    }
    const auto exact = f[name + ".d" + e.name].values;
    double largest = 0;
    for (const double v : exact) largest = std::fmax(largest, std::fabs(v));
    for (std::size_t i = 0; i < g.size(); ++i) CHECK(std::fabs(g[i] - exact[i]) <= 1e-10 * largest);
  }
}
}  // namespace

TEST_CASE("gradient penalties: value and gradient are those of PyTorch's double backpropagation", "[method][penalty][golden]") {
  check_golden(px::regularizer::r1{.weight = 10.0}, "penalty.r1");
  check_golden(px::regularizer::gp{.weight = 10.0}, "penalty.gp");
}

TEST_CASE("gradient penalties: of a discriminator under spectral_norm, whose vectors stay", "[method][penalty][spectral_norm]") {
  using norm = nn::sequential<nn::spectral_norm<nn::linear<4>>, nn::tanh, nn::linear<1>>;
  const norm spec{};
  const auto layer = nn::bind(spec, px::features<2>{});
  alone<std::remove_cvref_t<decltype(layer)>> d(layer);
  px::initialise(std::span<const px::parameter_entry>(d.table.parameters), d.parameters.data(), 3);
  px::initialise(std::span<const px::parameter_entry>(d.table.buffers), d.buffers.data(), 4);
  const std::vector<double> x{0.3, -1, 2, 0.5, -0.7, 0.1};
  for (int i = 0; i < 400; ++i) d.penalty(px::regularizer::r1{.weight = 2.0}, x, {3, 2});  // the iteration settles
  d.penalty(px::regularizer::r1{.weight = 2.0}, x, {3, 2});
  const std::vector<double> g(d.gradients.begin(), d.gradients.end());
  double largest = 0, worst = 0;
  for (const auto& e : d.table.parameters)
    for (index_t i = e.offset; i < e.offset + e.size; ++i) {
      const double h = 1e-5, at = d.parameters[i];
      const auto settled = [&](double v) {
        d.parameters[i] = v;
        double value = 0;
        for (int k = 0; k < 400; ++k) value = d.penalty(px::regularizer::r1{.weight = 2.0}, x, {3, 2});
        d.parameters[i] = at;
        return value;
      };
      worst = std::fmax(worst, std::fabs((settled(at + h) - settled(at - h)) / (2 * h) - g[static_cast<std::size_t>(i)]));
      largest = std::fmax(largest, std::fabs(g[static_cast<std::size_t>(i)]));
    }
  CHECK(largest > 0.01);
  CHECK(worst < 1e-8 * std::fmax(largest, 1.0));
}
