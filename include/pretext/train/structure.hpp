// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "../core/settings.hpp"
#include "../core/text.hpp"
#include "trainer.hpp"

namespace pretext::train {

namespace detail {
PRETEXT_COLD inline std::string shape_text(const extents& e) {
  std::string s = "[";
  for (int i = 0; i < e.rank; ++i) append(s, {(i == 0 ? "" : ","), e[i]});
  return joined({s, "]"});
}

/// The dotted names of a list's members.
PRETEXT_COLD inline std::vector<std::string> dotted_names(const setting_list& list) {
  std::vector<std::string> names(list.size());
  std::string name;
  std::vector<std::size_t> ends(list.size() + 1);  // of the names of the policies around the member
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::size_t level = static_cast<std::size_t>(list[i].level);
    while (name.size() > ends[level]) name.pop_back();
    if (!list[i].name.empty()) append(name, {(name.empty() ? "" : "."), list[i].name});
    ends[level + 1] = name.size();
    names[i] = name;
  }
  return names;
}

/// The places and names of all policies, and of their settings, in order: what a recipe is made of beside its parameters
/// (steps of a chain of views, a similarity).
PRETEXT_COLD inline void append_policies(std::string& out, const setting_list& list) {
  const std::vector<std::string> names = dotted_names(list);
  for (std::size_t i = 0; i < list.size(); ++i)
    if (list[i].value != nullptr)
      append(out, {"\n  setting ", names[i]});
    else if (!names[i].empty())
      append(out, {"\n  policy ", names[i], (list[i].policy.data() == nullptr ? "" : " "), list[i].policy});
}
}  // namespace detail

/// Names of settings and their values in words.
using setting_texts = std::vector<std::pair<std::string, std::string>>;

PRETEXT_COLD inline setting_texts texts_of(const setting_list& list) {
  const std::vector<std::string> names = detail::dotted_names(list);
  setting_texts texts;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (list[i].value != nullptr) add_pair(texts, names[i], list[i].operations->text(*list[i].value));
  return texts;
}

/// Visits every setting of a policy tree as (dotted name, text).
template <class Settings, class Visit>
void for_each_setting(const Settings& settings, Visit&& visit) {
  for (const auto& [name, text] : texts_of(list_settings(settings))) visit(name, text);
}

/// What a trainer consists of, line by line: family, players with their tables and optimizers, targets, states, names of
/// settings. The same text for every compiler and back end; a checkpoint fits a trainer whose text is the same.
template <class Trainer>
PRETEXT_COLD std::string structure(const Trainer& t) {
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
  for (const auto& target : t.targets()) append(s, {"\ntarget ", target.spec.name, " of player ", target.spec.player, target.spec.average_buffers ? "" : " copies buffers"});
  for (std::size_t i = 0; i < t.state_names().size(); ++i)
    append(s, {"\nstate ", t.state_names()[i], " ", detail::shape_text(t.state_shapes()[i])});
  if constexpr (requires { Trainer::family_type::policies(); }) append(s, {"\n", Trainer::family_type::policies()});
  if constexpr (requires { t.family().input_size(); }) {
    const auto in = t.family().input_size();
    append(s, {"\ninput ", detail::shape_text(extents(in.height, in.width, in.channels))});
  }
  s += "\nsettings";
  detail::append_policies(s, list_settings(t.settings()));
  return s;
}

}  // namespace pretext::train
