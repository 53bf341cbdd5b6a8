// SPDX-License-Identifier: BSD-3-Clause
// A checkpoint is held to every part of a recipe: one recipe at least for every kind of policy.
#include <string>
#include <type_traits>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/method/classification.hpp"
#include "pretext/objective/derived.hpp"
#include "pretext/train/structure.hpp"
#include "support/catch.hpp"
#include "tiny.hpp"

namespace px = pretext;
namespace train = pretext::train;
using io_test::has;
using io_test::scratch;
using io_test::thrown;

namespace {
/// What the recipes below change one part of.
struct smallest : px::recipe::simclr {
  using input = px::image<1, 4, 4>;
  using encoder = px::nn::sequential<px::nn::conv2d<2, 1>, px::nn::batch_norm, px::nn::global_avg_pool>;
  using head = px::nn::linear<2>;
  using views = px::augment::chain<px::augment::gaussian_noise>;
  using optimizer = px::optimizer::sgd;
};

/// What a checkpoint knows of a trainer, without the code that trains: a recipe more costs a test next to nothing.
template <class R>
class skeleton {
 public:
  using recipe_type = R;
  using family_type = typename R::template family<R>;
  using settings_type = typename family_type::settings;
  using value_type = typename train::detail::precision_of<R>::type::storage;
  struct player_row {
    std::string name, optimizer_name;
    px::parameter_table table;
  };
  struct target_row {
    train::target_spec spec;
  };

  explicit skeleton(const settings_type& s) : settings_(s), family_(s) {
    auto specs = family_.players();
    train::lay_out(specs);
    std::apply([&](auto&... spec) { (add(spec), ...); }, specs);
    if constexpr (requires { family_.targets(); })
      for (const auto& t : family_.targets()) targets_.push_back({t});
    if constexpr (requires { family_.states(); })
      for (const auto& state : family_.states()) names_.emplace_back(state.name), shapes_.push_back(state.shape);
  }
  const settings_type& settings() const { return settings_; }
  const family_type& family() const { return family_; }
  const auto& players() const { return players_; }
  const auto& targets() const { return targets_; }
  const auto& state_names() const { return names_; }
  const auto& state_shapes() const { return shapes_; }
  std::uint64_t steps_done() const { return step_; }
  template <class Visitor>
  void visit_state(Visitor&& v) {
    v.counter("step", step_);
  }
  void put_state() const {}

 private:
  template <class Spec>
  void add(const Spec& spec) {
    player_row p{std::string(spec.name), Spec::optimizer_type::name, {}};
    px::table_builder builder(p.table);
    std::apply([&](auto*... part) { (builder.child(part->name, part->layer), ...); }, spec.parts);
    players_.push_back(std::move(p));
  }
  settings_type settings_;
  family_type family_;
  std::vector<player_row> players_;
  std::vector<target_row> targets_;
  std::vector<std::string> names_;
  std::vector<px::extents> shapes_;
  std::uint64_t step_ = 0;
};
template <class R>
typename skeleton<R>::settings_type settings_of() {
  typename skeleton<R>::settings_type s{};
  s.batch_size = 4;
  if constexpr (requires { s.classes; }) s.classes = 3;
  return s;
}

// One part of `smallest` changed: at least one recipe for every kind of policy.
struct other_input : smallest {
  using input = px::image<1, 5, 4>;
};
struct other_precision : smallest {
  using precision = train::f64;
};
template <class... Layers>
struct with_layers : smallest {
  using encoder = px::nn::sequential<Layers...>;
};
using px::nn::conv2d;
using px::nn::global_avg_pool;
template <px::index_t K, class... Options>
using one_conv = with_layers<conv2d<2, K, Options...>, global_avg_pool>;
template <class Layer>
using one_more = with_layers<conv2d<2, 1>, Layer, global_avg_pool>;
struct other_width : smallest {
  using head = px::nn::linear<3>;
};
struct other_predictor : smallest {
  using predictor = px::nn::linear<2>;
};
template <class Views>
struct with_views : smallest {
  using views = Views;
};
namespace augment = px::augment;
using noise = augment::chain<augment::gaussian_noise>;
template <class Objective>
struct with_objective : smallest {
  using objective = Objective;
};
namespace objective = px::objective;
namespace similarity = px::similarity;
template <class Target, class Negatives = px::target::no_queue>
struct with_target : smallest {
  using target = Target;
  using negatives = Negatives;
  using objective = std::conditional_t<Negatives::keeps_rows, px::objective::nt_xent<>, px::objective::negative_cosine>;
};
template <class Optimizer>
struct with_optimizer : smallest {
  using optimizer = Optimizer;
};
template <class Schedule>
struct with_schedule : smallest {
  using schedule = Schedule;
};
struct other_family : smallest {
  template <class R>
  using family = px::method::classification<R>;
  using views = noise;
};
/// A formula whose template arguments change what it computes says so in its name.
template <int Power>
struct spread_out {
  static constexpr const char* name = Power == 1 ? "spread_out_1" : "spread_out_2";
  constexpr auto value(const auto& in) const {
    using namespace px::objective::row;
    return mean(squared_distance(normalize(in.anchors), normalize(in.positives)));
  }
};

/// What a trainer of recipe Other says to a checkpoint of recipe R.
template <class R, class Other>
std::string refusal() {
  const scratch place;
  skeleton<R> mine(settings_of<R>());
  train::save_checkpoint(mine, place / "run");
  skeleton<Other> other(settings_of<Other>());
  return thrown([&] { train::resume(other, place / "run"); });
}
/// The first line in which two recipes differ is what a refusal names.
template <class R, class Other>
void differ(const char* theirs, const char* mine) {
  const auto [a, b] = train::detail::first_difference(train::structure(skeleton<R>(settings_of<R>())),
                                                      train::structure(skeleton<Other>(settings_of<Other>())));
  CHECK(a == theirs);
  CHECK(b == mine);
}
}  // namespace

