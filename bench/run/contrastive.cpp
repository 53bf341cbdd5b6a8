// SPDX-License-Identifier: BSD-3-Clause
// NT-Xent with cosine similarity over rows of 128, loss and gradient, as a SimCLR step runs them.
#include <string>

#include <pretext/objective/contrastive.hpp>

#include "bench.hpp"

namespace {

using namespace bench;

constexpr index_t width = 128;

void run_one(const options& o, backend_type& be, index_t rows) {
  const std::string name = std::to_string(rows) + " rows";
  if (!o.wants(name)) return;
  if (o.list) return void(std::printf("%s\n", name.c_str()));
  if (o.exports() && rows > 4096) return;  // every path is in the smaller ones

  const tensor z(px::extents(rows, width), 1), d(z.shape), loss(px::extents(1));
  const px::objective::nt_xent<> objective{.temperature = 0.5f};
  planned ours(be, [&](const auto& ctx) {
    const px::objective::self_pairs<float> in{z.in(), 2};
    typename px::objective::nt_xent<>::cache<float> kept{};
    objective.loss(ctx, in, {}, kept, loss.view());
    ctx(px::op::fill, 0.0f, d.view());
    objective.gradient(ctx, 1.0f, in, {}, kept, d.view(), px::no_gradient{});
  });
  if (o.exports()) {
    ours();
    archive all;
    all.add("z", z);
    all.add("loss", loss);
    all.add("dz", d);
    return all.write(o, "contrastive", name);
  }
  // The least that is known to do: scores of each pair once and once again for the gradient, and W Z (4 M^2 D); autograd's 6.
  const double gflop = 4e-9 * static_cast<double>(rows) * static_cast<double>(rows) * static_cast<double>(width);
  report(o, "contrastive", name, {.gflop = gflop, .scratch_mb = ours.scratch_mb()}, ours);
}

void measure(const options& o) {
  backend_type be(o.threads);
  for (const index_t rows : {512, 1024, 2048, 4096, 8192, 16384, 32768}) run_one(o, be, rows);
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
