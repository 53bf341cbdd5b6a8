// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "trainer.hpp"

/// What a trainer will take, before there is one: the players' vectors are not built to know their sizes.
namespace pretext::train {

/// Bytes that a trainer asks of pretext's allocators, and what a step costs.
struct memory_plan {
  std::size_t parameters = 0, gradients = 0, optimizer = 0, buffers = 0, targets = 0, states = 0, workspace = 0;
  std::size_t batch = 0;  // where the back end has memory of its own: a batch, what changes from step to step, and tables
  double flops = 0;      // of one step
  index_t launches = 0;  // ops of one step
  constexpr std::size_t total() const { return parameters + gradients + optimizer + buffers + targets + states + workspace + batch; }
};

namespace detail {
template <class Trainer>
constexpr auto resolved_settings(typename Trainer::settings_type user) {
  using recipe = typename Trainer::recipe_type;
  if constexpr (requires(typename Trainer::settings_type& s) { recipe::defaults(s); }) {
    typename Trainer::settings_type chosen{};
    recipe::defaults(chosen);
    inherit_settings(user, chosen);
  }
  expects(user.batch_size >= 1, "value.301", "batch_size is below 1; give the number of samples per step");
  return user;
}
template <class Trainer>
using comm_of = std::remove_cvref_t<decltype(std::declval<const Trainer&>().comm())>;

/// How many lines a table has.
struct entry_counter {
  std::size_t count = 0;
  constexpr void parameter(const parameter_declaration&) { ++count; }
  constexpr void buffer(const parameter_declaration&) {}
  template <class Bound>
  constexpr void child(std::string_view, const Bound& layer) {
    layer.parameters(*this);
  }
};

template <class Trainer, class Of>
constexpr memory_plan plan_memory(typename Trainer::family_type& family, const typename Trainer::settings_type& settings, const Of& of, int ranks) {
  using T = typename Trainer::value_type;
  using rounding = precision::rounding_of<typename Trainer::precision_type>;
  memory_plan m;
  auto specs = family.players();
  const auto totals = lay_out(specs);
  const auto bytes = [](index_t n) { return static_cast<std::size_t>(n) * sizeof(master_t<T>); };
  std::size_t i = 0;
  std::apply(
      [&](const auto&... spec) {
        ((m.parameters += bytes(totals[i].parameters), m.gradients += bytes(totals[i].parameters),
          m.optimizer += bytes(totals[i].parameters) * static_cast<std::size_t>(std::remove_cvref_t<decltype(spec)>::optimizer_type::states),
          m.buffers += bytes(totals[i].buffers), ++i),
         ...);
      },
      specs);
  if constexpr (requires { family.targets(); })
    for (const target_spec& t : family.targets()) m.targets += bytes(t.extent.parameters + t.extent.buffers);
  if constexpr (requires { family.states(); })
    for (const auto& s : family.states()) m.states += bytes(s.shape.size());
  index_t part = 0;
  if constexpr (requires { settings.micro_batch; }) part = settings.micro_batch;
  const auto batch = family.plan_batch(settings.batch_size);
  step_plan p;
  if constexpr (comm_of<Trainer>::is_single)
    p = plan_step<T, rounding>(family, batch, part, of);
  else
    p = plan_step<T, rounding>(family, batch, part, of, comm::planned{ranks});
  m.workspace = p.workspace_bytes;
  if constexpr (Trainer::own_memory) {
    entry_counter lines;
    std::apply([&](const auto&... spec) { (std::apply([&](const auto*... each) { (lines.child(each->name, each->layer), ...); }, spec.parts), ...); }, specs);
    m.batch = own_side<typename Trainer::backend_type, typename Trainer::batch_type, master_t<T>>::batch_bytes(family, batch) +
              sizeof(step_record<master_t<T>>) + lines.count * sizeof(update_range);
  }
  m.flops = p.flops;
  m.launches = p.launches;
  return m;
}
}  // namespace detail

/// The bytes of a trainer with these settings, also in a constant expression where all extents are static:
///   static_assert(train::planned_memory<trainer<my_recipe, backend::reference>>({.batch_size = 32}).total() < 2'000'000);
/// `be`: a back end whose ops take scratch by their number of threads is asked here; `ranks` where a communicator joins some.
template <class Trainer, class Backend = typename Trainer::backend_type>
constexpr memory_plan planned_memory(const typename Trainer::settings_type& user, const Backend& be = Backend{}, int ranks = 1) {
  const auto settings = detail::resolved_settings<Trainer>(user);
  typename Trainer::family_type family(settings);
  return detail::plan_memory<Trainer>(family, settings, be, ranks);
}

/// What describe() found, to read or to print.
struct description {
  struct layer {
    std::string place, kind;
    extents output;          // of one sample; rank 0: not known
    index_t parameters = 0;  // trained values, those of the layers inside included
    double flops = -1;       // of one sample's forward pass; below 0: not known
    int depth = 0;
  };
  struct player {
    std::string name, optimizer;
    index_t parameters = 0;
    std::vector<layer> layers;
  };
  struct piece {
    std::string name;
    extents shape;  // rank 0: a copy of a player's leading parts
    std::size_t bytes = 0;
  };
  std::string family, backend, precision;
  index_t batch_size = 0;
  std::vector<player> players;
  std::vector<piece> targets, states;
  memory_plan memory;
  std::size_t bytes = 0;  // equals trainer.bytes()
  index_t parameters = 0;

