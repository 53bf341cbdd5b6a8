// SPDX-License-Identifier: BSD-3-Clause
// Pictures and words, two networks, one space: each picture finds its words among all and the other way, at a learned
// temperature (CLIP, arXiv:2103.00020).
#include "pretext/augment/augment.hpp"
#include "pretext/method/view_writer.hpp"
#include "pretext/nn/conv2d.hpp"
#include "pretext/nn/embedding.hpp"
#include "pretext/nn/pool2d.hpp"
#include "pretext/objective/contrastive.hpp"
#include "proof.hpp"

namespace {
using namespace proof;

constexpr index_t width = 4, word_count = 9;
using objective_type = px::objective::nt_xent<px::similarity::cosine, px::objective::temperature::learned>;

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
  using text = px::shape<px::dynamic>;
  using picture_type = nn::bound_t<typename R::picture, input>;
  using words_type = nn::bound_t<typename R::words, text>;
  using views_type = px::augment::views<px::augment::group<px::augment::chain<px::augment::horizontal_flip>>>;
  struct settings {
    px::optimizer::sgd optimizer{.rate = 0.1};
    objective_type objective{.temperature = 0.2f};
    px::setting<index_t> batch_size = px::default_value(5), length = px::default_value(6);
    px::setting<std::uint64_t> seed = px::default_value(1);
    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("optimizer", self.optimizer), visit("objective", self.objective), visit("batch_size", self.batch_size);
      visit("length", self.length), visit("seed", self.seed);
    }
  };
  explicit two_towers(const settings& s)
      : settings_(s), picture_("picture", nn::bind(typename R::picture{}, input{})),
        words_("words", nn::bind(typename R::words{}, text(extents(s.length.value())))),
        objective_("objective", {s.objective, width}) {}
  auto players() {
    return std::make_tuple(px::train::player("model", settings_.optimizer, picture_, words_, objective_));
  }
  static index_t batch_size_of(const batch_type& in) { return in.images.size; }
  batch_type plan_batch(index_t n) const { return {{nullptr, nullptr, n}, nullptr, nullptr, settings_.length}; }

  template <class S, class T = typename S::value_type>
  void step(S& s, const batch_type& in) const {
    const index_t n = in.images.size;
    const px::extent structure{.samples = n, .length = in.length, .lengths = in.lengths};
    const activations<T> x(s.ctx.take({n, 8, 8, 1}));
    const px::method::view_writer<views_type, T> writer(views_, in.images, x, px::method::step_key(s), {8, 8, 1});
    s.ctx(op::for_each_sample, writer, n);
    const auto h = s.forward(picture_, x);
    const auto e = s.forward(words_, activations<const std::int32_t>({in.tokens, {n, in.length}}, &structure));
    const activations<T> z(s.ctx.take({2 * n, width})), d_e(s.ctx.take(e.y.shape));
    s.ctx(op::copy, as_const(h.y), z.slice(0, n));
    s.ctx(op::sample_mean, e.y, structure, z.slice(n, 2 * n));
    const px::objective::tower_pairs<T> pairs{z};
    const activations<T> d = px::objective::loss_and_gradient(s.ctx, settings_.objective, pairs, s.loss,
                                                              s.parameters(objective_), s.gradients(objective_));
    s.ctx(op::sample_mean_backward, d.slice(n, 2 * n), structure, d_e);
    s.backward(words_, e, d_e, px::no_gradient{});
    s.backward(picture_, h, activations<T>(d.slice(0, n)), px::no_gradient{});
    s.update(px::train::player_id<0>{});
  }

 private:
  settings settings_;
  views_type views_{};
  px::train::part<picture_type> picture_;
  px::train::part<words_type> words_;
  px::train::part<px::objective::bound_parameters<objective_type>> objective_;
};

// the recipe and its data
struct little_clip {
  template <class R>
  using family = two_towers<R>;
  using picture = nn::sequential<nn::conv2d<4, 3, nn::stride<2>>, nn::tanh, nn::global_avg_pool, nn::linear<width>>;
  using words = nn::embedding<word_count, width>;
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
      for (index_t t = 0; t < length; ++t) tokens.push_back(t < lengths.back() ? static_cast<std::int32_t>(draw.below(word_count)) : -1);
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
                        {"family two_towers", "parameter words.weight [9,4]", "parameter objective.logit_scale []"});
}

TEST_CASE("two_towers: with one pair there is nothing to tell apart", "[proof][two_towers]") {
  const captions c(0, 1, 6);
  trainer t({.batch_size = 1});
  CHECK(t.step(c.batch()).finite);
  CHECK(std::fabs(t.loss()) < 1e-14);
}
