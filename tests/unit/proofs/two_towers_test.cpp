// SPDX-License-Identifier: BSD-3-Clause
// Pictures and words, two networks, one space: each picture finds its words among all and the other way, at a learned
// temperature (CLIP, arXiv:2103.00020).
#include "pretext/augment/augment.hpp"
#include "pretext/method/view_writer.hpp"
#include "pretext/nn/conv2d.hpp"
#include "pretext/nn/pool2d.hpp"
#include "pretext/objective/temperature.hpp"
#include "pretext/similarity/similarity.hpp"
#include "proof.hpp"

namespace {
using namespace proof;

constexpr index_t width = 4, words = 9;
using learned = px::objective::temperature::learned;

// what is trained besides the picture network: a table of words and the temperature
struct word_table {
  template <class V>
  constexpr void parameters(V& v) const {
    v.parameter({.name = "weight", .file_shape = {words, width}, .what = px::role::embedding, .start = px::initialiser::normal(1)});
  }
};
struct scale {
  template <class V>
  constexpr void parameters(V& v) const {
    learned::parameters(v, 0.2);
  }
};

// the family
struct captioned {
  px::image_list images;
  const std::int32_t* tokens = nullptr;   // (B, length), padded
  const std::int32_t* lengths = nullptr;
  index_t length = 0;
};
template <class R>
class two_towers {
 public:
  using batch_type = captioned;
  static constexpr const char* name = "two_towers";
  using input = px::image<1, 8, 8>;
  using picture_type = nn::bound_t<typename R::picture, input>;
  using views_type = px::augment::views<px::augment::group<px::augment::chain<px::augment::horizontal_flip>>>;
  struct settings {
    px::optimizer::sgd optimizer{.rate = 0.1};
    px::setting<index_t> batch_size = px::default_value(5), length = px::default_value(6);
    px::setting<std::uint64_t> seed = px::default_value(1);
    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("optimizer", self.optimizer), visit("batch_size", self.batch_size), visit("length", self.length), visit("seed", self.seed);
    }
  };
  explicit two_towers(const settings& s) : settings_(s), picture_("picture", nn::bind(typename R::picture{}, input{})), table_("words", {}), scale_("temperature", {}) {}
  auto players() { return std::make_tuple(px::train::player("model", settings_.optimizer, px::schedule::constant{}, 0, picture_, table_, scale_)); }
  static index_t batch_size_of(const batch_type& in) { return in.images.size; }
  batch_type plan_batch(index_t n) const { return {{nullptr, nullptr, n}, nullptr, nullptr, settings_.length}; }

  template <class S, class T = typename S::value_type>
  void step(S& s, const batch_type& in) const {
    const index_t n = in.images.size;
    // pictures -> h, words -> t
    const activations<T> x(s.ctx.take({n, 8, 8, 1})), all(s.ctx.take({n * in.length, width}));
    s.ctx(op::for_each_sample, px::method::view_writer<views_type, T>(views_, in.images, x, step_key(s), {8, 8, 1}), n);
    const auto h = s.forward(picture_, x);
    const tensor_view<const std::int32_t> ids{in.tokens, {n * in.length}};
    const px::extent structure{.samples = n, .length = in.length, .lengths = in.lengths};
    const tensor_view<T> t = s.ctx.take({n, width});
    s.ctx(op::gather_rows, px::parameter_reader(s.parameters(table_)).parameter({words, width}), ids, all);
    s.ctx(op::sample_mean, all, structure, t);
    // both ways
    const tensor_view<T> a = s.ctx.take({n, width}), b = s.ctx.take({n, width}), norms_a = s.ctx.take({n}), norms_b = s.ctx.take({n});
    s.ctx(op::row_normalize, h.y, 1e-8, a, norms_a);
    s.ctx(op::row_normalize, t, 1e-8, b, norms_b);
    const tensor_view<std::int32_t> own = s.ctx.template take_of<std::int32_t>({n});
    const auto row = [&] { return s.ctx.take({n}); };
    const tensor_view<T> lse_a = row(), lse_b = row(), right = row(), expected_a = row(), expected_b = row(), inverse = s.ctx.take({index_t{1}});
    s.ctx(op::pair_indices, index_t{0}, index_t{0}, n, own);
    const auto u = px::parameter_reader(s.parameters(scale_)).parameter({index_t{1}});
    learned::inverse(s.ctx, u, 0, 0, inverse);
    s.ctx(op::contrastive_forward, similarity_, as_const(a), as_const(b), as_const(own), op::pair_mask{}, inverse, lse_a, right);
    s.ctx(op::contrastive_forward, similarity_, as_const(b), as_const(a), as_const(own), op::pair_mask{}, inverse, lse_b, right);
    const T share = T(0.5) / static_cast<T>(n);
    const auto d_a = s.zeros_like(h.y), d_b = s.zeros_like(t), d_h = s.zeros_like(h.y), d_t = s.zeros_like(t);
    s.ctx(op::contrastive_gradient, similarity_, as_const(a), as_const(b), as_const(own), as_const(own), op::pair_mask{}, inverse, lse_a, lse_b, share, d_a, expected_a);
    s.ctx(op::contrastive_gradient, similarity_, as_const(b), as_const(a), as_const(own), as_const(own), op::pair_mask{}, inverse, lse_b, lse_a, share, d_b, expected_b);
    // loss = share sum (lse_a + lse_b - 2 s_right), and d loss / du = share sum (E_a + E_b - 2 s_right)
    const auto total = [&](tensor_view<T> first, tensor_view<T> second, tensor_view<T> result) {
      s.ctx(op::add, as_const(second), first);
      s.ctx(op::add_scaled, as_const(right), T(-2), first);
      s.ctx(op::sum, as_const(first), result);
      s.ctx(op::scale, share, result);
    };
    total(lse_a, lse_b, s.loss);
    total(expected_a, expected_b, inverse);
    s.ctx(op::add, as_const(inverse), px::gradient_reader(s.gradients(scale_)).parameter({index_t{1}}));
    // and down
    s.ctx(op::row_normalize_backward, a, norms_a, d_a, d_h);
    s.ctx(op::row_normalize_backward, b, norms_b, d_b, d_t);
    s.ctx(op::sample_mean_backward, d_t, structure, all);
    s.ctx(op::scatter_add_rows, all, ids, px::gradient_reader(s.gradients(table_)).parameter({words, width}));
    s.backward(picture_, h, d_h, px::no_gradient{});
    s.update(px::train::player_id<0>{});
  }

