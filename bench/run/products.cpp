// SPDX-License-Identifier: BSD-3-Clause
// Matrix products as layers ask for them, and Eigen's of the same matrices.
#if defined(__GNUC__) && !defined(__clang__)
// Both are of g++ 12's own header of intrinsics, where Eigen's product is inlined.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <string>

#include <Eigen/Core>

#include "bench.hpp"

namespace {

using namespace bench;

struct product {
  index_t m, n, k;
  bool transpose_b;
  std::string name() const {
    return std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) + (transpose_b ? " bt" : "");
  }
};

// The last six: the head of a network, a recurrent step, a convolution as a product, scores of a contrastive loss, a
// vocabulary, a feed-forward layer.
constexpr product shapes[]{{512, 512, 512, false},      {1024, 1024, 1024, false}, {2048, 2048, 2048, false},
                           {256, 128, 512, false},      {32, 2048, 512, false},    {25088, 64, 576, false},
                           {4096, 4096, 128, true},     {1280, 10000, 512, false}, {4096, 1024, 256, false}};

void run_one(const options& o, backend_type& be, product p) {
  const std::string name = p.name();
  if (!o.wants(name)) return;
  if (o.list) return void(std::printf("%s\n", name.c_str()));
  if (o.exports()) {  // a small form keeps the depth, and more than one tile of everything
    p.m = std::min<index_t>(p.m, 400);
    p.n = std::min<index_t>(p.n, 300);
  }
  const tensor a(px::extents(p.m, p.k), 1), b(p.transpose_b ? px::extents(p.n, p.k) : px::extents(p.k, p.n), 2), c(px::extents(p.m, p.n));
  const auto multiply = [&](const auto& ctx) {
    ctx(px::op::matmul, a.in(), b.in(), c.view(), px::op::matmul_options{.transpose_b = p.transpose_b});
  };
  planned ours(be, multiply);
  if (o.exports()) {
    ours();
    archive all;
    all.add("a", a);
    all.add("b", b);
    all.add("c", c);
    return all.write(o, "products", name);
  }
  const double gflop = 2e-9 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  report(o, "products", name, {.gflop = gflop, .scratch_mb = ours.scratch_mb()}, ours);

  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using eigen_view = Eigen::Map<matrix, Eigen::Aligned64>;
  const auto as_eigen = [](const tensor& t) { return eigen_view(t.memory.data(), t.shape[0], t.shape[1]); };
  const eigen_view ea = as_eigen(a), eb = as_eigen(b);
  eigen_view ec = as_eigen(c);
  report(o, "products", name, {.gflop = gflop, .peer = "eigen"}, [&] {
    if (p.transpose_b)
      ec.noalias() = ea * eb.transpose();
    else
      ec.noalias() = ea * eb;
  });
}

void measure(const options& o) {
  backend_type be(o.threads);
  Eigen::setNbThreads(o.threads);
  for (const product& p : shapes) run_one(o, be, p);
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
