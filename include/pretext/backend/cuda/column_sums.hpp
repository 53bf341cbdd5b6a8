// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include "column_kernel.hpp"

namespace pretext::backend::blocks {

template <class T, int R>
struct sums {
  T of[R];
};
struct add_sums {
  template <class T, int R>
  PRETEXT_DEVICE sums<T, R> operator()(const sums<T, R>& a, const sums<T, R>& b) const {
    sums<T, R> s;
    PRETEXT_UNROLL
    for (int r = 0; r < R; ++r) s.of[r] = a.of[r] + b.of[r];
    return s;
  }
};

/// R sums over a column of terms of its elements: body(const T* in, const T* columns, T* terms).
template <class Body, class T, int N, int C, int R>
struct sums_source {
  using accumulator = sums<T, R>;
  static constexpr int width = pack_size<T>;

  Body body;
  const T* in[N];
  const T* columns[C == 0 ? 1 : C];
  index_t across;

  PRETEXT_DEVICE accumulator start() const {
    accumulator a;
    PRETEXT_UNROLL
    for (int r = 0; r < R; ++r) a.of[r] = T(0);
    return a;
  }
  template <int W>
  PRETEXT_DEVICE void add(index_t row, index_t column, accumulator (&a)[W]) const {
    T v[N][W], c[C == 0 ? 1 : C][W];
    PRETEXT_UNROLL
    for (int n = 0; n < N; ++n) load<W>(in[n] + row * across + column, v[n]);
    PRETEXT_UNROLL
    for (int n = 0; n < C; ++n) load<W>(columns[n] + column, c[n]);
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) {
      T x[N], y[C == 0 ? 1 : C], term[R];
      PRETEXT_UNROLL
      for (int n = 0; n < N; ++n) x[n] = v[n][k];
      PRETEXT_UNROLL
      for (int n = 0; n < C; ++n) y[n] = c[n][k];
      body(row, x, y, term);
      PRETEXT_UNROLL
      for (int r = 0; r < R; ++r) a[k].of[r] += term[r];
    }
  }
};

/// Writes or adds R sums.
template <class T, int R>
struct store_sums {
  T* to[R];
  index_t across;
  bool accumulate;
  T factor;
  PRETEXT_DEVICE void operator()(index_t batch, index_t column, const sums<T, R>& a) const {
    PRETEXT_UNROLL
    for (int r = 0; r < R; ++r) {
      T& y = to[r][batch * across + column];
      y = accumulate ? y + a.of[r] : a.of[r] * factor;
    }
  }
};

/// Mean and sum of squared deviations of n numbers.
template <class T>
struct moments {
  T mean, m2, n;
};
/// source  Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances"
struct merge_moments {
  template <class T>
  PRETEXT_DEVICE moments<T> operator()(const moments<T>& a, const moments<T>& b) const {
    const T n = a.n + b.n;
    if (!(n > T(0))) return a;
    const T share = b.n / n, d = b.mean - a.mean;
    return {a.mean + d * share, a.m2 + b.m2 + d * d * (a.n * share), n};
  }
};
/// Welford's recurrence over the rows of a thread, on the distance from the column's first number: far from zero, the digits of a mean
/// would else be lost where two are compared.
/// source  Welford 1962, doi:10.1080/00401706.1962.10490022
template <class T>
struct moments_source {
  using accumulator = moments<T>;
  static constexpr int width = pack_size<T>;

  const T* x;
  index_t across;

  PRETEXT_DEVICE accumulator start() const { return {T(0), T(0), T(0)}; }
  template <int W>
  PRETEXT_DEVICE void add(index_t row, index_t column, accumulator (&a)[W]) const {
    T v[W], base[W];
    load<W>(x + row * across + column, v);
    load<W>(x + column, base);  // the same for all rows of a thread
    const T n = a[0].n + T(1), share = T(1) / n;
    PRETEXT_UNROLL
    for (int k = 0; k < W; ++k) {
      const T from_base = v[k] - base[k], d = from_base - a[k].mean;
      a[k].mean += d * share;
      a[k].m2 += d * (from_base - a[k].mean);
      a[k].n = n;
    }
  }
};
template <class T>
struct store_moments {
  const T* base;
  T *mean, *m2;
  PRETEXT_DEVICE void operator()(index_t, index_t column, const moments<T>& a) const {
    mean[column] = a.n > T(0) ? base[column] + a.mean : T(0);
    m2[column] = a.m2;
  }
};

/// R sums a column of terms over `in` and C numbers per column, written to `to` (times factor) or added to it.
template <int R, int C, class Call, class Body, class T, int N>
void sum_columns(const Call& call, const Body& body, index_t batches, index_t rows, index_t columns, const T* const (&in)[N],
                 const T* const* of_columns, T* const (&to)[R], bool accumulate, T factor) {
  sums_source<Body, T, N, C, R> source{body, {}, {}, columns};
  bool packs = columns % pack_size<T> == 0;
  for (int n = 0; n < N; ++n) {
    source.in[n] = in[n];
    packs = packs && in_packs(columns, in[n]);
  }
  if constexpr (C > 0)
    for (int n = 0; n < C; ++n) {
      source.columns[n] = of_columns[n];
      packs = packs && in_packs(columns, of_columns[n]);
    }
  store_sums<T, R> finish{{}, columns, accumulate, factor};
  for (int r = 0; r < R; ++r) finish.to[r] = to[r];
  reduce_columns(call, source, add_sums{}, finish, batches, rows, columns, packs, sums<T, R>{}, call.template scratch<sums<T, R>>());
}
template <int R, class Call, class Body, class T, int N, int C>
void sum_columns(const Call& call, const Body& body, index_t rows, index_t columns, const T* const (&in)[N], const T* const (&of_columns)[C],
                 T* const (&to)[R]) {
  sum_columns<R, C>(call, body, 1, rows, columns, in, of_columns, to, false, T(1));
}
/// Adds to `to`, with no numbers per column.
template <int R, class Call, class Body, class T, int N>
void add_column_sums(const Call& call, const Body& body, index_t rows, index_t columns, const T* const (&in)[N], T* const (&to)[R]) {
  sum_columns<R, 0>(call, body, 1, rows, columns, in, static_cast<const T* const*>(nullptr), to, true, T(1));
}

/// The elements themselves.
struct plain_term {
  template <class T>
  PRETEXT_DEVICE void operator()(index_t, const T* v, const T*, T* term) const {
    term[0] = v[0];
  }
};

}  // namespace pretext::backend::blocks