 private:
  settings settings_;
  views_type views_{};
  px::similarity::dot similarity_{};  // of normalised rows
  px::train::part<picture_type> picture_;
  px::train::part<word_table> table_;
  px::train::part<scale> scale_;
};

// the recipe and its data
struct little_clip {
  template <class R>
  using family = two_towers<R>;
  using picture = nn::sequential<nn::conv2d<4, 3, nn::stride<2>>, nn::tanh, nn::global_avg_pool, nn::linear<width>>;
  using precision = px::train::f64;
};
struct captions {
  std::vector<std::uint8_t> bytes;
  std::vector<px::image_view<const std::uint8_t>> views;
  std::vector<std::uint64_t> ids;
  std::vector<std::int32_t> tokens, lengths;
  captions(int step, index_t n, index_t length) : bytes(static_cast<std::size_t>(n * 64)) {
    px::rng::stream draw(px::rng::key{.seed = 9, .sample = static_cast<std::uint64_t>(step)});
    for (auto& v : bytes) v = static_cast<std::uint8_t>(draw.below(256));
    for (index_t i = 0; i < n; ++i) {
      views.push_back({bytes.data() + 64 * i, 8, 8, 1}), ids.push_back(static_cast<std::uint64_t>(i));
      lengths.push_back(1 + static_cast<std::int32_t>(draw.below(static_cast<std::uint32_t>(length))));
      for (index_t t = 0; t < length; ++t) tokens.push_back(t < lengths.back() ? static_cast<std::int32_t>(draw.below(words)) : -1);
    }
  }
  captioned batch() const {
    const auto n = static_cast<index_t>(views.size());
    return {{views.data(), ids.data(), n}, tokens.data(), lengths.data(), static_cast<index_t>(tokens.size()) / n};
  }
};
using trainer = px::train::trainer<little_clip, px::backend::reference>;
}  // namespace

TEST_CASE("two_towers: the gradient in both towers and the temperature is that of the loss", "[proof][two_towers]") {
  const captions c(0, 5, 6);
  trainer t({.optimizer = {.rate = 0, .momentum = 0}});
  check_gradient(t, c.batch(), 0, [](trainer& now) { return now.loss(); });
}

TEST_CASE("two_towers: an interrupted run goes on with the same bytes", "[proof][two_towers]") {
  captions c(0, 5, 6);
  check_resume<trainer>("two_towers", trainer::settings_type{}, [&](int s) { c = captions(s, 5 - s % 2, 6 - s / 2); return c.batch(); },
                        {"family two_towers", "parameter words.weight [9,4]", "parameter temperature.logit_scale []"});
}

TEST_CASE("two_towers: with one pair there is nothing to tell apart", "[proof][two_towers]") {
  const captions c(0, 1, 6);
  trainer t({.batch_size = 1});
  CHECK(t.step(c.batch()).finite);
  CHECK(std::fabs(t.loss()) < 1e-14);
}
