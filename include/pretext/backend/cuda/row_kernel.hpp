// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include "../../core/scalar_math.hpp"
#include "block.hpp"

/// Kernels in which a warp has a row: its lanes read neighbours, its sums are butterflies of 32, and rows know nothing of each other.
namespace pretext::backend::blocks {

inline constexpr int rows_a_block = 4;

inline constexpr int row_threads = rows_a_block * warp;
/// The row of a thread.
template <class Block>
PRETEXT_DEVICE index_t row_of(const Block& block, int t) {
  return block.number * rows_a_block + t / warp;
}
/// Calls f(column) for the columns of a lane.
template <class F>
PRETEXT_DEVICE void own_columns(int t, index_t columns, const F& f) {
  for (index_t j = t % warp; j < columns; j += warp) f(j);
}
/// f(t, own, row) for the threads whose row exists.
template <class Block, class F>
PRETEXT_DEVICE void each_row(Block& block, index_t rows, const F& f) {
  block.alone([&](int t, auto& own) {
    const index_t i = row_of(block, t);
    if (i < rows) f(t, own, i);
  });
}
/// own.*all becomes, in the whole warp of a row, what combine makes of `first` and term(own, element, column) over the row.
template <class Block, class State, class T, class Combine, class Term>
PRETEXT_DEVICE void reduce_row(Block& block, index_t rows, index_t columns, T State::*all, T first, const Combine& combine, const Term& term) {
  block.alone([&](int t, State& own) {
    const index_t i = row_of(block, t);
    T so_far = first;
    if (i < rows) own_columns(t, columns, [&](index_t j) { so_far = combine(so_far, term(own, i * columns + j, j)); });
    own.*all = so_far;
  });
  block.warp_reduce([&](State& own) -> T& { return own.*all; }, combine);
}
/// Its sum.
template <class Block, class State, class T, class Term>
PRETEXT_DEVICE void sum_row(Block& block, index_t rows, index_t columns, T State::*sum, const Term& term) {
  reduce_row(block, rows, columns, sum, T(0), plus{}, term);
}
/// Several sums of one walk: add(own, element, column) adds to own.*sums.
template <class Block, class State, class T, class Add, class... More>
PRETEXT_DEVICE void sums_of_row(Block& block, index_t rows, index_t columns, const Add& add, T State::*first, More... more) {
  block.alone([&](int t, State& own) {
    own.*first = T(0);
    ((own.*more = T(0)), ...);
    const index_t i = row_of(block, t);
    if (i < rows) own_columns(t, columns, [&](index_t j) { add(own, i * columns + j, j); });
  });
  block.warp_reduce([&](State& own) -> T& { return own.*first; }, plus{});
  (block.warp_reduce([&](State& own) -> T& { return own.*more; }, plus{}), ...);
}
template <class Call, class Kernel>
void launch_rows(const Call& call, const Kernel& kernel) {
  call.launch(kernel, ceil_div(kernel.rows, index_t{rows_a_block}));
}

/// y = (x - mean) rstd gamma + beta per row, the deviations summed in a second pass over the row.
template <class T>
struct layer_norm_kernel {
  static constexpr int threads = row_threads;
  using shared = nothing;
  struct state {
    T mean, squares;
  };
  const T *x, *gamma, *beta;
  T eps;
  T *y, *mean, *rstd;
  index_t rows, columns;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    sum_row(block, rows, columns, &state::mean, [&](const state&, index_t at, index_t) { return x[at]; });
    block.alone([&](int, state& own) { own.mean = own.mean / static_cast<T>(columns); });
    sum_row(block, rows, columns, &state::squares, [&](const state& own, index_t at, index_t) {
      const T d = x[at] - own.mean;
      return d * d;
    });
    each_row(block, rows, [&](int t, state& own, index_t i) {
      const T m = own.mean, r = T(1) / scalar_math::sqrt(T(own.squares / static_cast<T>(columns) + eps));
      own_columns(t, columns, [&](index_t j) { y[i * columns + j] = (x[i * columns + j] - m) * r * gamma[j] + beta[j]; });
      if (t % warp == 0) {
        mean[i] = m;
        rstd[i] = r;
      }
    });
  }
};

