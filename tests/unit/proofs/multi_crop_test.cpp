// SPDX-License-Identifier: BSD-3-Clause
// Views of two sizes through one set of weights: every small view is contrasted with a large one of its sample.
#include "pretext/augment/augment.hpp"
#include "pretext/method/view_writer.hpp"
#include "pretext/nn/batch_norm.hpp"
#include "pretext/nn/pool2d.hpp"
#include "pretext/objective/contrastive.hpp"
#include "proof.hpp"

namespace {
using namespace proof;

// the family
template <class R>
class multi_crop {
 public:
  using batch_type = px::image_list;
  static constexpr const char* name = "multi_crop";
  using input = px::image<1, px::dynamic, px::dynamic>;
  using encoder_type = nn::bound_t<typename R::encoder, input>;
  using views_type = typename R::views;
  struct settings {
    px::optimizer::sgd optimizer{.rate = 0.1};
    views_type views{};
    px::objective::nt_xent<> objective{};
    px::setting<index_t> batch_size = px::default_value(3), size = px::default_value(12);
    px::setting<std::uint64_t> seed = px::default_value(1);
    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("optimizer", self.optimizer), visit("views", self.views), visit("objective", self.objective);
      visit("batch_size", self.batch_size), visit("size", self.size), visit("seed", self.seed);
    }
  };
  explicit multi_crop(const settings& s)
      : settings_(s),
        encoder_("encoder", nn::bind(typename R::encoder{}, input(extents(s.size.value(), s.size.value(), 1)))) {}
  auto players() { return std::make_tuple(px::train::player("online", settings_.optimizer, encoder_)); }
  static index_t batch_size_of(const batch_type& in) { return in.size; }
  static batch_type plan_batch(index_t n) { return {nullptr, nullptr, n}; }

  template <class S, class T = typename S::value_type>
  void step(S& s, const batch_type& in) const {
    const auto large = embed(s, in, 0), small = embed(s, in, 1);
    const activations<T> d_large = s.zeros_like(large.y), d_small = s.zeros_like(small.y);
    const index_t n = in.size, width = large.y.columns();
    s.ctx(op::fill, T(0), s.loss);
    for (int v = 0; v < views_type::count(1); ++v) {
      const index_t big = v % views_type::count(0) * n;
      const tensor_view<T> z = s.ctx.take({2 * n, width}), loss = s.ctx.take({index_t{1}});
      s.ctx(op::copy, as_const(large.y.slice(big, big + n)), z.slice(0, n));
      s.ctx(op::copy, as_const(small.y.slice(v * n, v * n + n)), z.slice(n, 2 * n));
      const px::objective::self_pairs<T> pairs{z};
      const auto d = px::objective::loss_and_gradient(s.ctx, settings_.objective, pairs, loss);
      s.ctx(op::add, as_const(loss), s.loss);
      s.ctx(op::add, as_const(d.slice(0, n)), d_large.slice(big, big + n));
      s.ctx(op::add, as_const(d.slice(n, 2 * n)), d_small.slice(v * n, v * n + n));
    }
    s.backward(encoder_, large, d_large, px::no_gradient{});
    s.backward(encoder_, small, d_small, px::no_gradient{});
    s.update(px::train::player_id<0>{});
  }

 private:
  template <class S, class T = typename S::value_type>
  auto embed(S& s, const batch_type& in, int group) const {
    const px::augment::image_size input_size{settings_.size, settings_.size, 1};
    const px::augment::image_size size = views_type::size(group, input_size);
    const activations<T> x(s.ctx.take({views_type::count(group) * in.size, size.height, size.width, 1}));
    const px::moving_key key(px::rng::key{}, s.inputs, px::moving_key::by::epoch);
    const px::method::view_writer<views_type, T> writer(settings_.views, in, x, key, input_size, group);
    s.ctx(op::for_each_sample, writer, x.extent(0));
    return s.forward(encoder_, x);
  }
  settings settings_;
  px::train::part<encoder_type> encoder_;
};

// the recipe and its data
struct two_sizes {
  template <class R>
  using family = multi_crop<R>;
  using chain = px::augment::chain<px::augment::random_resized_crop, px::augment::horizontal_flip>;
  // Smooth, for finite differences: no relu, no max.
  using encoder = nn::sequential<nn::conv2d<3, 3, nn::no_bias>, nn::batch_norm, nn::tanh, nn::avg_pool2d<2>, nn::conv2d<4, 3>, nn::gelu, nn::global_avg_pool>;
  using views = px::augment::multi_crop<chain, 2, chain, 4, 7>;
  using precision = px::train::f64;
};
struct pictures {
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(6 * 144);
  std::vector<px::image_view<const std::uint8_t>> views;
  std::vector<std::uint64_t> ids;
  pictures() {
    px::rng::stream draw(px::rng::key{.seed = 4});
    for (auto& b : bytes) b = static_cast<std::uint8_t>(draw.below(256));
    for (index_t i = 0; i < 6; ++i) views.push_back({bytes.data() + 144 * i, 12, 12, 1}), ids.push_back(static_cast<std::uint64_t>(40 + i));
  }
  px::image_list batch(index_t begin, index_t size) const { return {views.data() + begin, ids.data() + begin, size}; }
};
using trainer = px::train::trainer<two_sizes, px::backend::reference>;
}  // namespace

TEST_CASE("multi_crop: the gradient of views of two sizes is that of their common loss", "[proof][multi_crop]") {
  const pictures data;
  trainer t({.optimizer = {.rate = 0, .momentum = 0}});
  check_gradient(t, data.batch(0, 3), 0, [](trainer& now) { return now.loss(); });
}

TEST_CASE("multi_crop: an interrupted run goes on with the same bytes", "[proof][multi_crop]") {
  const pictures data;
  check_resume<trainer>("multi_crop", trainer::settings_type{}, [&](int s) { return data.batch(s % 3, 3 - s % 2); },
                        {"family multi_crop", "player online optimizer sgd", "parameter encoder.0.weight [3,1,3,3]"});
}
