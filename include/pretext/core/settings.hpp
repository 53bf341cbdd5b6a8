// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

namespace pretext {

template <class T>
struct default_value_t {
  T value;
};

/// Marks a member's initial value as the policy's own default, which a recipe or a user may override.
template <class T>
constexpr default_value_t<T> default_value(T value) {
  return {value};
}

/// A hyper-parameter set by name. It remembers whether somebody chose its value, so that naming one number never
/// resets another: trainer settings are the user's choices over the recipe's choices over the policy's defaults.
///   struct nt_xent { setting<float> temperature = default_value(0.5f); };   nt_xent{.temperature = 0.2f}
template <class T>
class setting {
 public:
  using value_type = T;

  template <class U>
    requires std::is_convertible_v<U, T>
  constexpr setting(default_value_t<U> d) : value_(static_cast<T>(d.value)) {}
  template <class U>
    requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, setting>)
  constexpr setting(U&& chosen) : value_(static_cast<T>(std::forward<U>(chosen))), chosen_(true) {}

  constexpr operator const T&() const { return value_; }
  constexpr const T& value() const { return value_; }
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

/// A policy with settings names each member once:
///   template <class Self, class Visit> static constexpr void fields(Self& self, Visit&& visit) {
///     visit("temperature", self.temperature);
///   }
/// A member may be a setting or another policy with fields. A policy without settings needs no `fields`.
template <class P>
concept HasFields = requires(P& p) { P::fields(p, [](std::string_view, auto&) {}); };

/// Calls visit(dotted_name_parts..., setting) for every setting of a policy, depth first, in declaration order.
/// `path` is called with each name on the way down and must return what is passed on.
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

/// Fills what `above` did not choose from `below`; both are policies of one type.
template <class P>
constexpr void inherit_settings(P& above, const P& below) {
  if constexpr (is_setting<P>) {
    above.inherit(below);
  } else if constexpr (HasFields<P>) {
    // fields() names members of one object; walking both in step pairs them by position.
    int count = 0;
    P::fields(above, [&](std::string_view, auto& member) {
      int i = 0;
      P::fields(below, [&](std::string_view, const auto& other) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, std::remove_cvref_t<decltype(other)>>)
          if (i == count) inherit_settings(member, other);
        ++i;
      });
      ++count;
    });
  }
}

}  // namespace pretext
