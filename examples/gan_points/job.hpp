// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <pretext/data/synthetic/mixture.hpp>
#include <pretext/eval/modes.hpp>
#include <pretext/io/json_writer.hpp>
#include <pretext/recipe/gan.hpp>
#include <pretext/report/html.hpp>
#include <pretext/train/checkpoint.hpp>

#include "options.hpp"

/// Train, measure, say it in one line. The same text for every back end.
namespace gan_points {

namespace px = pretext;
namespace method = pretext::method;

/// A policy of one's own: the loss is chosen when the program runs, so that one trainer serves all of them.
struct chosen_loss {
  px::setting<int> which = px::default_value(0);  // 0 minimax, 1 nonsaturating, 2 lsgan, 3 hinge, 4 wgan_gp
  px::setting<double> smoothing = px::default_value(0.0);
  static constexpr const char* name = "chosen_loss";
  static constexpr bool probability = true;  // asked only where it is so; see run
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("which", self.which);
    visit("smoothing", self.smoothing);
  }
  template <class Ctx, class T>
  constexpr px::activations<T> real(const Ctx& ctx, px::tensor_view<const T> s, px::tensor_view<T> loss) const {
    return with([&](const auto& o) { return o.real(ctx, s, loss); });
  }
  template <class Ctx, class T>
  constexpr px::activations<T> fake(const Ctx& ctx, px::tensor_view<const T> s, px::tensor_view<T> loss) const {
    return with([&](const auto& o) { return o.fake(ctx, s, loss); });
  }
  template <class Ctx, class T>
  constexpr px::activations<T> generator(const Ctx& ctx, px::tensor_view<const T> s, px::tensor_view<T> loss) const {
    return with([&](const auto& o) { return o.generator(ctx, s, loss); });
  }

 private:
  template <class F>
  constexpr auto with(F&& f) const {
    switch (which.value()) {
      case 0: return f(px::objective::minimax{.smoothing = smoothing});
      case 1: return f(px::objective::non_saturating{{.smoothing = smoothing}});
      case 2: return f(px::objective::least_squares{.smoothing = smoothing});
      case 3: return f(px::objective::hinge{});
      default: return f(px::objective::wasserstein{});
    }
  }
};

template <class Regularizer>
struct points : px::recipe::gan {
  using objective = chosen_loss;
  using regularizer = Regularizer;
};

struct results {
  std::string data, loss, regularizer, alarms, checkpoint;
  std::uint64_t steps = 0;
  double seconds = 0, points_per_second = 0, d_loss = 0, g_loss = 0, penalty = 0, high_quality = 0;
  px::index_t modes = 0, modes_covered = 0, modes_reached = 0;
};

inline std::string json(const results& r) {
  px::io::json::writer w;
  w.begin_object();
  w.member("data", r.data).member("loss", r.loss).member("regularizer", r.regularizer).member("steps", static_cast<long>(r.steps));
  w.member("seconds", r.seconds).member("points_per_second", r.points_per_second);
  w.member("d_loss", r.d_loss).member("g_loss", r.g_loss).member("penalty", r.penalty);
  w.member("modes", static_cast<long>(r.modes)).member("modes_covered", static_cast<long>(r.modes_covered));
  w.member("modes_reached", static_cast<long>(r.modes_reached)).member("high_quality", r.high_quality);
  w.member("alarms", r.alarms).member("checkpoint", r.checkpoint);
  w.end_object();
  return w.text();
}

