// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "../../core/thread_pool.hpp"
#include "vector_ops.hpp"

namespace pretext::simd {

/// to[i] = f(in[i]...) or += it, n elements, f on whole vectors. The tail goes through the same copy of the code on
/// padded buffers, so an element's bits do not depend on where it stands. `to` may be one of the inputs.
template <class T, class Arch, class F, class... In>
void map_run(index_t n, T* to, bool accumulate, const F& f, const In*... in) {
  using O = vector_ops<T, Arch>;
  static_assert((std::is_same_v<In, T> && ...), "pretext[simd.101] all operands of a map have one element type");
  constexpr std::size_t count = sizeof...(In);
  alignas(64) T buffer[count + 1][O::width];
  const T* const given[count + 1] = {in..., to};
  for (index_t i = 0; i < n; i += O::width) {
    const index_t left = n - i;
    const bool whole = left >= O::width;
    const T* from[count + 1];
    for (std::size_t a = 0; a <= count; ++a) from[a] = given[a] ? given[a] + i : nullptr;
    if (!whole) {
      for (std::size_t a = 0; a <= count; ++a) {
        for (index_t l = 0; l < O::width; ++l) buffer[a][l] = T(1);
        if (a < count || accumulate) std::memcpy(buffer[a], from[a], static_cast<std::size_t>(left) * sizeof(T));
        from[a] = buffer[a];
      }
    }
    auto y = [&]<std::size_t... a>(std::index_sequence<a...>) { return f(O::load(from[a])...); }
    (std::make_index_sequence<count>{});
    if (accumulate) y = O::load(from[count]) + y;
    if (whole)
      O::store(to + i, y);
    else
      O::store_some(to + i, y, left);
  }
}

namespace detail {
/// Elements a thread takes at once: 64 KiB of floats, small enough for the L2 cache with three operands.
inline constexpr index_t map_chunk = 16384;
}  // namespace detail

/// to[i] = f(in[i]...).
template <class T, class Arch, class F, class... In>
void map(thread_pool& pool, index_t n, T* to, const F& f, const In*... in) {
  pool.parallel_for(n, detail::map_chunk, [&](index_t begin, index_t end) {
    map_run<T, Arch>(end - begin, to + begin, false, f, (in + begin)...);
  });
}

/// to[i] += f(in[i]...).
template <class T, class Arch, class F, class... In>
void map_add(thread_pool& pool, index_t n, T* to, const F& f, const In*... in) {
  pool.parallel_for(n, detail::map_chunk, [&](index_t begin, index_t end) {
    map_run<T, Arch>(end - begin, to + begin, true, f, (in + begin)...);
  });
}

/// y += x.
template <class T, class Arch>
void add(thread_pool& pool, index_t n, const T* x, T* y) {
  map<T, Arch>(pool, n, y, [](const vec<T, Arch>& a, const vec<T, Arch>& b) { return a + b; }, y, x);
}

/// y += factor * x, fused.
template <class T, class Arch>
void axpy(thread_pool& pool, index_t n, T factor, const T* x, T* y) {
  using O = vector_ops<T, Arch>;
  map<T, Arch>(
      pool, n, y, [=](const vec<T, Arch>& a, const vec<T, Arch>& b) { return O::fma(O::set(factor), b, a); }, y, x);
}

/// y = factor * x.
template <class T, class Arch>
void scale(thread_pool& pool, index_t n, T factor, const T* x, T* y) {
  using O = vector_ops<T, Arch>;
  map<T, Arch>(pool, n, y, [=](const vec<T, Arch>& a) { return O::set(factor) * a; }, x);
}

template <class T, class Arch>
void fill(thread_pool& pool, index_t n, T value, T* y) {
  map<T, Arch>(pool, n, y, [=] { return vector_ops<T, Arch>::set(value); });
}

template <class T, class Arch>
void copy(thread_pool& pool, index_t n, const T* x, T* y) {
  pool.parallel_for(n, detail::map_chunk, [&](index_t begin, index_t end) {
    std::memcpy(y + begin, x + begin, static_cast<std::size_t>(end - begin) * sizeof(T));
  });
}

/// to (rows, columns) = or += f(x, per_column...) where the last operands have one value a column.
template <class T, class Arch, class F, class... PerColumn>
void map_columns(thread_pool& pool, index_t rows, index_t columns, T* to, bool accumulate, const F& f, const T* x,
                 const PerColumn*... per_column) {
  if (columns <= 0) return;
  const index_t chunk = ceil_div(detail::map_chunk, columns);
  pool.parallel_for(rows, chunk, [&](index_t begin, index_t end) {
    for (index_t r = begin; r < end; ++r)
      map_run<T, Arch>(columns, to + r * columns, accumulate, f, x + r * columns, per_column...);
  });
}

}  // namespace pretext::simd
