// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "error.hpp"
#include "index.hpp"

namespace pretext {

/// The largest number of extents a tensor has, the batch included.
inline constexpr int max_rank = 5;

/// Run-time extents: a small fixed array, first extent slowest. What tensors carry.
struct extents {
  index_t values[max_rank] = {};  // not std::array, whose members a CUDA compiler cannot call on the device
  int rank = 0;

  constexpr extents() = default;
  template <class... I>
    requires(sizeof...(I) >= 1 && sizeof...(I) <= max_rank && (std::is_convertible_v<I, index_t> && ...))
  PRETEXT_HOST_DEVICE constexpr extents(I... i) : values{static_cast<index_t>(i)...}, rank(static_cast<int>(sizeof...(I))) {}

  PRETEXT_HOST_DEVICE constexpr index_t operator[](int i) const { return values[static_cast<std::size_t>(i)]; }
  PRETEXT_HOST_DEVICE constexpr index_t& operator[](int i) { return values[static_cast<std::size_t>(i)]; }
  PRETEXT_HOST_DEVICE constexpr index_t last() const { return rank == 0 ? 1 : (*this)[rank - 1]; }
  // Apart: they are asked once an op, and loops over extents would be copied into every op and layer.
  PRETEXT_APART PRETEXT_HOST_DEVICE constexpr index_t size() const {
    index_t n = 1;
    for (int i = 0; i < rank; ++i) n *= (*this)[i];
    return n;
  }
  /// The same for extents that are constants where it is asked, as those of a layer's parameters mostly are: the compiler
  /// then computes it, and nothing is left of the extents. As a call it would have to write them all into memory first.
  PRETEXT_FOLDED constexpr index_t folded_size() const { return factor(0) * factor(1) * factor(2) * factor(3) * factor(4); }
  /// As a matrix: all extents but the last.
  PRETEXT_APART PRETEXT_HOST_DEVICE constexpr index_t rows() const {
    index_t n = 1;
    for (int i = 0; i + 1 < rank; ++i) n *= (*this)[i];
    return n;
  }
  PRETEXT_APART constexpr extents prepend(index_t first) const {
    extents e;
    e.rank = rank + 1;
    e[0] = first;
    for (int i = 0; i < rank; ++i) e[i + 1] = (*this)[i];
    return e;
  }
  PRETEXT_APART constexpr extents drop_first() const {
    extents e;
    e.rank = rank - 1;
    for (int i = 1; i < rank; ++i) e[i - 1] = (*this)[i];
    return e;
  }
  friend constexpr bool operator==(const extents&, const extents&) = default;

 private:
  static_assert(max_rank == 5, "folded_size has a factor for each");
  PRETEXT_FOLDED constexpr index_t factor(int i) const { return i < rank ? (*this)[i] : 1; }
};

namespace detail {
template <int Rank, bool Static>
struct shape_storage {
  std::array<index_t, Rank> values{};
};
template <int Rank>
struct shape_storage<Rank, true> {};
}  // namespace detail

/// The shape of one sample, as a type, in memory order (slowest first); the batch size is never part of it.
/// Any extent may be `dynamic`; its value then travels in the object. The same constexpr functions give constants
/// where all extents are static and are evaluated once at construction where not.
template <index_t... E>
struct shape : private detail::shape_storage<static_cast<int>(sizeof...(E)), ((E != dynamic) && ...)> {
  static constexpr int rank = static_cast<int>(sizeof...(E));
  static constexpr bool is_static = ((E != dynamic) && ...);
  static constexpr std::array<index_t, sizeof...(E)> fixed{E...};

  constexpr shape() = default;
  /// Takes the values of dynamic extents from `e`; the static ones have to agree.
  constexpr explicit shape([[maybe_unused]] const extents& e) {
    expects(e.rank == rank, "shape.100", "a tensor has another number of extents than the shape it is used as");
    for (int i = 0; i < rank; ++i)
      expects(fixed[static_cast<std::size_t>(i)] == dynamic || fixed[static_cast<std::size_t>(i)] == e[i], "shape.100",
              "an extent differs from the one the network was built for");
    if constexpr (!is_static)
      for (int i = 0; i < rank; ++i) this->values[static_cast<std::size_t>(i)] = e[i];
  }
  constexpr index_t operator[](int i) const {
    if constexpr (is_static)
      return fixed[static_cast<std::size_t>(i)];
    else
      return fixed[static_cast<std::size_t>(i)] != dynamic ? fixed[static_cast<std::size_t>(i)]
                                                           : this->values[static_cast<std::size_t>(i)];
  }
  constexpr operator extents() const {
    extents e;
    e.rank = rank;
    for (int i = 0; i < rank; ++i) e[i] = (*this)[i];
    return e;
  }
  /// Of a batch of `n` samples, where all extents are static.
  static constexpr extents of_batch(index_t n)
    requires is_static
  {
    return extents(n, E...);
  }
  constexpr index_t size() const { return static_cast<extents>(*this).size(); }
};

template <>
struct shape<> {
  static constexpr int rank = 0;
  static constexpr bool is_static = true;
  constexpr shape() = default;
  constexpr explicit shape(const extents&) {}
  constexpr operator extents() const { return {}; }
  constexpr index_t size() const { return 1; }
};

/// What a composition that does not fit yields; layers after it say nothing more.
struct invalid_shape {
  static constexpr int rank = 0;
  static constexpr bool is_static = true;
  constexpr operator extents() const { return {}; }
  constexpr index_t size() const { return 0; }
};

/// C channels of H x W pixels. Memory is channels-last (H, W, C) on every back end; files keep PyTorch's order.
template <index_t C, index_t H, index_t W>
using image = shape<H, W, C>;
/// D features.
template <index_t D>
using features = shape<D>;
/// T positions of D features; T is known per batch.
template <index_t D>
using sequence = shape<dynamic, D>;
/// Graph nodes: the rows of the tensor are the nodes of all graphs of the batch.
template <index_t D>
using nodes = shape<D>;

template <class S>
inline constexpr bool is_shape = false;
template <index_t... E>
inline constexpr bool is_shape<shape<E...>> = true;

/// Extent I of a shape type; `dynamic` where it is not static. Counts from the end when negative.
template <class S, int I>
inline constexpr index_t static_extent = S::fixed[static_cast<std::size_t>(I < 0 ? S::rank + I : I)];

}  // namespace pretext
