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
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      own.mean = T(0);
      if (i < rows) own_columns(t, columns, [&](index_t j) { own.mean += x[i * columns + j]; });
    });
    block.warp_reduce([](state& own) -> T& { return own.mean; }, plus{});
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      own.mean = own.mean / static_cast<T>(columns);
      own.squares = T(0);
      if (i < rows)
        own_columns(t, columns, [&](index_t j) {
          const T d = x[i * columns + j] - own.mean;
          own.squares += d * d;
        });
    });
    block.warp_reduce([](state& own) -> T& { return own.squares; }, plus{});
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      if (i >= rows) return;
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
    T plain, centred;
  };
  const T *x, *gamma, *mean, *rstd, *dy;
  T* dx;
  index_t rows, columns;

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      own.plain = own.centred = T(0);
      if (i >= rows) return;
      const T m = mean[i], r = rstd[i];
      own_columns(t, columns, [&](index_t j) {
        const T d = dy[i * columns + j] * gamma[j];
        own.plain += d;
        own.centred += d * (x[i * columns + j] - m) * r;
      });
    });
    block.warp_reduce([](state& own) -> T& { return own.plain; }, plus{});
    block.warp_reduce([](state& own) -> T& { return own.centred; }, plus{});
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      if (i >= rows) return;
      const T m = mean[i], r = rstd[i], a = own.plain / static_cast<T>(columns), b = own.centred / static_cast<T>(columns);
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
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      own.largest = T(0);
      if (i < rows)
        own_columns(t, columns, [&](index_t j) {
          const T v = x[i * columns + j], size = v < T(0) ? -v : v;
          own.largest = own.largest > size ? own.largest : size;
        });
    });
    block.warp_reduce([](state& own) -> T& { return own.largest; }, greater_of{});
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      own.squares = T(0);
      if (i < rows && own.largest > T(0))
        own_columns(t, columns, [&](index_t j) {
          const T v = x[i * columns + j] / own.largest;
          own.squares += v * v;
        });
    });
    block.warp_reduce([](state& own) -> T& { return own.squares; }, plus{});
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      if (i >= rows) return;
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
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      own.dot = T(0);
      if (i < rows) own_columns(t, columns, [&](index_t j) { own.dot += y[i * columns + j] * dy[i * columns + j]; });
    });
    block.warp_reduce([](state& own) -> T& { return own.dot; }, plus{});
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      if (i >= rows) return;
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
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      own.dot = T(0);
      if (i < rows) own_columns(t, columns, [&](index_t j) { own.dot += a[i * columns + j] * b[i * columns + j]; });
    });
    block.warp_reduce([](state& own) -> T& { return own.dot; }, plus{});
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      if (i < rows && t % warp == 0) y[i] = own.dot;
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
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      own.largest = -infinity<T>;
      if (i < rows)
        own_columns(t, columns, [&](index_t j) {
          const T v = logits[i * columns + j];
          own.largest = own.largest > v ? own.largest : v;  // a NaN comes through
        });
    });
    block.warp_reduce([](state& own) -> T& { return own.largest; }, greater_of{});
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      own.sum = T(0);
      if (i < rows) own_columns(t, columns, [&](index_t j) { own.sum += scalar_math::exp(T(logits[i * columns + j] - own.largest)); });
    });
    block.warp_reduce([](state& own) -> T& { return own.sum; }, plus{});
    block.alone([&](int t, state& own) {
      const index_t i = row_of(block, t);
      if (i >= rows) return;
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
