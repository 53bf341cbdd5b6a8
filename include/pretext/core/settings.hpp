// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../config.hpp"
#include "list.hpp"
#include "text.hpp"

namespace pretext {

template <class T>
struct default_value_t {
  T value;
};

/// Marks a member's initial value as the policy's own default, which a recipe or a user may override.
template <class T>
PRETEXT_HOST_DEVICE constexpr default_value_t<T> default_value(T value) {
  return {value};
}

/// What lists of settings hold: a setting, whatever the type of its value.
struct any_setting {};

/// A hyper-parameter set by name. It remembers whether somebody chose its value, so that naming one number never
/// resets another: trainer settings are the user's choices over the recipe's choices over the policy's defaults.
///   struct nt_xent { setting<float> temperature = default_value(0.5f); };   nt_xent{.temperature = 0.2f}
template <class T>
class setting : public any_setting {
 public:
  using value_type = T;

  template <class U>
    requires std::is_convertible_v<U, T>
  PRETEXT_HOST_DEVICE constexpr setting(default_value_t<U> d) : value_(static_cast<T>(d.value)) {}
  template <class U>
    requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, setting>)
  PRETEXT_HOST_DEVICE constexpr setting(U&& chosen) : value_(static_cast<T>(std::forward<U>(chosen))), chosen_(true) {}

  PRETEXT_HOST_DEVICE constexpr operator const T&() const { return value_; }
  PRETEXT_HOST_DEVICE constexpr const T& value() const { return value_; }
  constexpr bool chosen() const { return chosen_; }
  /// Takes the recipe's value where nobody above it chose one.
  constexpr void inherit(const setting& below) {
    if (!chosen_) *this = below;
  }

 private:
  T value_;
  bool chosen_ = false;
};

template <class T>
inline constexpr bool is_setting = false;
template <class T>
inline constexpr bool is_setting<setting<T>> = true;

namespace detail {
struct any_field {
  template <class M>
  constexpr void operator()(std::string_view, const M&) const {}
};
}  // namespace detail

/// A policy with settings names each member once:
///   template <class Self, class Visit> static constexpr void fields(Self& self, Visit&& visit) {
///     visit("temperature", self.temperature);
///   }
/// A member may be a setting or another policy with fields. A policy without settings needs no `fields`.
template <class P>
concept HasFields = requires(P& p) { P::fields(p, detail::any_field{}); };

/// Calls visit(dotted_name_parts..., setting) for every setting of a policy, depth first, in declaration order.
/// `path` is called with each name on the way down and must return what is passed on.
/// cost    compiled anew for every `Visit`; where types do not matter, list_settings is cheaper
template <class P, class Path, class Visit>
constexpr void visit_settings(P& policy, const Path& path, Visit&& visit) {
  using bare = std::remove_const_t<P>;
  if constexpr (HasFields<bare>) {
    bare::fields(policy, [&](std::string_view name, auto& member) {
      using member_type = std::remove_cvref_t<decltype(member)>;
      if constexpr (is_setting<member_type>)
        visit(path / name, member);
      else
        visit_settings(member, path / name, visit);
    });
  }
}

namespace detail {
/// The shortest text that reads back as the same number: the same on every compiler.
PRETEXT_COLD inline std::string shortest_text(double value, bool as_float) {
  char text[32];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    const double back = std::strtod(text, nullptr);
    if ((as_float ? static_cast<double>(static_cast<float>(back)) : back) == value) break;
  }
  return text;
}
}  // namespace detail

/// A setting's value in words.
template <class T>
std::string value_text(const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::is_integral_v<T>)
    return joined({value});
  else if constexpr (std::is_floating_point_v<T>)
    return detail::shortest_text(static_cast<double>(value), std::is_same_v<T, float>);
  else if constexpr (requires { std::string(value); })
    return std::string(value);
  else
    return "?";
}

/// What can be done with a setting without knowing the type of its value.
struct setting_operations {
  void (*inherit)(any_setting& above, const any_setting& below);
  std::string (*text)(const any_setting&);
};

namespace detail {
template <class T>
struct setting_of {
  static constexpr void inherit(any_setting& above, const any_setting& below) {
    static_cast<setting<T>&>(above).inherit(static_cast<const setting<T>&>(below));
  }
  PRETEXT_COLD static std::string text(const any_setting& s) { return value_text(static_cast<const setting<T>&>(s).value()); }
  static constexpr setting_operations operations{inherit, text};
};
}  // namespace detail

/// One member of a policy: a setting, or a policy of its own, whose members follow one level deeper.
struct listed_setting {
  std::string_view name;
  int level = 0;
  const any_setting* value = nullptr;  // nullptr: a policy
  const setting_operations* operations = nullptr;
  std::string_view policy = {};        // its name, if it has one
};
using setting_list = list<listed_setting>;

namespace detail {
template <class P>
constexpr std::string_view policy_name() {
  if constexpr (requires { std::string_view(P::name); })
    return std::string_view(P::name);
  else
    return {};
}
struct setting_lister {
  setting_list& all;
  int level;
  template <class M>
  constexpr void operator()(std::string_view name, const M& member) const {
    if constexpr (is_setting<M>)
      add(name, &member, &setting_of<typename M::value_type>::operations, {});
    else {
      add(name, nullptr, nullptr, policy_name<M>());
      if constexpr (HasFields<M>) M::fields(member, setting_lister{all, level + 1});
    }
  }
  PRETEXT_COLD constexpr void add(std::string_view name, const any_setting* value, const setting_operations* operations,
                                  std::string_view policy) const {
    all.add() = {name, level, value, operations, policy};
  }
};
}  // namespace detail

/// Everything that `fields` names, depth first, in declaration order: one walk is compiled per policy, and whatever is
/// done with the list is compiled once for all. Valid as long as the policy.
template <class P>
constexpr setting_list list_settings(const P& policy) {
  setting_list all;
  if constexpr (HasFields<P>) P::fields(policy, detail::setting_lister{all, 0});
  return all;
}

namespace detail {
constexpr void inherit_listed(const setting_list& above, const setting_list& below) {
  for (std::size_t i = 0; i < above.size(); ++i)
    if (above[i].value != nullptr) above[i].operations->inherit(const_cast<any_setting&>(*above[i].value), *below[i].value);
}
}  // namespace detail

/// Fills what `above` did not choose from `below`; both are policies of one type.
template <class P>
constexpr void inherit_settings(P& above, const P& below) {
  detail::inherit_listed(list_settings(above), list_settings(below));
}

}  // namespace pretext