  std::string text() const;
};

namespace detail {
PRETEXT_COLD inline std::string grouped(std::uint64_t n) {
  std::string s = std::to_string(n);
  for (std::size_t i = s.size(); i > 3; i -= 3) s.insert(i - 3, 1, ',');
  return s;
}
PRETEXT_COLD inline std::string scaled(double value, const char* unit) {
  static constexpr const char* steps[] = {"", "k", "M", "G", "T", "P"};
  int k = 0;
  while (value >= 1000 && k < 5) {
    value /= 1000;
    ++k;
  }
  char text[48];
  std::snprintf(text, sizeof text, k == 0 ? "%.0f %s%s" : value < 10 ? "%.2f %s%s" : "%.1f %s%s", value, steps[k], unit);
  return text;
}
PRETEXT_COLD inline std::string extents_text(const extents& e) {
  std::string s;
  for (int i = 0; i < e.rank; ++i) s += (i == 0 ? "" : " x ") + (e[i] > 0 ? std::to_string(e[i]) : std::string("?"));
  return s;
}
PRETEXT_COLD inline std::string left(std::string s, std::size_t width) {
  if (s.size() < width) s.append(width - s.size(), ' ');
  return s;
}
PRETEXT_COLD inline std::string right(const std::string& s, std::size_t width) {
  return s.size() < width ? std::string(width - s.size(), ' ') + s : s;
}

template <class Bound>
std::string kind_in_words() {
  if constexpr (requires { Bound::spec_type::label(); })
    return Bound::spec_type::label();
  else if constexpr (requires { std::string(Bound::spec_type::name); })
    return std::string(Bound::spec_type::name);
  else
    return {};
}

/// Walks bound layers as a table does, with shapes and costs.
template <class Ctx>
class layer_lister {
 public:
  layer_lister(std::vector<description::layer>& out, std::string prefix, int depth) : out_(out), prefix_(std::move(prefix)), depth_(depth) {}

