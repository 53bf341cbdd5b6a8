// SPDX-License-Identifier: BSD-3-Clause
// Ten steps of a tiny SimCLR in double, number by number against PyTorch.
#include "pretext/nn/batch_norm.hpp"
#include "pretext/nn/conv2d.hpp"
#include "pretext/nn/mlp.hpp"
#include "pretext/nn/pool2d.hpp"
#include "pretext/objective/contrastive.hpp"
#include "pretext/optimizer/adamw.hpp"
#include "pretext/schedule/schedule.hpp"
#include "pretext/train/trainer.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {
namespace px = pretext;
namespace nn = pretext::nn;
using px::activations;
using px::extents;
using px::index_t;

/// joint_embedding's step on views that are given instead of drawn.
struct given_views {
  const double* pixels = nullptr;  // (2 B, 8, 8, 1)
  const double* looked_at = nullptr;  // the same, embedded in evaluation mode after the update
  index_t samples = 0;
};
template <class R>
class given_pairs {
 public:
  using batch_type = given_views;
  static constexpr const char* name = "given_pairs";
  using input = px::image<1, 8, 8>;
  using encoder_type = nn::bound_t<typename R::encoder, input>;
  using head_type = nn::bound_t<typename R::head, nn::output_t<encoder_type>>;
  struct settings {
    px::optimizer::adamw optimizer{.rate = 0.01};
    typename R::schedule schedule{};
    px::objective::nt_xent<> objective{.temperature = 0.5f};
    px::setting<index_t> batch_size = px::default_value(8);
    px::setting<double> clip_norm = px::default_value(0.0);
    px::setting<std::uint64_t> seed = px::default_value(0);
  };
  explicit given_pairs(const settings& s)
      : settings_(s), encoder_("encoder", nn::bind(typename R::encoder{}, input{})), head_("head", nn::bind(typename R::head{}, encoder_.layer.output())) {}
  auto players() { return std::make_tuple(px::train::player("online", settings_.optimizer, settings_.schedule, settings_.clip_norm.value(), encoder_, head_)); }
  static auto states() { return std::array{px::train::state_spec{"h", {16, 16}}, px::train::state_spec{"z", {16, 8}}, px::train::state_spec{"embedding", {16, 16}}}; }
  static index_t batch_size_of(const batch_type& in) { return in.samples; }
  static batch_type plan_batch(index_t n) { return {nullptr, nullptr, n}; }

  template <class S, class T = typename S::value_type>
  void step(S& s, const batch_type& in) const {
    const activations<const T> x(px::tensor_view<const T>{in.pixels, {2 * in.samples, 8, 8, 1}});
    const auto h = s.forward(encoder_, x);
    const auto z = s.forward(head_, h.y);
    s.ctx(px::op::copy, h.y, s.states[0]);
    s.ctx(px::op::copy, z.y, s.states[1]);
    typename px::objective::nt_xent<>::template cache<T> kept{};
    const px::objective::self_pairs<T> pairs{z.y};
    const activations<T> d = s.zeros_like(z.y);
    settings_.objective.loss(s.ctx, pairs, px::parameter_view<T>{}, kept, s.loss);
    settings_.objective.gradient(s.ctx, T(1), pairs, px::parameter_view<T>{}, kept, d, px::no_gradient{});
    s.backward(encoder_, h, s.backward(head_, z, d), px::no_gradient{});
    s.update(px::train::player_id<0>{});
    const activations<const T> after(px::tensor_view<const T>{in.looked_at, x.shape});
    S still = s;
    still.ctx.mode = px::run_mode::evaluate;
    s.ctx(px::op::copy, still.forward(encoder_, after).y, s.states[2]);
  }

 private:
  settings settings_;
  px::train::part<encoder_type> encoder_;
  px::train::part<head_type> head_;
};
struct base {
  template <class R>
  using family = given_pairs<R>;
  using encoder = nn::sequential<nn::conv2d<8, 3, nn::no_bias>, nn::batch_norm, nn::relu, nn::max_pool2d<2>, nn::conv2d<16, 3, nn::no_bias>,
                                 nn::batch_norm, nn::relu, nn::global_avg_pool>;
  using head = nn::mlp<16, 8>;
  using precision = px::train::f64;
};
struct constant_rate : base {
  using schedule = px::schedule::constant;
};
struct moving_rate : base {
  using schedule = px::schedule::cosine;
};

