// SPDX-License-Identifier: BSD-3-Clause
// Integer tokens in samples of different lengths; some are hidden, and only those are predicted.
#include "pretext/method/hide_tokens.hpp"
#include "pretext/nn/embedding.hpp"
#include "pretext/objective/score_losses.hpp"
#include "proof.hpp"

namespace {
using namespace proof;

constexpr index_t words = 7, mask_word = 6;  // the last word stands for a hidden one
constexpr px::augment::token_ids ids(words, mask_word);

// the family
template <class R>
class masked {
 public:
  using batch_type = px::method::token_batch;
  static constexpr const char* name = "masked";
  using table_type = nn::bound_t<typename R::table, px::shape<px::dynamic>>;
  using network_type = nn::bound_t<typename R::network, nn::output_t<table_type>>;
  struct settings {
    px::optimizer::sgd optimizer{.rate = 0.2};
    typename R::corruption corruption{};
    px::setting<index_t> batch_size = px::default_value(4), length = px::default_value(9);
    px::setting<std::uint64_t> seed = px::default_value(1);
    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("optimizer", self.optimizer), visit("corruption", self.corruption), visit("batch_size", self.batch_size), visit("length", self.length);
      visit("seed", self.seed);
    }
  };
  explicit masked(const settings& s)
      : settings_(s), table_("table", nn::bind(typename R::table{}, px::shape<px::dynamic>(extents(s.length.value())))),
        network_("network", nn::bind(typename R::network{}, table_.layer.output())), classifier_("classifier", {}) {}
  auto players() {
    return std::make_tuple(px::train::player("model", settings_.optimizer, table_, network_, classifier_));
  }
  static index_t batch_size_of(const batch_type& in) { return in.samples; }
  batch_type plan_batch(index_t n) const { return {nullptr, nullptr, n, settings_.length}; }

  template <class S, class T = typename S::value_type>
  void step(S& s, const batch_type& in) const {
    const px::extent structure{.samples = in.samples, .length = in.length, .lengths = in.lengths};
    const auto made = px::method::hide_tokens(s, settings_.corruption, ids, in);
    const index_t n = made.place.size();
    const auto e = s.forward(table_, activations<std::int32_t>(made.shown, &structure));
    const auto h = s.forward(network_, e.y);
    const tensor_view<T> context = s.ctx.take({in.samples, R::width}), own = s.ctx.take({n, R::width});
    s.ctx(op::sample_mean, h.y, structure, context);
    // What is known of a hidden word: what stands at its place, and what its sample is about.
    const activations<T> rows(s.ctx.take({n, R::width}));
    s.ctx(op::gather_rows, h.y.matrix(), as_const(made.place), rows);
    s.ctx(op::gather_rows, context, as_const(made.owner), own);
    s.ctx(op::add, as_const(own), rows);
    const auto y = s.forward(classifier_, rows);
    const auto d = px::objective::mean_cross_entropy(s.ctx, as_const(y.y), as_const(made.token), s.loss);
    const auto d_rows = s.backward(classifier_, y, d);
    const activations<T> d_context = s.zeros_like(context), dh(s.ctx.take(h.y.shape), &structure);
    s.ctx(op::scatter_add_rows, d_rows, as_const(made.owner), d_context);
    s.ctx(op::sample_mean_backward, d_context, structure, dh);
    s.ctx(op::scatter_add_rows, d_rows, as_const(made.place), dh.matrix());
    s.backward(table_, e, s.backward(network_, h, dh), px::no_gradient{});
    s.update(px::train::player_id<0>{});
  }

 private:
  settings settings_;
  px::train::part<table_type> table_;
  px::train::part<network_type> network_;
  px::train::part<nn::bound_t<nn::linear<words>, px::features<R::width>>> classifier_;
};

// the recipe and its data
struct little_language {
  template <class R>
  using family = masked<R>;
  static constexpr index_t width = 5;
  using corruption = px::augment::electra_input;
  using table = nn::embedding<words, width>;
  using network = nn::sequential<nn::linear<8>, nn::gelu, nn::linear<width>>;
  using precision = px::train::f64;
};
struct corpus {
  std::vector<std::int32_t> tokens, lengths;
  px::method::token_batch batch(index_t samples, index_t length) const { return {tokens.data(), lengths.data(), samples, length}; }
};
/// A sample has one subject: most of its words are that one.
corpus draw_corpus(std::uint64_t step, index_t samples, index_t length) {
  corpus c;
  px::rng::stream draw(px::rng::key{.seed = 3, .sample = step});
  for (index_t b = 0; b < samples; ++b) {
    const auto subject = static_cast<std::int32_t>(draw.below(mask_word));
    c.lengths.push_back(1 + static_cast<std::int32_t>(draw.below(static_cast<std::uint32_t>(length))));
    for (index_t t = 0; t < length; ++t) c.tokens.push_back(draw.accept(0.8) ? subject : static_cast<std::int32_t>(draw.below(mask_word)));
  }
  return c;
}
using trainer = px::train::trainer<little_language, px::backend::reference>;
}  // namespace

TEST_CASE("masked: the gradient through table, network and hidden places is that of the loss", "[proof][masked]") {
  const corpus c = draw_corpus(0, 4, 9);
  trainer t({.optimizer = {.rate = 0, .momentum = 0}});
  check_gradient(t, c.batch(4, 9), 0, [](trainer& now) { return now.loss(); });
}

TEST_CASE("masked: an interrupted run goes on with the same bytes, batches of several lengths", "[proof][masked]") {
  corpus c;
  check_resume<trainer>("masked", trainer::settings_type{}, [&](int s) {
    c = draw_corpus(static_cast<std::uint64_t>(s), 4 - s % 2, 9 - s);
    return c.batch(4 - s % 2, 9 - s);
  }, {"family masked", "layer table embedding", "parameter table.weight [7,5]", "parameter classifier.bias [7]"});
}

TEST_CASE("masked: words are learned, padding is never read, and a longer batch than planned is refused", "[proof][masked]") {
  trainer t({.corruption = {.choose = {.share = 0.3f}}, .batch_size = 16});
  double first = 0, last = 0;
  for (std::uint64_t step = 0; step < 250; ++step) {
    corpus c = draw_corpus(step, 16, 9);
    for (index_t b = 0; b < 16; ++b)  // numbers of no word: reading one throws
      for (index_t i = c.lengths[static_cast<std::size_t>(b)]; i < 9; ++i) c.tokens[static_cast<std::size_t>(b * 9 + i)] = 1000;
    t.step(c.batch(16, 9));
    (step < 10 ? first : last) = step < 10 ? first + t.loss() / 10 : 0.9 * last + 0.1 * t.loss();
  }
  CHECK(last < 0.8 * first);
  const corpus long_ones = draw_corpus(0, 16, 30);
  CHECK_THROWS_WITH(t.step(long_ones.batch(16, 30)), Catch::Contains("pretext[memory.100]"));
}
