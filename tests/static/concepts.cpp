// SPDX-License-Identifier: BSD-3-Clause
// Every policy of the library is one of its kind, minimal ones are, and what lacks one member is not.
#include <pretext/augment/text/hide.hpp>
#include <pretext/concepts/dataset.hpp>
#include <pretext/data/image_set.hpp>
#include <pretext/nn/layer_norm.hpp>
#include <pretext/recipe/joint_embedding.hpp>
#include <pretext/tokenizer/bpe.hpp>
#include <pretext/tokenizer/encoding.hpp>
#include <pretext/tokenizer/simple.hpp>

namespace px = pretext;
namespace nn = pretext::nn;
using namespace pretext::concepts;

// ---- layers
using picture = px::image<4, 8, 8>;
using row = px::features<6>;
static_assert(Layer<nn::linear<3>, row> && Layer<nn::conv2d<8, 3>, picture> && Layer<nn::batch_norm, picture>);
static_assert(Layer<nn::layer_norm, row> && Layer<nn::relu, row> && Layer<nn::identity, row>);
static_assert(Layer<nn::max_pool2d<2>, picture> && Layer<nn::avg_pool2d<2>, picture> && Layer<nn::flatten, picture>);
static_assert(Layer<nn::mlp<4, 2>, row> && Layer<px::recipe::simclr::encoder, px::image<3, 32, 32>>);
static_assert(!Layer<int, row> && !Layer<px::optimizer::sgd, row> && !Layer<px::similarity::dot, row>);

// ---- similarities
using px::similarity::side;
template <class S>
inline constexpr bool is_similarity = Similarity<S, side::anchor, side::candidate>;
static_assert(is_similarity<px::similarity::dot> && is_similarity<px::similarity::cosine> && is_similarity<px::similarity::bilinear>);
static_assert(is_similarity<px::similarity::gaussian_kernel> && is_similarity<px::similarity::negative_squared_euclidean>);
static_assert(!is_similarity<px::similarity::plain_rows> && !is_similarity<nn::relu>);

// ---- objectives
using self = px::objective::self_pairs<float>;
using targets = px::objective::target_pairs<float>;
using towers = px::objective::tower_pairs<float>;
static_assert(Objective<px::objective::nt_xent<>, self> && Objective<px::objective::nt_xent<>, targets>);
static_assert(Objective<px::objective::decoupled<px::similarity::bilinear, px::objective::temperature::learned>, self>);
static_assert(Objective<px::objective::negative_cosine, targets>);
static_assert(Objective<px::objective::nt_xent<>, towers> && !Objective<px::objective::negative_cosine, towers>);
static_assert(!Objective<px::objective::negative_cosine, self>);  // there is nothing to regress on
static_assert(!Objective<px::similarity::cosine, self>);

// ---- optimizers and schedules
static_assert(Optimizer<px::optimizer::sgd> && Optimizer<px::optimizer::adam> && Optimizer<px::optimizer::adamw> && Optimizer<px::optimizer::lars>);
static_assert(!Optimizer<px::schedule::cosine>);
static_assert(Schedule<px::schedule::constant> && Schedule<px::schedule::cosine> && Schedule<px::schedule::linear> && Schedule<px::schedule::step>);
static_assert(!Schedule<px::optimizer::sgd>);
struct three_states : px::optimizer::sgd {
  static constexpr int states = 3;
};
static_assert(!Optimizer<three_states>);
struct bare_rate : px::optimizer::sgd {
  double rate = 0.1;
};
static_assert(!Optimizer<bare_rate>);

// ---- families and recipes
static_assert(Recipe<px::recipe::simclr> && Recipe<px::recipe::byol> && Recipe<px::recipe::moco> && Recipe<px::recipe::simsiam>);
static_assert(Family<px::method::joint_embedding<px::recipe::simclr>> && Family<px::method::joint_embedding<px::recipe::moco>>);
static_assert(!Recipe<int> && !Recipe<nn::relu>);

// ---- corruptions
namespace au = pretext::augment;
static_assert(au::Corruption<au::bert_masking> && au::Corruption<au::whole_word_masking> && au::Corruption<au::span_masking>);
static_assert(au::Corruption<au::hidden_embeddings> && au::Corruption<au::random_replacement> && au::Corruption<au::electra_input>);
struct bare_corruption {  // the archetype: nothing but what is asked for
  px::index_t capacity(px::index_t) const;
  std::int32_t corrupt(px::rng::key, const au::token_ids&, const au::token_row&, const au::hidden_row&) const;
};
static_assert(au::Corruption<bare_corruption> && !au::Corruption<au::choose::tokens> && !au::Corruption<au::horizontal_flip>);
struct kept_corruption : bare_corruption {
  std::string kept;  // no kernel can hold it
};
static_assert(!au::Corruption<kept_corruption>);

// ---- data sets
static_assert(Dataset<px::data::image_set, px::data::image_batch>);
static_assert(!Dataset<px::data::image_batch, px::data::image_batch>);

int main() {}

// ---- tokenizers
namespace tk = px::tokenizer;
template <class K>
inline constexpr bool is_tokenizer = Tokenizer<K, tk::token, tk::special_ids>;
static_assert(is_tokenizer<tk::bytes> && is_tokenizer<tk::characters> && is_tokenizer<tk::words>);
static_assert(is_tokenizer<tk::wordpiece> && is_tokenizer<tk::byte_bpe>);
static_assert(!is_tokenizer<tk::vocabulary> && !is_tokenizer<int>);
struct minimal_tokenizer {
  static constexpr const char* name = "minimal";
  struct cache {};
  px::index_t vocabulary_size() const { return 1; }
  tk::special_ids special() const { return {}; }
  void encode(std::string_view, std::vector<tk::token>&, cache&) const {}
  void decode(std::span<const std::int32_t>, std::string&) const {}
  std::uint64_t digest() const { return 0; }
};
static_assert(is_tokenizer<minimal_tokenizer>);
