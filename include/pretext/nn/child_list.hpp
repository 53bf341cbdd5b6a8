// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace pretext::nn::detail {

template <std::size_t I, class T>
struct child_slot {
  T value{};
};
template <class Indices, class... T>
struct child_slots;
template <std::size_t... I, class... T>
struct child_slots<std::index_sequence<I...>, T...> : child_slot<I, T>... {};

/// Values of several types side by side, one for each child of a combinator. A std::tuple is a chain of base classes, each
/// with its constructors and accessors; here all are bases of one class, and reaching one is a conversion: child<I>(list),
/// which is found without its namespace.
template <class... T>
struct child_list : child_slots<std::index_sequence_for<T...>, T...> {};

template <std::size_t I, class T>
constexpr T& child(child_slot<I, T>& s) {
  return s.value;
}
template <std::size_t I, class T>
constexpr const T& child(const child_slot<I, T>& s) {
  return s.value;
}

/// The type of child I.
template <class List, std::size_t I>
using child_type = std::remove_reference_t<decltype(child<I>(std::declval<List&>()))>;

/// f(child...) of all children, as std::apply.
template <class F, std::size_t... I, class... T>
constexpr decltype(auto) with_children(F&& f, child_slots<std::index_sequence<I...>, T...>& s) {
  return f(static_cast<child_slot<I, T>&>(s).value...);
}

}  // namespace pretext::nn::detail
