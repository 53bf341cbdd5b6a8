// SPDX-License-Identifier: BSD-3-Clause
// An encoder that reads a graph: neighbours come through the structure beside the numbers, and two noisy views are
// contrasted.
#include "pretext/nn/residual.hpp"
#include "pretext/objective/contrastive.hpp"
#include "proof.hpp"

namespace {
using namespace proof;
using px::objective::self_pairs;

// the network: y_v = sum of the neighbours' x, and x_v beside it (GIN with eps 0; arXiv:1810.00826)
struct sum_of_neighbours {
  static constexpr const char* name = "sum_of_neighbours";
  template <class In>
  struct bound : nn::bound_base<sum_of_neighbours, In> {
    using nn::bound_base<sum_of_neighbours, In>::bound_base;
    template <class T>
    struct cache {};
    constexpr In output() const { return this->input; }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, px::parameter_view<T>, activations<const T> x, activations<T> y,
                           cache<T>&) const {
      ctx(op::aggregate_neighbours, x, *x.structure, false, y);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, px::parameter_view<T>, activations<const T> x, const cache<T>&,
                            activations<const T> dy, Dx dx, Dp) const {
      if constexpr (px::is_wanted<Dx>) {
        ctx(op::fill, T(0), dx);
        ctx(op::aggregate_neighbours_backward, dy, *x.structure, false, dx);
      }
    }
  };
};
using gather = nn::residual<sum_of_neighbours>;

// the family
struct graphs {
  const double* x = nullptr;  // (nodes, 3)
  px::extent structure;
};
template <class R>
class graph_contrast {
 public:
  using batch_type = graphs;
  static constexpr const char* name = "graph_contrast";
  using encoder_type = nn::bound_t<typename R::encoder, px::nodes<3>>;
  struct settings {
    px::optimizer::sgd optimizer{.rate = 0.1};
    px::objective::nt_xent<> objective{};
    px::setting<index_t> batch_size = px::default_value(4), nodes = px::default_value(40);
    px::setting<std::uint64_t> seed = px::default_value(1);
    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("optimizer", self.optimizer), visit("objective", self.objective), visit("batch_size", self.batch_size);
      visit("nodes", self.nodes), visit("seed", self.seed);
    }
  };
  explicit graph_contrast(const settings& s)
      : settings_(s), encoder_("encoder", nn::bind(typename R::encoder{}, px::nodes<3>{})) {}
  auto players() { return std::make_tuple(px::train::player("online", settings_.optimizer, encoder_)); }
  static index_t batch_size_of(const batch_type& in) { return in.structure.samples; }
  batch_type plan_batch(index_t n) const { return {nullptr, {.samples = n, .nodes = settings_.nodes}}; }

  template <class S, class T = typename S::value_type>
  void step(S& s, const batch_type& in) const {
    const index_t b = in.structure.samples, nodes = in.structure.nodes;
    const auto view = [&](unsigned number) {
      const activations<T> x(s.ctx.take({nodes, 3}), &in.structure);
      s.ctx(op::copy, tensor_view<const T>{in.x, {nodes, 3}}, x);
      px::method::add_noise(s, x, -0.3, 0.3, number);
      return s.forward(encoder_, x);
    };
    const std::array views{view(0), view(1)};
    const activations<T> z(s.ctx.take({2 * b, views[0].y.columns()})), dh(s.ctx.take(views[0].y.shape), &in.structure);
    for (const index_t v : {0, 1}) s.ctx(op::sample_mean, views[v].y, in.structure, z.slice(v * b, (v + 1) * b));
    const auto d = px::objective::loss_and_gradient(s.ctx, settings_.objective, self_pairs<T>{z}, s.loss);
    for (const index_t v : {0, 1}) {
      s.ctx(op::sample_mean_backward, d.slice(v * b, (v + 1) * b), in.structure, dh);
      s.backward(encoder_, views[v], dh, px::no_gradient{});
    }
    s.update(px::train::player_id<0>{});
  }

 private:
  settings settings_;
  px::train::part<encoder_type> encoder_;
};

// the recipe and its data
struct molecules {
  template <class R>
  using family = graph_contrast<R>;
  using encoder = nn::sequential<gather, nn::linear<6>, nn::tanh, gather, nn::linear<4>>;
  using precision = px::train::f64;
};
/// Rings of 3, 4, 5, ... nodes; one node more stands alone in each.
struct rings {
  std::vector<double> x;
  std::vector<std::int32_t> offsets{0}, columns, graph_of;
  rings(index_t count, int step) {
    px::rng::stream draw(px::rng::key{.seed = 11, .sample = static_cast<std::uint64_t>(step)});
    for (index_t g = 0; g < count; ++g) {
      const auto n = static_cast<std::int32_t>(3 + (g + step) % 4), base = static_cast<std::int32_t>(graph_of.size());
      for (std::int32_t v = 0; v <= n; ++v) {
        if (v < n) columns.insert(columns.end(), {base + (v + 1) % n, base + (v + n - 1) % n});
        offsets.push_back(static_cast<std::int32_t>(columns.size()));
        graph_of.push_back(static_cast<std::int32_t>(g));
        for (int j = 0; j < 3; ++j) x.push_back(draw.uniform(-1, 1));
      }
    }
  }
  graphs batch(index_t count) const {
    return {x.data(), {.samples = count, .nodes = static_cast<index_t>(graph_of.size()), .offsets = offsets.data(),
                       .columns = columns.data(), .graph_of = graph_of.data()}};
  }
};
using trainer = px::train::trainer<molecules, px::backend::reference>;
}  // namespace

TEST_CASE("graph: the gradient through neighbours and graph means is that of the loss", "[proof][graph]") {
  const rings r(4, 0);
  trainer t({.optimizer = {.rate = 0, .momentum = 0}});
  check_gradient(t, r.batch(4), 0, [](trainer& now) { return now.loss(); });
}

TEST_CASE("graph: an interrupted run goes on with the same bytes, graphs of several sizes", "[proof][graph]") {
  rings r(1, 0);
  const auto batch_of = [&](int s) {
    r = rings(4 - s % 2, s);
    return r.batch(4 - s % 2);
  };
  check_resume<trainer>("graph", trainer::settings_type{}, batch_of,
                        {"family graph_contrast", "layer encoder.0.main sum_of_neighbours",
                         "layer encoder.3.main sum_of_neighbours", "parameter encoder.4.weight [4,6]"});
}

TEST_CASE("graph: edges matter, and more nodes than planned are refused", "[proof][graph]") {
  const rings r(4, 0);
  graphs with = r.batch(4), without = with;
  const std::vector<std::int32_t> none(r.offsets.size());
  without.structure.offsets = none.data();
  trainer a, b;
  a.step(with), b.step(without);
  CHECK(std::fabs(a.loss() - b.loss()) > 1e-4);
  const rings many(40, 0);
  CHECK_THROWS_WITH(a.step(many.batch(40)), Catch::Contains("pretext[memory.100]"));
}
