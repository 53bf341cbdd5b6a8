// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <Eigen/Core>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/nn/layer.hpp"
#include "support/golden.hpp"

/// A bound network with memory of its own, for tests that run one without a trainer.
namespace network {

namespace px = pretext;
using px::index_t;

/// The reference with convolutions as products of a patch matrix, so that whole networks in double take seconds.
struct patches {
  static constexpr const char* name = "patches";
  px::backend::reference plain;
  std::vector<double> columns;
  template <class... A>
  static constexpr std::size_t scratch_bytes(const A&...) {
    return 0;
  }

  template <class Op, class... A>
  void run(Op op, px::workspace& w, A&&... a) {
    plain.run(op, w, static_cast<A&&>(a)...);
  }
  template <class X, class W, class B, class Y>
  void run(px::op::conv2d_op, px::workspace&, const X& x, const W& weight, const B&, const Y& y, const px::conv2d_geometry& g) {
    cut(x.data, x.extent(0), g);
    matrix(y.data, y.rows(), g.out_c) = matrix(columns.data(), y.rows(), g.patch()) * matrix(weight.data, g.patch(), g.out_c);
  }
  template <class X, class DY, class DW>
  void run(px::op::conv2d_weight_gradient_op, px::workspace&, const X& x, const DY& dy, const DW& dw, const px::conv2d_geometry& g) {
    cut(x.data, x.extent(0), g);
    matrix(dw.data, g.patch(), g.out_c) += matrix(columns.data(), dy.rows(), g.patch()).transpose() * matrix(dy.data, dy.rows(), g.out_c);
  }
  template <class DY, class W, class DX>
  void run(px::op::conv2d_input_gradient_op, px::workspace&, const DY& dy, const W& weight, const DX& dx, const px::conv2d_geometry& g) {
    columns.resize(static_cast<std::size_t>(dy.rows() * g.patch()));
    matrix(columns.data(), dy.rows(), g.patch()) = matrix(dy.data, dy.rows(), g.out_c) * matrix(weight.data, g.patch(), g.out_c).transpose();
    for (double& v : dx) v = 0;
    each(dy.extent(0), g, [&](index_t at, index_t pixel) { if (pixel >= 0) dx.data[pixel] += columns[static_cast<std::size_t>(at)]; });
  }

 private:
  using rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  static Eigen::Map<const rows> matrix(const double* p, index_t r, index_t c) { return {p, r, c}; }
  static Eigen::Map<rows> matrix(double* p, index_t r, index_t c) { return {p, r, c}; }
  template <class F>
  static void each(index_t samples, const px::conv2d_geometry& g, F&& f) {
    index_t at = 0;
    for (index_t b = 0; b < samples; ++b)
      for (index_t i = 0; i < g.out_h; ++i)
        for (index_t j = 0; j < g.out_w; ++j)
          for (index_t u = 0; u < g.kernel_h; ++u)
            for (index_t v = 0; v < g.kernel_w; ++v) {
              const index_t y = i * g.stride_h + u - g.pad_h, x = j * g.stride_w + v - g.pad_w;
              const bool inside = y >= 0 && y < g.in_h && x >= 0 && x < g.in_w;
              for (index_t c = 0; c < g.in_c; ++c) f(at++, inside ? ((b * g.in_h + y) * g.in_w + x) * g.in_c + c : -1);
            }
  }
  void cut(const double* x, index_t samples, const px::conv2d_geometry& g) {
    columns.resize(static_cast<std::size_t>(samples * g.out_h * g.out_w * g.patch()));
    each(samples, g, [&](index_t at, index_t pixel) { columns[static_cast<std::size_t>(at)] = pixel < 0 ? 0.0 : x[pixel]; });
  }
};

template <class Spec, class In, class Backend = px::backend::reference>
struct runner {
  using bound = px::nn::bound_t<Spec, In>;
  bound layer;
  px::parameter_table table;
  std::vector<double> parameters, gradients, buffers;
  Backend be;
  // Not planned but plenty, and only touched where it is used: a plan would compile the network once more.
  static constexpr std::size_t block_bytes = std::size_t{1} << 29;
  std::unique_ptr<std::byte[]> block{new std::byte[block_bytes]};

  explicit runner(const In& in = {}) : layer(px::nn::bind(Spec{}, in)) {
    px::table_builder builder(table);
    layer.parameters(builder);
    parameters.resize(static_cast<std::size_t>(table.parameter_extent));
    gradients.resize(parameters.size());
    buffers.resize(static_cast<std::size_t>(table.buffer_extent));
    px::initialise(table.parameters, parameters.data(), 1);
    px::initialise(table.buffers, buffers.data(), 1);
  }
  /// Every parameter by the formula of tests/golden/formula.py.
  void fill_by_formula(bool rounded = false) {
    for (const px::parameter_entry& e : table.parameters) {
      std::vector<index_t> shape;
      for (int i = 0; i < e.file_shape.rank; ++i) shape.push_back(e.file_shape[i]);
      std::vector<double> file = golden::parameter(e.name, shape);
      if (rounded)
        for (double& v : file) v = static_cast<float>(v);
      px::from_file_order(e, file.data(), parameters.data() + e.offset);
    }
  }
  std::vector<double> file_values(const std::vector<px::parameter_entry>& list, const std::vector<double>& data, const std::string& name) const {
    for (const px::parameter_entry& e : list)
      if (e.name == name) {
        std::vector<double> file(static_cast<std::size_t>(e.size));
        px::to_file_order(e, data.data() + e.offset, file.data());
        return file;
      }
    throw px::error("test.001", "no entry " + name);
  }
  std::vector<double> gradient(const std::string& name) const { return file_values(table.parameters, gradients, name); }
  std::vector<double> buffer(const std::string& name) const { return file_values(table.buffers, buffers, name); }

  /// y, and with coefficients the gradient of sum(y coefficients) in all parameters and in x.
  std::vector<double> run(const px::extents& shape, const std::vector<double>& x, px::run_mode mode, const std::vector<double>* coefficients = nullptr,
                          std::vector<double>* dx = nullptr) {
    px::workspace memory(block.get(), block_bytes);
    px::comm::null alone;
    px::context<Backend, double> ctx{&be, &memory, &alone};
    ctx.mode = mode;
    const px::parameter_view<double> p{parameters.data(), buffers.data()};
    const px::activations<const double> in(px::tensor_view<const double>{x.data(), shape});
    const px::activations<double> y(ctx.take(px::nn::output_extents(layer, shape)));
    typename bound::template cache<double> kept{};
    layer.forward(ctx, p, in, y, kept);
    if (coefficients != nullptr) {
      const px::activations<const double> dy(px::tensor_view<const double>{coefficients->data(), y.shape});
      const px::activations<double> d(ctx.take(shape));
      layer.backward(ctx, p, in, kept, dy, d, px::gradient_view<double>{gradients.data()});
      dx->assign(d.begin(), d.end());
    }
    return {y.begin(), y.end()};
  }
};

/// (B, C, H, W) -> (B, H, W, C)
inline std::vector<double> channels_last(const std::vector<double>& x, index_t b, index_t c, index_t h, index_t w) {
  std::vector<double> y(x.size());
  for (index_t n = 0; n < b; ++n)
    for (index_t k = 0; k < c; ++k)
      for (index_t p = 0; p < h * w; ++p)
        y[static_cast<std::size_t>((n * h * w + p) * c + k)] = x[static_cast<std::size_t>((n * c + k) * h * w + p)];
  return y;
}
inline double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

}  // namespace network