  void parameter(const parameter_declaration& d) { count += d.file_shape.size(); }
  void buffer(const parameter_declaration&) {}
  template <class Bound>
  void child(std::string_view name, const Bound& layer) {
    const std::size_t at = out_.size();
    std::string place = prefix_;
    if (!place.empty() && !name.empty()) place += ".";
    place += name;
    out_.push_back({place, kind_in_words<Bound>(), {}, 0, -1, depth_});
    if constexpr (requires { layer.output(); }) out_[at].output = static_cast<extents>(layer.output());
    out_[at].flops = forward_flops(layer);
    layer_lister inner(out_, place, depth_ + 1);
    layer.parameters(inner);
    out_[at].parameters = inner.count;
    count += inner.count;
    // A policy without parameters (an objective) is no layer.
    if (inner.count == 0 && out_[at].output.rank == 0 && out_[at].kind.empty()) out_.erase(out_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  index_t count = 0;

 private:
  /// Of one sample: half of a batch of two, which statistics layers accept.
  template <class Bound>
  static double forward_flops(const Bound& layer) {
    using T = typename Ctx::value_type;
    using cache = typename Bound::template cache<T>;
    if constexpr (requires(const Ctx& ctx, activations<const T> x, activations<T> y, cache& c) {
                    layer.input;
                    layer.forward(ctx, parameter_view<T>{}, x, y, c);
                  }) {
      typename Ctx::backend_type counter{};
      workspace memory;
      typename Ctx::comm_type alone{};
      step_inputs inputs{};
      Ctx ctx{&counter, &memory, &alone, &inputs};
      extent structure;
      structure.samples = 2;
      const extents in = static_cast<extents>(layer.input).prepend(2);
      const activations<const T> x(tensor_view<const T>{nullptr, in}, &structure);
      const activations<T> y(tensor_view<T>{nullptr, nn::output_extents(layer, in)}, &structure);
      auto kept = std::make_unique<cache>();
      layer.forward(ctx, parameter_view<T>{}, x, y, *kept);
      return counter.flops() / 2;
    } else {
      return -1;
    }
  }
  std::vector<description::layer>& out_;
  std::string prefix_;
  int depth_;
};
}  // namespace detail

/// Shapes, parameters, bytes and cost of the trainer these settings would make, on a given back end.
/// laws    `bytes` equals bytes() of that trainer
template <class Trainer>
description describe(const typename Trainer::settings_type& user, const typename Trainer::backend_type& be, int ranks = 1) {
  using T = typename Trainer::value_type;
  using backend_type = typename Trainer::backend_type;
  const auto settings = detail::resolved_settings<Trainer>(user);
  typename Trainer::family_type family(settings);
  description d;
  d.family = Trainer::family_type::name;
  d.backend = backend_type::name;
  d.precision = detail::precision_of<typename Trainer::recipe_type>::type::name;
  d.batch_size = settings.batch_size;
  d.memory = detail::plan_memory<Trainer>(family, settings, be, ranks);
  d.bytes = d.memory.total();
  auto specs = family.players();
  lay_out(specs);
  std::apply(
      [&](const auto&... spec) {
        (
            [&] {
              description::player p;
              p.name = std::string(spec.name);
              p.optimizer = std::remove_cvref_t<decltype(spec)>::optimizer_type::name;
              // Costs do not depend on the back end; the reference's have no run-time state.
              detail::layer_lister<context<backend::count<>, T>> lister(p.layers, "", 0);
              std::apply([&](const auto*... part) { (lister.child(part->name, part->layer), ...); }, spec.parts);
              p.parameters = lister.count;
              d.parameters += p.parameters;
              d.players.push_back(std::move(p));
            }(),
            ...);
      },
      specs);
  if constexpr (requires { family.targets(); })
    for (const target_spec& t : family.targets())
      d.targets.push_back({std::string(t.name), {}, static_cast<std::size_t>(t.extent.parameters + t.extent.buffers) * sizeof(master_t<T>)});
  if constexpr (requires { family.states(); })
    for (const auto& s : family.states())
      d.states.push_back({std::string(s.name), s.shape, static_cast<std::size_t>(s.shape.size()) * sizeof(master_t<T>)});
  return d;
}
/// On the back end that the trainer would make for itself.
template <class Trainer>
description describe(const typename Trainer::settings_type& user = {}) {
  using backend_type = typename Trainer::backend_type;
  if constexpr (requires { user.threads; } && std::is_constructible_v<backend_type, int>)
    return describe<Trainer>(user, backend_type(static_cast<int>(detail::resolved_settings<Trainer>(user).threads)));
  else
    return describe<Trainer>(user, backend_type{});
}

/// A page of plain text.
PRETEXT_COLD inline std::string description::text() const {
  using namespace detail;
  std::string s = family + " on " + backend + ", " + precision + ", batch " + grouped(static_cast<std::uint64_t>(batch_size)) + "\n";
  std::size_t places = 5, kinds = 4, shapes = 6;
  for (const player& p : players)
    for (const layer& l : p.layers) {
      places = std::max(places, l.place.size() + 2 * static_cast<std::size_t>(l.depth));
      kinds = std::max(kinds, l.kind.size());
      shapes = std::max(shapes, extents_text(l.output).size());
    }
  for (const player& p : players) {
    s += "\nplayer " + p.name + ": " + grouped(static_cast<std::uint64_t>(p.parameters)) + " parameters, " + p.optimizer + "\n";
    s += "  " + left("layer", places) + "  " + left("kind", kinds) + "  " + left("output", shapes) + "  " + right("parameters", 12) + "  " +
         right("a sample", 12) + "\n";
    for (const layer& l : p.layers) {
      std::string line = "  " + left(std::string(2 * static_cast<std::size_t>(l.depth), ' ') + l.place, places) + "  " + left(l.kind, kinds) + "  " +
                         left(extents_text(l.output), shapes) + "  " +
                         right(l.parameters > 0 ? grouped(static_cast<std::uint64_t>(l.parameters)) : "", 12) + "  " +
                         right(l.flops < 0 ? "" : scaled(l.flops, "FLOP"), 12);
      line.erase(line.find_last_not_of(' ') + 1);
      s += line + "\n";
    }
  }
  s += "\nmemory\n";
  const auto row = [&](const std::string& what, std::size_t n) {
    if (n > 0) s += "  " + left(what, 28) + right(grouped(n), 18) + " bytes\n";
  };
  row("parameters", memory.parameters);
  row("gradients", memory.gradients);
  row("optimizer state", memory.optimizer);
  row("running statistics", memory.buffers);
  for (const piece& t : targets) row(t.name, t.bytes);
  for (const piece& t : states) row(t.name + " " + extents_text(t.shape), t.bytes);
  row("working memory of a step", memory.workspace);
  row("batch and inputs of a step", memory.batch);
  row("all", bytes);
  s += "\nstep: " + scaled(memory.flops, "FLOP") + " in " + grouped(static_cast<std::uint64_t>(memory.launches)) + " ops\n";
  return s;
}

}  // namespace pretext::train