template <class Trainer>
std::vector<double> values_of(Trainer& t, const std::string& name) {
  auto& p = t.players()[0];
  for (auto* list : {&p.table.parameters, &p.table.buffers})
    for (const auto& e : *list)
      if (e.name == name) {
        std::vector<double> file(static_cast<std::size_t>(e.size));
        px::to_file_order(e, (list == &p.table.parameters ? p.parameters : p.buffers).data() + e.offset, file.data());
        return file;
      }
  throw px::error("test.001", "no entry " + name);
}
struct state_of {
  std::string wanted;
  std::vector<double> values;
  void counter(const std::string&, std::uint64_t&) {}
  template <class T>
  void entries(const std::string&, const std::vector<px::parameter_entry>&, T*) {}
  template <class T>
  void array(const std::string& name, px::tensor_view<T> v) {
    if (name == wanted) values.assign(v.begin(), v.end());
  }
};
template <class Trainer>
std::vector<double> state(Trainer& t, const char* name) {
  state_of s{name, {}};
  t.visit_state(s);
  return s.values;
}

template <class Recipe>
void follow(const std::string& name, const typename given_pairs<Recipe>::settings& settings, bool decay_all) {
  INFO(name);
  static const golden::file file("simclr_steps");
  px::train::trainer<Recipe, px::backend::reference> t(settings);
  t.set_steps_total(10);
  auto& p = t.players()[0];
  REQUIRE(p.table.parameters.size() == file.cases("initial.", "").size());
  for (const auto& e : p.table.parameters) px::from_file_order(e, file["initial." + e.name].values.data(), p.parameters.data() + e.offset);
  if (decay_all)
    for (auto& range : p.ranges) range.decay_multiplier = 1;
  const golden::tensor views = file["views"], losses = file[name + ".losses"], norms = file[name + ".gradient_norms"];
  for (index_t step = 0; step < 10; ++step) {
    INFO("step " << step);
    const auto& report = t.step({views.values.data() + step * 16 * 64, views.values.data(), 8});
    CHECK(t.loss() == Approx(losses[step]).epsilon(1e-10));
    CHECK(static_cast<double>(report.gradient_norm) == Approx(norms[step]).epsilon(1e-6));
    if (file.has(name + ".rates")) CHECK(static_cast<double>(report.learning_rate) == Approx(file[name + ".rates"][step]).epsilon(1e-6));
    if (step > 0) continue;
    CHECK(golden::relative_error(state(t, "h"), file[name + ".h0"]) < 1e-10);
    CHECK(golden::relative_error(state(t, "z"), file[name + ".z0"]) < 1e-10);
  }
  CHECK(golden::relative_error(state(t, "embedding"), file[name + ".embedding"]) < 1e-10);
  for (const std::string& entry : file.cases(name + ".final.", "")) {
    INFO(entry);
    CHECK(golden::relative_error(values_of(t, entry), file[name + ".final." + entry]) < 1e-10);
  }
  CHECK(values_of(t, "encoder.1.num_batches_tracked") == std::vector<double>{10});
}
}  // namespace

TEST_CASE("simclr: ten steps in double are PyTorch's, decay on every parameter", "[train][simclr]") {
  follow<constant_rate>("all", {}, true);
}

TEST_CASE("simclr: ten steps in double are PyTorch's, decay as the trainer has it", "[train][simclr]") {
  follow<constant_rate>("weights", {}, false);
}

TEST_CASE("simclr: ten steps in double are PyTorch's, warm-up, cosine and clipping", "[train][simclr]") {
  const golden::file file("simclr_steps");
  follow<moving_rate>("recipe", {.schedule = {.warmup_steps = 3}, .clip_norm = file.number("recipe.clip")}, false);
}
