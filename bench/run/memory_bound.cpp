// SPDX-License-Identifier: BSD-3-Clause
// What memory bounds: the optimizer's and the moving average's pass over 10 M parameters, and layers and row operations on
// activations of 64 MB, too large for the caches.
#include <string>

#include <pretext/nn/activation.hpp>
#include <pretext/nn/batch_norm.hpp>
#include <pretext/nn/layer_norm.hpp>
#include <pretext/nn/sequential.hpp>
#include <pretext/optimizer/adamw.hpp>

#include "bench.hpp"

namespace {

using namespace bench;

class suite {
 public:
  explicit suite(const options& o) : o_(o), be_(o.threads) {}

  void optimizer() {
    if (!wanted("adamw 10M")) return;
    const index_t n = o_.exports() ? 10'007 : 10'000'000;
    const tensor g(px::extents(n), 1), p(px::extents(n), 2), m(px::extents(n), 3), v{px::extents(n)};
    fill(v.view(), 4, 0, 1);
    const px::update_range range{.offset = 0, .size = n};
    const px::tensor_view<const px::update_range> ranges{&range, {1}};
    px::optimizer::adamw rule;
    px::player_inputs inputs;
    inputs.rate = rule.rate;
    rule.write_inputs(inputs, 9);
    archive all;
    std::vector<float> before;
    if (o_.exports()) {
      for (const tensor* t : {&g, &p, &m, &v}) before.insert(before.end(), t->memory.begin(), t->memory.end());
      all.add("before", px::tensor_view<const float>{before.data(), {4, n}});
    }
    // g, p, m and v, read and written: the update zeroes g. PyTorch's does not (28 bytes): its backward pass makes new ones.
    finish("adamw 10M", 32e-9 * static_cast<double>(n), all, {{"p", &p}, {"m", &m}, {"v", &v}}, [&](const auto& ctx) {
      ctx(px::op::update, rule, ranges, px::tensor_view<const double>{}, &inputs, g.view(), p.view(), m.view(), v.view());
    });
  }
  void moving_average() {
    if (!wanted("ema 10M")) return;
    const index_t n = o_.exports() ? 10'007 : 10'000'000;
    const tensor source(px::extents(n), 1), target(px::extents(n), 2);
    const double momentum = 0.99;
    archive all;
    std::vector<float> before(target.memory.begin(), target.memory.end());
    all.add("source", source);
    all.add("before", px::tensor_view<const float>{before.data(), target.shape});
    finish("ema 10M", 12e-9 * static_cast<double>(n), all, {{"target", &target}},
           [&](const auto& ctx) { ctx(px::op::lerp, &momentum, source.in(), target.view()); });
  }
  /// Rows of logits to a loss each, and to the gradient in the same pass.
  void softmax() {
    const index_t rows = o_.exports() ? 37 : 4096, columns = 4096;
    if (!wanted("softmax_cross_entropy loss") && !wanted("softmax_cross_entropy both")) return;
    const tensor x(px::extents(rows, columns), 1), losses{px::extents(rows)}, dx(x.shape);
    std::vector<std::int32_t> labels(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i * 7 % static_cast<std::size_t>(columns));
    const px::tensor_view<const std::int32_t> label_view{labels.data(), {rows}};
    const double values = static_cast<double>(rows * columns);
    archive all;
    all.add("x", x);
    if (wanted("softmax_cross_entropy loss"))
      finish("softmax_cross_entropy loss", 4e-9 * values, all, {{"losses", &losses}}, [&](const auto& ctx) {
        ctx(px::op::softmax_cross_entropy, x.in(), label_view, losses.view(), px::tensor_view<float>{});
      });
    if (wanted("softmax_cross_entropy both"))
      finish("softmax_cross_entropy both", 8e-9 * values, all, {{"losses", &losses}, {"dx", &dx}}, [&](const auto& ctx) {
        ctx(px::op::softmax_cross_entropy, x.in(), label_view, losses.view(), dx.view());
      });
  }

  /// A layer forward, and forward and backward. `forward_passes` and `backward_passes`: how often a value of the size of x
  /// has to cross between memory and processor.
  template <class Spec, class Shape>
  void layer(const std::string& name, index_t rows, int forward_passes, int backward_passes) {
    const std::string forward = name + " forward", both = name + " both";
    const bool do_forward = wanted(forward), do_both = wanted(both);
    if (!do_forward && !do_both) return;
    if (o_.exports()) rows = 5;
    const px::nn::bound_t<Spec, Shape> bound(Spec{}, Shape{});
    const px::segment_size sizes = px::segment_of(bound);
    const tensor x(static_cast<px::extents>(Shape{}).prepend(rows), 1), dy(x.shape, 2), y(x.shape), dx(x.shape);
    const tensor weights(px::extents(sizes.parameters + 1)), d_weights(weights.shape), buffers(px::extents(sizes.buffers + 1));
    fill(weights.view(), 3, 0.5f, 1.5f);
    const px::parameter_view<float> parameters{weights.memory.data(), buffers.memory.data()};
    using cache_type = typename px::nn::bound_t<Spec, Shape>::template cache<float>;
    const double gbytes = 4e-9 * static_cast<double>(x.shape.size());
    archive all;
    all.add("x", x);
    all.add("dy", dy);
    all.add("weights", weights);
    if (do_forward)
      finish(forward, gbytes * forward_passes, all, {{"y", &y}}, [&](const auto& ctx) {
        cache_type kept{};
        bound.forward(ctx, parameters, px::activations<const float>(x.in()), px::activations<float>(y.view()), kept);
      });
    if (do_both)
      finish(both, gbytes * (forward_passes + backward_passes), all, {{"y", &y}, {"dx", &dx}, {"d_weights", &d_weights}}, [&](const auto& ctx) {
        cache_type kept{};
        bound.forward(ctx, parameters, px::activations<const float>(x.in()), px::activations<float>(y.view()), kept);
        bound.backward(ctx, parameters, px::activations<const float>(x.in()), kept, px::activations<const float>(dy.in()),
                       px::activations<float>(dx.view()), px::gradient_view<float>{d_weights.memory.data()});
      });
  }

 private:
  struct result {
    const char* name;
    const tensor* value;
  };
  bool wanted(const std::string& name) {
    if (o_.list && o_.wants(name)) std::printf("%s\n", name.c_str());
    return !o_.list && o_.wants(name);
  }
  template <class F>
  void finish(const std::string& name, double gbytes, archive all, std::initializer_list<result> results, F&& f) {
    planned ours(be_, std::forward<F>(f));
    if (!o_.exports()) return report(o_, "memory_bound", name, {.gbytes = gbytes, .scratch_mb = ours.scratch_mb()}, ours);
    ours();
    for (const result& r : results) all.add(r.name, *r.value);
    all.write(o_, "memory_bound", name);
  }
  const options& o_;
  backend_type be_;
};

void measure(const options& o) {
  suite s(o);
  s.optimizer();
  s.moving_average();
  s.softmax();
  // x read and y written; x and dy read and dx written
  s.layer<px::nn::layer_norm, px::features<4096>>("layer_norm", 4096, 2, 3);
  s.layer<px::nn::gelu, px::features<4096>>("gelu", 4096, 2, 3);
  // statistics first, so what they are of is read twice: forward x, backward x and dy
  s.layer<px::nn::batch_norm, px::image<64, 32, 32>>("batch_norm", 256, 3, 5);
  s.layer<px::nn::sequential<px::nn::batch_norm, px::nn::relu>, px::image<64, 32, 32>>("batch_norm_relu", 256, 3, 5);
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
