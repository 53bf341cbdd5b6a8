// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <tuple>

#include <pretext/core/parameters.hpp>
#include <pretext/nn/mlp.hpp>
#include <pretext/objective/contrastive.hpp>
#include <pretext/optimizer/adamw.hpp>
#include <pretext/train/trainer.hpp>

#include "bench.hpp"

namespace bench {

/// SimCLR's step on views that are ready: what method::joint_embedding does after its augmentation, which has a program
/// of its own. A recipe names input, encoder and head.
template <class R>
class ready_views {
 public:
  using batch_type = px::tensor_view<const float>;  // (2 B, H, W, C): the first views of all samples, then the second
  using encoder_type = px::nn::bound_t<typename R::encoder, typename R::input>;
  using head_type = px::nn::bound_t<typename R::head, px::nn::output_t<encoder_type>>;
  static constexpr const char* name = "ready_views";

  struct settings {
    typename R::encoder encoder{};
    px::optimizer::adamw optimizer{};
    px::objective::nt_xent<> objective{};
    px::setting<index_t> batch_size = px::default_value(256);  // rows
    px::setting<std::uint64_t> seed = px::default_value(0);
    template <class Self, class Visit>
    static constexpr void fields(Self& self, Visit&& visit) {
      visit("encoder", self.encoder);
      visit("optimizer", self.optimizer);
      visit("objective", self.objective);
      visit("batch_size", self.batch_size);
      visit("seed", self.seed);
    }
  };
  constexpr explicit ready_views(const settings& s)
      : settings_(s), encoder_("encoder", px::nn::bind(s.encoder, typename R::input{})),
        head_("head", px::nn::bind(typename R::head{}, encoder_.layer.output())) {}

  constexpr auto players() { return std::make_tuple(px::train::player("online", settings_.optimizer, encoder_, head_)); }
  static constexpr index_t batch_size_of(const batch_type& in) { return in.extent(0); }
  static constexpr batch_type plan_batch(index_t n) { return {nullptr, static_cast<px::extents>(typename R::input{}).prepend(n)}; }

  template <class S>
  constexpr void step(S& s, const batch_type& in) const {
    const auto h = s.forward(encoder_, s.ctx.stored(px::activations<const float>(in)));
    const auto z = s.forward(head_, h.y);
    const auto rows = s.ctx.widened(z.y);
    const auto dz = px::objective::loss_and_gradient(s.ctx.exact(), settings_.objective, px::objective::self_pairs<float>{rows, 2}, s.loss);
    s.ctx(px::op::embedding_std, rows, s.embedding_std);
    s.backward(encoder_, h, s.backward(head_, z, s.ctx.stored(dz)), px::no_gradient{});
    s.update(px::train::player_id<0>{});
  }

 private:
  settings settings_;
  px::train::part<encoder_type> encoder_;
  px::train::part<head_type> head_;
};

/// Times steps of a recipe on `rows` views, or exports `small` rows: the parameters, the views, the gradients of the first
/// step (as AdamW's first moment, a tenth of them) and the losses of three steps.
template <class R>
void simclr_step(const options& o, const std::string& workload, const std::string& name, index_t rows, index_t small, double gflop_a_row) {
  if (!o.wants(name)) return;
  if (o.list) return void(std::printf("%s\n", name.c_str()));
  const index_t n = o.exports() ? small : rows;
  backend_type be(o.threads);
  typename px::train::trainer<R, backend_type>::settings_type settings{};
  settings.batch_size = n;
  px::train::trainer<R, backend_type> trainer(settings, be);
  const tensor views(static_cast<px::extents>(typename R::input{}).prepend(n), 1);
  if (!o.exports()) {
    const double loss_gflop = 4e-9 * static_cast<double>(n * n * R::width);
    return report(o, workload, name,
                  {.gflop = gflop_a_row * static_cast<double>(n) + loss_gflop,
                   .scratch_mb = static_cast<double>(trainer.planned_bytes()) / 1048576,
                   .items = static_cast<double>(n)},
                  [&] { trainer.step(views.in()); });
  }
  archive all;
  all.add("views", views);
  auto& player = trainer.players()[0];
  std::vector<std::vector<float>> kept;  // entries point into it
  const auto add = [&](const std::string& prefix, const float* data) {
    for (const px::parameter_entry& e : player.table.parameters) {
      kept.emplace_back(static_cast<std::size_t>(e.size));
      px::to_file_order(e, data + e.offset, kept.back().data());
      all.add(prefix + e.name, px::tensor_view<const float>{kept.back().data(), e.file_shape});
    }
  };
  add("start.", player.parameters.data());
  tensor losses(px::extents(3));
  for (index_t i = 0; i < 3; ++i) {
    losses.view()[i] = trainer.step(views.in()).loss;
    if (i == 0) add("moment.", player.state0.data());
  }
  all.add("losses", losses);
  all.write(o, workload, name);
}

}  // namespace bench
