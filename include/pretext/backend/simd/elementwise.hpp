// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "../../core/thread_pool.hpp"
#include "vector_ops.hpp"

namespace pretext::simd {

namespace detail {

/// from[...] becomes a copy of the last `left` elements, padded with ones.
template <class T, class Arch, class S>
inline void pad_run(const S*& from, index_t at, index_t left, bool read, S* buffer) {
  for (index_t l = 0; l < vector_ops<T, Arch>::width; ++l) buffer[l] = S(1);
  if (read) std::memcpy(buffer, from + at, static_cast<std::size_t>(left) * sizeof(S));
  from = buffer;
}

enum class result { written, added, streamed };

template <class T, class Arch, result Result, class S, class F, std::size_t... I>
inline void map_run(index_t n, S* to, const F& f, std::index_sequence<I...>, const S* const (&in)[sizeof...(I) + 1]) {
  using O = vector_ops<T, Arch>;
  constexpr std::size_t count = sizeof...(I);
  alignas(64) S buffer[count + 1][O::width];
  const S* from[count + 1] = {in[I]..., to};
  constexpr bool accumulate = Result == result::added;
  const index_t left = n % O::width;
  S* out = to;
  index_t end = n - left;
  for (bool tail = false;; tail = true) {
    for (index_t i = 0; i < end; i += O::width) {
      auto y = f(O::load(from[I] + i)...);
      if constexpr (accumulate) y = O::load(from[count] + i) + y;
      if constexpr (Result == result::streamed)
        O::stream(out + i, y);
      else
        O::store(out + i, y);
    }
    if (tail || left == 0) break;
    (pad_run<T, Arch>(from[I], n - left, left, true, buffer[I]), ...);
    pad_run<T, Arch>(from[count], n - left, left, accumulate, buffer[count]);
    out = buffer[count];
    end = O::width;
  }
  if (left != 0) std::memcpy(to + (n - left), out, static_cast<std::size_t>(left) * sizeof(S));
}

}  // namespace detail

/// to[i] = f(in[i]...) or += it, n elements stored as S, f on whole vectors of T. The tail goes through the same loop on padded
/// copies, so an element's bits do not depend on where it stands. `to` may be one of the inputs.
template <class T, class Arch, class S, class F, class... In>
inline void map_run(index_t n, S* to, bool accumulate, const F& f, const In*... in) {
  static_assert((std::is_same_v<In, S> && ...), "pretext[simd.101] all operands of a map have one element type");
  constexpr auto indices = std::index_sequence_for<In...>{};
  if (accumulate)
    detail::map_run<T, Arch, detail::result::added>(n, to, f, indices, {in..., to});
  else
    detail::map_run<T, Arch, detail::result::written>(n, to, f, indices, {in..., to});
}

namespace detail {
/// Elements a thread takes at once: 64 KiB of floats, small enough for the L2 cache with three operands.
inline constexpr index_t map_chunk = 16384;
}  // namespace detail

/// One run of to[i] = f(in[i]...), past the caches where `streams`: see vector_ops::streams.
template <class T, class Arch, class S, class F, class... In>
inline void map_row(index_t n, S* to, bool streams, const F& f, const In*... in) {
  constexpr auto indices = std::index_sequence_for<In...>{};
  if (streams)
    detail::map_run<T, Arch, detail::result::streamed>(n, to, f, indices, {in..., to});
  else
    detail::map_run<T, Arch, detail::result::written>(n, to, f, indices, {in..., to});
}

/// to[i] = f(in[i]...). A result larger than the caches goes past them, unless it takes the place of an input.
template <class T, class Arch, class S, class F, class... In>
void map(thread_pool& pool, index_t n, S* to, const F& f, const In*... in) {
  using O = vector_ops<T, Arch>;
  const bool streams = O::streams(to, n) && ((in != to) && ...);
  pool.parallel_for(n, detail::map_chunk, [&](index_t begin, index_t end) {
    map_row<T, Arch>(end - begin, to + begin, streams, f, (in + begin)...);
    if (streams) O::end_stream();
  });
}

/// to[i] += f(in[i]...).
template <class T, class Arch, class S, class F, class... In>
void map_add(thread_pool& pool, index_t n, S* to, const F& f, const In*... in) {
  pool.parallel_for(n, detail::map_chunk, [&](index_t begin, index_t end) {
    map_run<T, Arch>(end - begin, to + begin, true, f, (in + begin)...);
  });
}

/// y += x.
template <class T, class Arch, class S>
void add(thread_pool& pool, index_t n, const S* x, S* y) {
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
template <class T, class Arch, class S>
void scale(thread_pool& pool, index_t n, T factor, const S* x, S* y) {
  using O = vector_ops<T, Arch>;
  map<T, Arch>(pool, n, y, [=](const vec<T, Arch>& a) { return O::set(factor) * a; }, x);
}

template <class T, class Arch, class S>
void fill(thread_pool& pool, index_t n, T value, S* y) {
  using O = vector_ops<T, Arch>;
  constexpr index_t unrolled = 16;  // or the loop would cost more than its stores
  pool.parallel_for(n, detail::map_chunk, [&](index_t begin, index_t end) {
    const auto v = O::set(value);
    S* const to = y;
    index_t i = begin;
    for (; i + unrolled * O::width <= end; i += unrolled * O::width)
      [&]<std::size_t... k>(std::index_sequence<k...>) { (O::store(to + i + static_cast<index_t>(k) * O::width, v), ...); }
      (std::make_index_sequence<unrolled>{});
    for (; i < end; ++i) to[i] = static_cast<S>(value);
  });
}

template <class T, class Arch>
void copy(thread_pool& pool, index_t n, const T* x, T* y) {
  pool.parallel_for(n, detail::map_chunk, [&](index_t begin, index_t end) {
    std::memcpy(y + begin, x + begin, static_cast<std::size_t>(end - begin) * sizeof(T));
  });
}

/// y = x, stored in another type.
template <class T, class Arch, class X, class Y>
void convert(thread_pool& pool, index_t n, const X* x, Y* y) {
  using O = vector_ops<T, Arch>;
  pool.parallel_for(n, detail::map_chunk, [&](index_t begin, index_t end) {
    index_t i = begin;
    for (; i + O::width <= end; i += O::width) O::store(y + i, O::load(x + i));
    if (i < end) O::store_some(y + i, O::load_some(x + i, end - i), end - i);
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
