// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "../backend/context.hpp"
#include "../backend/ops/update.hpp"
#include "../config.hpp"
#include "../core/parameters.hpp"
#include "../schedule/schedule.hpp"

/// Players: who is trained. A family names its parts, groups them into players and says what mirrors them.
namespace pretext::train {

/// A bound network (or policy with parameters) under a name, with its place in a player's flat buffers.
template <class Bound>
struct part {
  using layer_type = Bound;
  std::string_view name;
  Bound layer{};
  int player = 0;
  segment_size offset{};

  constexpr part() = default;
  constexpr part(std::string_view n, const Bound& l) : name(n), layer(l) {}
};
template <class Bound>
part(std::string_view, const Bound&) -> part<Bound>;

/// One player: its parts (held by the family), update rule, schedule and gradient clipping (0: none).
template <class Optimizer, class Schedule, class... Parts>
struct player_spec {
  using optimizer_type = Optimizer;
  std::string_view name;
  Optimizer optimizer;
  Schedule schedule;
  double clip_norm = 0;
  std::tuple<Parts*...> parts;
};

/// The names with dots in a table: "<part>.<layer>...". Parts of a family appear in the order given here.
template <class Optimizer, class Schedule, class... Parts>
constexpr auto player(std::string_view name, const Optimizer& o, const Schedule& s, double clip_norm, Parts&... parts) {
  return player_spec<Optimizer, Schedule, Parts...>{name, o, s, clip_norm, {&parts...}};
}

/// The same at a constant rate and without clipping.
template <class Optimizer, class... Bound>
constexpr auto player(std::string_view name, const Optimizer& o, part<Bound>&... parts) {
  return player(name, o, schedule::constant{}, 0.0, parts...);
}

/// A copy of the leading parts of a player that follows it as an exponential moving average and is never trained.
/// momentum moves from `first` to `last` on half a cosine (BYOL, arXiv:2006.07733, section 3.2); equal: constant.
struct target_spec {
  std::string_view name;
  int player = 0;
  segment_size extent{};
  double first = 0.99;
  double last = 1.0;
  bool average_buffers = true;  // statistics: averaged like weights, or copied
};

/// Covers the parts up to and including `last_part`; call it once the parts have their places.
template <class Part>
constexpr target_spec mirror(std::string_view name, const Part& last_part, double first, double last) {
  const segment_size own = segment_of(last_part.layer);
  return {name, last_part.player,
          {last_part.offset.parameters + own.parameters, last_part.offset.buffers + own.buffers}, first, last, true};
}

/// Gives every part its place and returns the extents of each player's flat buffers.
template <class... Specs>
PRETEXT_COLD constexpr std::array<segment_size, sizeof...(Specs)> lay_out(std::tuple<Specs...>& players) {
  std::array<segment_size, sizeof...(Specs)> total{};
  int index = 0;
  std::apply(
      [&](auto&... spec) {
        (
            [&] {
              segment_size end{};
              std::apply(
                  [&](auto*... p) {
                    (
                        [&] {
                          p->player = index;
                          p->offset = end;
                          const segment_size s = segment_of(p->layer);
                          end.parameters += s.parameters;
                          end.buffers += s.buffers;
                          end.ranges += s.ranges;
                        }(),
                        ...);
                  },
                  spec.parts);
              total[static_cast<std::size_t>(index++)] = end;
            }(),
            ...);
      },
      players);
  return total;
}

/// Where one player's numbers live during a step; null views on a plan.
template <class T>
struct player_views {
  tensor_view<T> parameters, gradients, buffers, state0, state1;
  tensor_view<const update_range> ranges;
  player_inputs* inputs = nullptr;
};

/// A target's own numbers.
template <class T>
struct target_views {
  tensor_view<T> parameters, buffers;
  double* momentum = nullptr;  // in step_inputs
};

}  // namespace pretext::train