TEST_CASE("structure: a trainer's is that of its parts, so what follows holds for trainers", "[train][structure]") {
  const train::trainer<smallest, px::backend::reference> trainer(settings_of<smallest>());
  CHECK(train::structure(trainer) == train::structure(skeleton<smallest>(settings_of<smallest>())));
}

TEST_CASE("structure: the same parts under another name are the same recipe", "[train][structure]") {
  struct twin : smallest {};
  differ<smallest, twin>("", "");
}

TEST_CASE("checkpoint: another temperature policy is another recipe", "[train][checkpoint]") {
  using scheduled = with_objective<objective::nt_xent<similarity::cosine, objective::temperature::scheduled>>;
  const std::string text = refusal<smallest, scheduled>();
  CAPTURE(text);
  CHECK(has(text, "checkpoint.101"));
  CHECK(has(text, "it has \"  policy objective.temperature_policy fixed\" where this trainer has \"  policy objective.temperature_policy scheduled\""));
}

TEST_CASE("checkpoint: another probability in a step's type is another setting", "[train][checkpoint]") {
  using augment::apply_with_probability, augment::chain, augment::gaussian_noise;
  using seldom = with_views<chain<apply_with_probability<gaussian_noise, 20>>>;
  using often = with_views<chain<apply_with_probability<gaussian_noise, 80>>>;
  const std::string text = refusal<seldom, often>();
  CAPTURE(text);
  CHECK(has(text, "checkpoint.102"));
  CHECK(has(text, "views.gaussian_noise.p was 0.2 and is now 0.8"));
}