template <class Regularizer, class Backend>
results run(const options& o, Backend& backend) {
  using trainer_type = px::train::trainer<points<Regularizer>, Backend>;
  typename trainer_type::settings_type s{};
  const std::vector<std::string> losses{"minimax", "nonsaturating", "lsgan", "hinge", "wgan_gp"};
  for (std::size_t i = 0; i < losses.size(); ++i)
    if (losses[i] == o.loss) s.objective.which = static_cast<int>(i);
  s.objective.smoothing = o.smoothing;
  if constexpr (requires { s.regularizer.weight; }) s.regularizer.weight = o.weight;
  s.generator_optimizer.rate = o.lr;
  s.discriminator_optimizer.rate = o.lr;
  s.target.momentum = o.ema;
  s.target.last_momentum = o.ema;
  s.discriminator_steps = o.discriminator_steps;
  s.batch_size = o.batch_size;
  s.seed = o.seed;
  trainer_type trainer(s, backend);
  if (!o.resume.empty()) {
    const auto found = trainer.resume(o.resume);
    if (!o.quiet) std::fprintf(stderr, "%s %s\n", found.resumed ? "goes on from" : "starts afresh: nothing to go on from in", found.resumed ? found.file.c_str() : o.resume.c_str());
  }

  const px::data::gaussian_mixture truth = o.data == "ring" ? px::data::ring() : px::data::grid();
  const px::index_t each = o.batch_size * o.discriminator_steps;
  std::vector<float> xy(static_cast<std::size_t>(2 * each));
  method::adversarial_alarms alarms;
  px::report::curve d_loss{.name = "discriminator", .x = {}, .y = {}}, g_loss{.name = "generator", .x = {}, .y = {}};
  method::adversarial_report last;
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t first = trainer.steps_done();
  for (std::uint64_t step = first; step < o.steps; ++step) {
    truth.draw_into(xy.data(), each, o.seed + 1, step * static_cast<std::uint64_t>(each));
    if (!trainer.step({xy.data(), each}).finite) throw std::runtime_error("a loss or a gradient is not finite; try a smaller --lr");
    last = method::report_of(trainer);
    last.probability = o.loss == "minimax" || o.loss == "nonsaturating";
    alarms.look(last);
    if (o.checkpoint_every > 0 && !o.out.empty() && (step + 1) % o.checkpoint_every == 0) px::train::save_checkpoint(trainer, o.out);
    if ((step + 1) % (o.steps / 100 + 1) == 0 || step + 1 == o.steps) {
      d_loss.x.push_back(static_cast<double>(step + 1)), d_loss.y.push_back(last.discriminator_loss);
      g_loss.x.push_back(static_cast<double>(step + 1)), g_loss.y.push_back(last.generator_loss);
    }
    if (!o.quiet && (step + 1) % (o.steps / 10 + 1) == 0)
      std::fprintf(stderr, "step %llu: discriminator %.3f (penalty %.3f), generator %.3f, D(x) %.2f, D(G(z)) %.2f%s%s\n",
                   static_cast<unsigned long long>(step + 1), last.discriminator_loss, last.penalty, last.generator_loss, last.opinion_real(),
                   last.opinion_fake(), alarms.text().empty() ? "" : ", alarm: ", alarms.text().c_str());
  }
  results r{.data = o.data, .loss = o.loss, .regularizer = o.regularizer, .alarms = alarms.text(), .checkpoint = {}};
  r.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  r.steps = trainer.steps_done();
  r.points_per_second = r.seconds > 0 ? static_cast<double>((r.steps - first) * static_cast<std::uint64_t>(each)) / r.seconds : 0;
  r.d_loss = last.discriminator_loss, r.g_loss = last.generator_loss, r.penalty = last.penalty;
  if (!o.out.empty()) r.checkpoint = px::train::save_checkpoint(trainer, o.out);

  const std::vector<float> made = method::generate(trainer, o.samples, o.seed);
  const auto m = px::eval::cover_modes(px::view_of(made), px::view_of(truth.centres), 2, truth.sigma);
  r.modes = m.modes, r.modes_covered = m.covered, r.modes_reached = m.reached, r.high_quality = m.high_quality;
  if (!o.report.empty()) {
    px::report::html page(o.report);
    auto& d = page.document();
    d.title = "GAN on the " + o.data;
    d.state = "finished";
    if (!r.alarms.empty()) d.warnings.push_back("alarm: " + r.alarms);
    d.summary = {{"modes covered", std::to_string(m.covered) + " of " + std::to_string(m.modes), ""},
                 {"within 3 sigma", std::to_string(static_cast<int>(100 * m.high_quality + 0.5)) + " %", "of the truth: 98.9 %"}};
    px::report::scatter map{.title = "2,000 generated points over the centres", .x_label = "x", .y_label = "y", .x = {}, .y = {}, .labels = {}, .label_names = {"centre", "generated"}};
    const auto add = [&](const std::vector<float>& p, std::size_t most, int label) {
      for (std::size_t i = 0; i + 1 < p.size() && i < 2 * most; i += 2)
        map.x.push_back(p[i]), map.y.push_back(p[i + 1]), map.labels.push_back(label);
    };
    add(made, 2000, 1);
    add(truth.centres, truth.centres.size(), 0);
    px::report::section shown{.title = "What was learned", .text = {}, .pairs = {}, .bars = {}, .plots = {}, .maps = {map}, .tables = {}, .images = {}, .neighbours = {}};
    px::report::plot losses_plot{.title = "Losses", .x_label = "step", .y_label = "loss", .curves = {d_loss, g_loss}, .lines = {}};
    shown.plots.push_back(losses_plot);
    d.sections.push_back(std::move(shown));
    page.write();
  }
  return r;
}

/// The whole program on a back end made by `make(threads)`.
template <class Make>
int run_program(int argc, char** argv, Make&& make) {
  return command_line::run_program(argc, argv, usage, parse, [&](const options& o) {
    auto backend = make(o.threads);
    const results r = o.regularizer == "r1"   ? run<px::regularizer::r1>(o, *backend)
                      : o.regularizer == "gp" ? run<px::regularizer::gp>(o, *backend)
                                              : run<px::regularizer::none>(o, *backend);
    return json(r);
  });
}

}  // namespace gan_points
