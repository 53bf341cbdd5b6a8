// SPDX-License-Identifier: BSD-3-Clause
// The examples of docs/policies/{temperature,communicator,callback}.md, compiled and run. The text between marks is the page's.
#include <pretext/backend/reference/reference.hpp>
#include <pretext/check/objective.hpp>
#include <pretext/comm/threads.hpp>
#include <pretext/data/in_memory.hpp>
#include <pretext/recipe/joint_embedding.hpp>

#include <cstdio>
#include <vector>

#include "support/catch.hpp"

namespace px = pretext;
namespace nn = pretext::nn;

// [doc:own_temperature]
/// A trained number without an exponential: 1/tau = max(u, 1), so that one step moves a sharp softmax no more than a soft one.
struct linear_scale {
  static constexpr const char* name = "linear_scale";
  static constexpr bool is_learned = true;

  struct scale {  // 1/tau as a function of u
    template <class M, class V>
    static constexpr V value(const V& u) {
      return M::max(u, V(1));
    }
    template <class M, class V>
    static constexpr V derivative(const V& u) {
      return M::select(u > V(1), V(1), V(0));
    }
  };
  template <class V>
  static constexpr void parameters(V& v, double temperature) {
    v.parameter({.name = "scale", .file_shape = {}, .what = px::role::scale, .start = px::initialiser::constant(1 / temperature)});
  }
  template <class Ctx, class T>
  static constexpr void inverse(const Ctx& ctx, px::tensor_view<const T> u, double, double, px::tensor_view<T> out) {
    ctx(px::op::map, scale{}, u, out);
  }
};
// [/doc:own_temperature]

// [doc:use_temperature]
using my_objective = px::objective::nt_xent<px::similarity::cosine, linear_scale>;
// [/doc:use_temperature]

// [doc:own_communicator]
/// Another communicator, and how many bytes this rank has brought to its exchanges.
template <class Comm>
struct counting {
  static constexpr bool is_single = Comm::is_single;
  Comm inner{};
  std::size_t bytes = 0;

  int rank() const { return inner.rank(); }
  int size() const { return inner.size(); }
  template <class T>
  void all_reduce_sum(px::tensor_view<T> x) {
    count(x);
    inner.all_reduce_sum(x);
  }
  template <class T>
  void all_gather(px::tensor_view<const T> part, px::tensor_view<T> whole) {
    count(part);
    inner.all_gather(part, whole);
  }
  void barrier() { inner.barrier(); }

 private:
  template <class T>
  void count(px::tensor_view<T> x) {
    if (x.data != nullptr) bytes += static_cast<std::size_t>(x.size()) * sizeof(T);  // null: the step is being planned
  }
};
// [/doc:own_communicator]

// [doc:own_callback]
/// Ends a run whose embeddings have collapsed: their deviation stayed below `least` for `patience` steps in a row.
struct stop_on_collapse {
  float least = 0.01f;
  int patience = 20;
  int low = 0;  // steps in a row

  template <class Trainer>
  void on_step(Trainer& trainer, const px::train::step_report& report) {
    low = report.embedding_std < least ? low + 1 : 0;
    if (low >= patience) trainer.stop();
  }
  void on_end(const px::train::step_report& report) const {
    if (low >= patience) std::printf("collapsed: stopped after step %llu\n", static_cast<unsigned long long>(report.step));
  }
};
// [/doc:own_callback]

namespace {

struct small_simclr : px::recipe::simclr {
  using input = px::image<1, 8, 8>;
  using encoder = nn::sequential<nn::conv2d<4, 3>, nn::batch_norm, nn::relu, nn::global_avg_pool>;
  using head = nn::mlp<8, 4>;
  using views = px::augment::chain<px::augment::horizontal_flip, px::augment::gaussian_noise>;
  using objective = my_objective;
};

/// Stripes of another width and brightness in every picture, so that embeddings differ from the first step on.
px::data::image_set stripes(px::index_t count) {
  std::vector<std::uint8_t> pixels;
  for (px::index_t i = 0; i < count; ++i)
    for (px::index_t k = 0; k < 64; ++k) pixels.push_back(static_cast<std::uint8_t>(k / (1 + i % 5) % 2 == 0 ? 15 * i : 255 - 3 * i));
  return px::data::in_memory(pixels, count, 8, 8, 1);
}

}  // namespace

TEST_CASE("policies: the page's temperature has the gradient of its scale, and is trained", "[docs][temperature]") {
  // [doc:check_temperature]
  const px::check::result found = px::check::objective(my_objective{.temperature = 0.2f});
  INFO(found.text());
  CHECK(found.ok());
  // [/doc:check_temperature]
  const auto images = stripes(8);
  px::train::trainer<small_simclr, px::backend::reference> trainer({.objective = {.temperature = 0.2f}, .batch_size = 8, .epochs = 3});
  const auto& player = trainer.players()[0];
  const px::parameter_entry& scale = player.table.parameters.back();
  CHECK(scale.name.ends_with("scale"));
  CHECK(player.parameters[scale.offset] == 5.0f);
  trainer.fit(images);
  CHECK(player.parameters[scale.offset] != 5.0f);
}

TEST_CASE("policies: the page's communicator changes no number and counts what a rank brings", "[docs][communicator]") {
  const auto images = stripes(16);
  using my_recipe = small_simclr;
  // [doc:use_communicator]
  px::comm::threads_group group(2);
  std::vector<std::size_t> brought(2);
  std::vector<float> loss(2);
  group.run([&](px::comm::threads& rank) {
    counting<px::comm::threads> me{rank};
    px::backend::reference be;
    px::train::trainer<my_recipe, px::backend::reference, counting<px::comm::threads>> trainer({.batch_size = 4, .epochs = 1}, be, me);
    trainer.fit(images);  // 16 images: two steps, each of 4 on this rank and 4 on the other
    brought[static_cast<std::size_t>(me.rank())] = me.bytes;
    loss[static_cast<std::size_t>(me.rank())] = trainer.loss();
  });
  // [/doc:use_communicator]
  CHECK(loss[0] == loss[1]);
  CHECK(brought[0] == brought[1]);

  float plain = 0;  // the second step's loss: it has seen the weights of the first
  std::size_t parameters = 0;
  px::comm::threads_group again(2);
  again.run([&](px::comm::threads& me) {
    px::backend::reference be;
    px::train::trainer<my_recipe, px::backend::reference, px::comm::threads> trainer({.batch_size = 4, .epochs = 1}, be, me);
    trainer.fit(images);
    if (me.rank() != 0) return;
    plain = trainer.loss();
    parameters = static_cast<std::size_t>(trainer.players()[0].parameters.size());
  });
  CHECK(plain == loss[0]);
  CHECK(brought[0] > 2 * parameters * sizeof(float));  // the gradients of two steps; also rows, moments, losses
}

TEST_CASE("policies: the page's callback ends a run that it takes for collapsed", "[docs][callback]") {
  const auto images = stripes(16);
  px::train::trainer<small_simclr, px::backend::reference> trainer({.batch_size = 4, .epochs = 5});
  // [doc:use_callback]
  stop_on_collapse watch{.patience = 3};
  trainer.fit(images, watch);
  // [/doc:use_callback]
  CHECK(trainer.steps_done() == 20);  // nothing has collapsed
  CHECK(watch.low == 0);
  stop_on_collapse strict{.least = 10.0f, .patience = 3};
  px::train::trainer<small_simclr, px::backend::reference> stopped({.batch_size = 4, .epochs = 5});
  stopped.fit(images, strict);
  CHECK(stopped.steps_done() == 3);
}
