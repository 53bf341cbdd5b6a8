// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>

#include "../core/text.hpp"
#include "trainer.hpp"

namespace pretext::train {

namespace detail {
struct dotted {
  std::string text;
  dotted operator/(std::string_view name) const {
    if (name.empty()) return *this;
    return {text.empty() ? std::string(name) : text + "." + std::string(name)};
  }
};
inline std::string shape_text(const extents& e) {
  std::string s = "[";
  for (int i = 0; i < e.rank; ++i) append(s, {(i == 0 ? "" : ","), e[i]});
  return joined({s, "]"});
}
template <class T>
std::string value_text(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    char text[32];
    // Shortest text that reads back: the same on every compiler.
    for (int digits = 1; digits <= 17; ++digits) {
      std::snprintf(text, sizeof text, "%.*g", digits, static_cast<double>(value));
      if (static_cast<T>(std::strtod(text, nullptr)) == value) break;
    }
    return text;
  } else if constexpr (requires { std::string(value); }) {
    return std::string(value);
  } else {
    return "?";
  }
}
}  // namespace detail

/// Visits every setting of a policy tree as (dotted name, text).
template <class Settings, class Visit>
void for_each_setting(const Settings& settings, Visit&& visit) {
  visit_settings(settings, detail::dotted{}, [&](const detail::dotted& name, const auto& member) {
    visit(name.text, detail::value_text(member.value()));
  });
}

namespace detail {
/// The places and names of all policies, and of their settings, in order: what a recipe is made of beside its parameters
/// (steps of a chain of views, a similarity).
template <class P>
void list_policies(const P& policy, const dotted& place, std::string& out) {
  if (!place.text.empty()) {
    append(out, {"\n  policy ", place.text});
    if constexpr (requires { std::string(P::name); }) append(out, {" ", P::name});
  }
  if constexpr (HasFields<P>)
    P::fields(policy, [&](std::string_view name, const auto& member) {
      if constexpr (is_setting<std::remove_cvref_t<decltype(member)>>)
        append(out, {"\n  setting ", (place / name).text});
      else
        list_policies(member, place / name, out);
    });
}
}  // namespace detail

/// What a trainer consists of, line by line: family, players with their tables and optimizers, targets, states, names of
/// settings. The same text for every compiler and back end; a checkpoint fits a trainer whose text is the same.
template <class Trainer>
std::string structure(const Trainer& t) {
  std::string s = "family ";
  s += Trainer::family_type::name;
  s += "\nprecision ";
  s += detail::precision_of<typename Trainer::recipe_type>::type::name;
  for (const auto& p : t.players()) {
    append(s, {"\nplayer ", p.name, " optimizer ", p.optimizer_name});
    for (const auto& [place, kind] : p.table.layers) append(s, {"\n  layer ", place, " ", kind});
    for (const auto& e : p.table.parameters) append(s, {"\n  parameter ", e.name, " ", detail::shape_text(e.file_shape)});
    for (const auto& e : p.table.buffers) append(s, {"\n  buffer ", e.name, " ", detail::shape_text(e.file_shape)});
  }
  for (const auto& target : t.targets()) append(s, {"\ntarget ", target.spec.name, " of player ", target.spec.player});
  for (std::size_t i = 0; i < t.state_names().size(); ++i)
    append(s, {"\nstate ", t.state_names()[i], " ", detail::shape_text(t.state_shapes()[i])});
  if constexpr (requires { Trainer::family_type::policies(); }) append(s, {"\n", Trainer::family_type::policies()});
  if constexpr (requires { t.family().input_size(); }) {
    const auto in = t.family().input_size();
    append(s, {"\ninput ", detail::shape_text(extents(in.height, in.width, in.channels))});
  }
  s += "\nsettings";
  detail::list_policies(t.settings(), {}, s);
  return s;
}

}  // namespace pretext::train