template <class T>
struct layer_norm_gradient_kernel {
  static constexpr int threads = row_threads;
  using shared = nothing;
  struct state {
    T mean, rstd, plain, centred;
  };
  const T *x, *gamma, *mean, *rstd, *dy;
  T* dx;
  index_t rows, columns;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    each_row(block, rows, [&](int, state& own, index_t i) {
      own.mean = mean[i];
      own.rstd = rstd[i];
    });
    const auto add = [&](state& own, index_t at, index_t j) {
      const T d = dy[at] * gamma[j];
      own.plain += d;
      own.centred += d * (x[at] - own.mean) * own.rstd;
    };
    sums_of_row(block, rows, columns, add, &state::plain, &state::centred);
    each_row(block, rows, [&](int t, state& own, index_t i) {
      const T m = own.mean, r = own.rstd, a = own.plain / static_cast<T>(columns), b = own.centred / static_cast<T>(columns);
      own_columns(t, columns, [&](index_t j) {
        const index_t at = i * columns + j;
        dx[at] = r * (dy[at] * gamma[j] - a - (x[at] - m) * r * b);
      });
    });
  }
};

/// y = x / max(|x|, eps); scaled by the largest entry, so that huge and tiny rows neither overflow nor vanish in the squares.
template <class T>
struct row_normalize_kernel {
  static constexpr int threads = row_threads;
  using shared = nothing;
  struct state {
    T largest, squares;
  };
  const T* x;
  T eps;
  T *y, *norms;
  index_t rows, columns;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    reduce_row(block, rows, columns, &state::largest, T(0), greater_of{}, [&](const state&, index_t at, index_t) {
      const T v = x[at];
      return v < T(0) ? T(-v) : v;
    });
    sum_row(block, rows, columns, &state::squares, [&](const state& own, index_t at, index_t) {
      const T v = own.largest > T(0) ? x[at] / own.largest : T(0);
      return v * v;
    });
    each_row(block, rows, [&](int t, state& own, index_t i) {
      T norm = own.largest > T(0) ? own.largest * scalar_math::sqrt(own.squares) : T(0);
      norm = norm < eps ? eps : norm;
      own_columns(t, columns, [&](index_t j) { y[i * columns + j] = x[i * columns + j] / norm; });
      if (t % warp == 0) norms[i] = norm;
    });
  }
};

template <class T>
struct row_normalize_gradient_kernel {
  static constexpr int threads = row_threads;
  using shared = nothing;
  struct state {
    T dot;
  };
  const T *y, *norms, *dy;
  T* dx;
  index_t rows, columns;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    sum_row(block, rows, columns, &state::dot, [&](const state&, index_t at, index_t) { return y[at] * dy[at]; });
    each_row(block, rows, [&](int t, state& own, index_t i) {
      const T norm = norms[i];
      own_columns(t, columns, [&](index_t j) {
        const index_t at = i * columns + j;
        dx[at] += (dy[at] - y[at] * own.dot) / norm;
      });
    });
  }
};

/// y_i = a_i . b_i
template <class T>
struct row_dot_kernel {
  static constexpr int threads = row_threads;
  using shared = nothing;
  struct state {
    T dot;
  };
  const T *a, *b;
  T* y;
  index_t rows, columns;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    sum_row(block, rows, columns, &state::dot, [&](const state&, index_t at, index_t) { return a[at] * b[at]; });
    each_row(block, rows, [&](int t, state& own, index_t i) {
      if (t % warp == 0) y[i] = own.dot;
    });
  }
};

/// Softmax and its cross-entropy with a label. A label outside the classes cannot be thrown from a kernel: its loss is NaN.
template <class T>
struct cross_entropy_kernel {
  static constexpr int threads = row_threads;
  using shared = nothing;
  struct state {
    T largest, sum;
  };
  const T* logits;
  const std::int32_t* labels;
  T *losses, *dlogits;
  index_t rows, columns;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    // A NaN comes through.
    reduce_row(block, rows, columns, &state::largest, -infinity<T>, greater_of{}, [&](const state&, index_t at, index_t) { return logits[at]; });
    sum_row(block, rows, columns, &state::sum,
            [&](const state& own, index_t at, index_t) { return scalar_math::exp(T(logits[at] - own.largest)); });
    each_row(block, rows, [&](int t, state& own, index_t i) {
      const index_t label = labels[i];
      if (dlogits != nullptr)
        own_columns(t, columns, [&](index_t j) {
          const T p = scalar_math::exp(T(logits[i * columns + j] - own.largest)) / own.sum;
          dlogits[i * columns + j] = label < 0 ? T(0) : p - (j == label ? T(1) : T(0));
        });
      if (t % warp == 0)
        losses[i] = label < 0 ? T(0)
                    : label < columns ? scalar_math::log(own.sum) + own.largest - logits[i * columns + label]
                                      : not_a_number<T>;
    });
  }
};

}  // namespace pretext::backend::blocks
