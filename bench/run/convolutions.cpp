// SPDX-License-Identifier: BSD-3-Clause
// The convolutions of ResNet-18 with a CIFAR stem at batch 128: forward, gradient of the input, gradient of the weights.
#include <string>

#include "bench.hpp"
#include "convolution_work.hpp"

namespace {

using namespace bench;

struct layer {
  index_t in, out, kernel, stride, side;
  std::string name() const {
    return std::to_string(in) + "-" + std::to_string(out) + " " + std::to_string(kernel) + "x" + std::to_string(kernel) +
           (stride == 1 ? "" : " s" + std::to_string(stride)) + " " + std::to_string(side) + "x" + std::to_string(side);
  }
  px::conv2d_geometry geometry() const {
    const index_t pad = kernel / 2, to = px::window_extent(side, kernel, stride, pad);
    return {side, side, in, to, to, out, kernel, kernel, stride, stride, pad, pad, 1};
  }
};

constexpr layer layers[]{{3, 64, 3, 1, 32},   {64, 64, 3, 1, 32},  {64, 128, 3, 2, 32}, {64, 128, 1, 2, 32},
                         {128, 128, 3, 1, 16}, {128, 256, 3, 2, 16}, {128, 256, 1, 2, 16}, {256, 256, 3, 1, 8},
                         {256, 512, 3, 2, 8}, {256, 512, 1, 2, 8},  {512, 512, 3, 1, 4}};

void run_one(const options& o, backend_type& be, const layer& l) {
  const auto wanted = [&](const std::string& pass) {
    const std::string name = l.name() + " " + pass;
    if (o.list && o.wants(name)) std::printf("%s\n", name.c_str());
    return !o.list && o.wants(name);
  };
  const bool forward = wanted("forward"), input_gradient = wanted("input_gradient"), weight_gradient = wanted("weight_gradient");
  if (!forward && !input_gradient && !weight_gradient) return;

  const index_t batch = o.exports() ? 3 : 128;
  const auto g = l.geometry();
  const tensor x(px::extents(batch, g.in_h, g.in_w, g.in_c), 1), w(px::extents(1, g.kernel_h, g.kernel_w, g.in_c, g.out_c), 2),
      dy(px::extents(batch, g.out_h, g.out_w, g.out_c), 3);
  const tensor y(dy.shape), dx(x.shape), dw(w.shape);
  const px::tensor_view<const float> no_bias{};
  const auto pass = [&](const std::string& name, const tensor& result, auto&& compute) {
    planned ours(be, compute);
    if (!o.exports())
      return report(o, "convolutions", l.name() + " " + name,
                    {.gflop = convolution_gflop(l.in, l.out, l.kernel, l.stride, l.side) * static_cast<double>(batch), .scratch_mb = ours.scratch_mb()}, ours);
    ours();
    archive all;
    all.add("x", x);
    all.add("w", w);
    all.add("dy", dy);
    all.add("result", result);
    all.write(o, "convolutions", l.name() + " " + name);
  };
  if (forward) pass("forward", y, [&](const auto& ctx) { ctx(px::op::conv2d, x.in(), w.in(), no_bias, y.view(), g); });
  if (input_gradient)
    pass("input_gradient", dx, [&](const auto& ctx) { ctx(px::op::conv2d_input_gradient, dy.in(), w.in(), dx.view(), g); });
  if (weight_gradient)  // accumulates: from zero in the one run of an export, on and on in a timed one
    pass("weight_gradient", dw, [&](const auto& ctx) { ctx(px::op::conv2d_weight_gradient, x.in(), dy.in(), dw.view(), g); });
}

void measure(const options& o) {
  backend_type be(o.threads);
  for (const layer& l : layers) run_one(o, be, l);
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
