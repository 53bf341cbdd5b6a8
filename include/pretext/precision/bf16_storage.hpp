// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for recipes that name it
#pragma once

#include <array>
#include <string_view>
#include <type_traits>

#include "../core/bfloat16.hpp"
#include "precision.hpp"

namespace pretext::precision {

namespace detail {
template <class Products>
struct bf16_storage_name {
  static constexpr std::string_view parts[]{"bf16_storage<", Products::name, ">"};
  static constexpr std::size_t size = parts[0].size() + parts[1].size() + parts[2].size();
  static constexpr std::array<char, size + 1> text = [] {
    std::array<char, size + 1> t{};
    std::size_t n = 0;
    for (const std::string_view part : parts)
      for (const char c : part) t[n++] = c;
    return t;
  }();
};
}  // namespace detail

/// Activations and their gradients lie in memory as bfloat16: half the bytes of a step. They are computed in float and rounded
/// once, when they are stored; parameters, their gradients, optimizer, statistics and losses are float. Products are those of
/// another precision.
///   struct mine : recipe::simclr { using precision = pretext::precision::bf16_storage<pretext::precision::block16>; };
template <class Products = float32>
struct bf16_storage : Products {
  static_assert(std::is_same_v<typename Products::storage, float>,
                "pretext[recipe.117] bf16_storage<P> takes a precision P whose numbers are float");
  using storage = bfloat16;
  static constexpr const char* name = detail::bf16_storage_name<Products>::text.data();
};

}  // namespace pretext::precision