TEST_CASE("structure: a change in any kind of policy is in it", "[train][structure]") {
  using px::nn::stride;
  differ<smallest, other_input>("input [4,4,1]", "input [5,4,1]");
  differ<smallest, other_precision>("precision f32", "precision f64");
  differ<smallest, other_family>("family joint_embedding", "family classification");
  SECTION("networks") {
    differ<smallest, other_width>("  parameter head.weight [2,2]", "  parameter head.weight [3,2]");
    differ<smallest, other_predictor>("  layer predictor identity", "  layer predictor linear");
    differ<one_conv<1>, one_conv<3>>("  layer encoder.0 conv2d stride 1 padding 0 groups 1", "  layer encoder.0 conv2d stride 1 padding 1 groups 1");
    differ<one_conv<1>, one_conv<1, stride<2>>>("  layer encoder.0 conv2d stride 1 padding 0 groups 1", "  layer encoder.0 conv2d stride 2 padding 0 groups 1");
    differ<one_conv<1>, one_conv<1, px::nn::no_bias>>("  parameter encoder.0.bias [2]", "  parameter head.weight [2,2]");
    differ<one_more<px::nn::relu>, one_more<px::nn::gelu>>("  layer encoder.1 relu", "  layer encoder.1 gelu");
    differ<one_more<px::nn::relu>, one_more<px::nn::dropout>>("  layer encoder.1 relu", "  layer encoder.1 dropout");
    differ<one_more<px::nn::max_pool2d<2>>, one_more<px::nn::avg_pool2d<2>>>("  layer encoder.1 max_pool2d 2 stride 2 padding 0",
                                                                            "  layer encoder.1 avg_pool2d 2 stride 2 padding 0");
    differ<one_more<px::nn::max_pool2d<2>>, one_more<px::nn::max_pool2d<3>>>("  layer encoder.1 max_pool2d 2 stride 2 padding 0",
                                                                            "  layer encoder.1 max_pool2d 3 stride 3 padding 0");
  }
  SECTION("views") {
    using augment::group, augment::views;
    differ<smallest, with_views<augment::chain<augment::gaussian_noise, augment::resize>>>("  policy objective contrastive", "  policy views.resize resize");
    differ<smallest, with_views<augment::apply_with_probability<augment::gaussian_noise>>>("  policy views.gaussian_noise.sigma", "  setting views.gaussian_noise.p");
    differ<smallest, with_views<views<group<noise, 4>>>>("  policy views views 2", "  policy views views 4");
    differ<smallest, with_views<views<group<noise, 2, 3>>>>("  policy views views 2", "  policy views views 2 of 3x3");
    differ<smallest, with_views<augment::asymmetric<noise, noise>>>("  policy views views 2", "  policy views views 1, 1");
  }
  SECTION("objective, similarity, temperature") {
    namespace t = objective::temperature;
    differ<smallest, with_objective<objective::decoupled<>>>("objective contrastive target none negatives no_queue schedule cosine",
                                                             "objective decoupled_contrastive target none negatives no_queue schedule cosine");
    differ<smallest, with_objective<objective::nt_xent<similarity::dot>>>("  policy objective.similarity cosine", "  policy objective.similarity dot");
    differ<smallest, with_objective<objective::nt_xent<similarity::cosine, t::scheduled>>>("  policy objective.temperature_policy fixed",
                                                                                           "  policy objective.temperature_policy scheduled");
    differ<smallest, with_objective<objective::nt_xent<similarity::cosine, t::learned>>>("  buffer encoder.1.running_mean [2]", "  parameter objective.logit_scale []");
    differ<with_objective<objective::derived<spread_out<1>>>, with_objective<objective::derived<spread_out<2>>>>(
        "objective spread_out_1 target none negatives no_queue schedule cosine", "objective spread_out_2 target none negatives no_queue schedule cosine");
  }
  SECTION("target and negatives") {
    using px::target::ema, px::target::none, px::target::queue, px::target::stop_gradient;
    const char* const frozen = "objective negative_cosine target stop_gradient negatives no_queue schedule cosine";
    differ<with_target<stop_gradient>, with_target<ema>>(frozen, "target target of player 0");
    differ<with_target<ema>, with_target<ema, queue>>("objective negative_cosine target ema negatives no_queue schedule cosine", "state queue [4096,2]");
  }
  SECTION("optimizer and schedule") {
    using namespace px::optimizer;
    differ<smallest, with_optimizer<adamw>>("player online optimizer sgd", "player online optimizer adamw");
    differ<smallest, with_optimizer<adam>>("player online optimizer sgd", "player online optimizer adam");
    differ<smallest, with_optimizer<lars>>("player online optimizer sgd", "player online optimizer lars");
    const auto scheduled = [](const char* name) { return px::joined({"objective contrastive target none negatives no_queue schedule ", name}); };
    const std::string cosine = scheduled("cosine");
    differ<smallest, with_schedule<px::schedule::constant>>(cosine.c_str(), scheduled("constant").c_str());
    differ<smallest, with_schedule<px::schedule::linear>>(cosine.c_str(), scheduled("linear").c_str());
    differ<smallest, with_schedule<px::schedule::step>>(cosine.c_str(), scheduled("step").c_str());
  }
}
