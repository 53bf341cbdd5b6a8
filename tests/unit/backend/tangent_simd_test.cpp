// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/backend/simd/simd.hpp"
#include "pretext/nn/activation.hpp"
#include "pretext/nn/conv2d.hpp"
#include "pretext/nn/layer_norm.hpp"
#include "pretext/nn/linear.hpp"
#include "pretext/nn/pool2d.hpp"
#include "pretext/nn/sequential.hpp"
#include "tangent_support.hpp"

using namespace tangent_test;

namespace {

/// max|d| / max|ref|
template <class T>
double error_of(const std::vector<T>& a, const std::vector<double>& b) {
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    worst = std::fmax(worst, std::fabs(static_cast<double>(a[i]) - b[i]));
    largest = std::fmax(largest, std::fabs(b[i]));
  }
  return largest == 0 ? worst : worst / largest;
}

/// simd on one thread and on three, in float and double, against the reference.
template <class Spec, class In>
void check_simd(const Spec& spec, const In& shape, index_t batch) {
  const auto layer = nn::bind(spec, shape);
  const extents in = static_cast<extents>(shape).prepend(batch);
  const numbers g = random_numbers(layer, in);
  px::backend::reference be;
  const moved<double> exact = run_pairs<double>(be, layer, in, g);
  px::backend::simd<> one(1), three(3);
  const moved<double> d = run_pairs<double>(one, layer, in, g);
  CHECK(error_of(d.dx_moves, exact.dx_moves) <= 1e-10);
  CHECK(error_of(d.d_parameters_move, exact.d_parameters_move) <= 1e-10);
  const moved<float> f = run_pairs<float>(one, layer, in, g), t = run_pairs<float>(three, layer, in, g);
  CHECK(error_of(f.dx_moves, exact.dx_moves) <= 1e-5);
  CHECK(error_of(f.d_parameters_move, exact.d_parameters_move) <= 1e-5);
  CHECK(f.dx_moves == t.dx_moves);
  CHECK(f.d_parameters_move == t.d_parameters_move);
}

}  // namespace

TEST_CASE("tangent: simd agrees with the reference, rows", "[backend][tangent][simd]") {
  check_simd(nn::sequential<nn::linear<33>, nn::layer_norm, nn::tanh, nn::linear<31>, nn::leaky_relu<1, 5>, nn::linear<1>>{}, px::features<7>{}, 257);
}
TEST_CASE("tangent: simd agrees with the reference, pictures", "[backend][tangent][simd]") {
  check_simd(nn::sequential<nn::conv2d<16, 3>, nn::leaky_relu<1, 5>, nn::conv2d<16, 3>, nn::max_pool2d<2>, nn::flatten, nn::linear<1>>{}, px::image<3, 8, 8>{}, 3);
}
