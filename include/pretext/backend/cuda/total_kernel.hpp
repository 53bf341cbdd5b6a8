// SPDX-License-Identifier: BSD-3-Clause
// opt-in: kernels of the CUDA back end
#pragma once

#include <algorithm>

#include "block.hpp"

namespace pretext::backend::blocks {

/// The sum of term(0) .. term(size - 1) in A. A block sums `each` terms, a second launch the blocks' results; the cut follows from
/// the size alone. `finish(total)` runs in one thread.
template <class Term, class A, class Finish>
struct total_kernel {
  static constexpr int threads = 256;
  using shared = nothing;
  struct state {
    A sum;
  };
  Term term;
  Finish finish;
  index_t size, each;
  A* parts;  // null: one block, which finishes

  template <class Block>
  PRETEXT_DEVICE void run(Block& block) const {
    block.alone([&](int t, state& own) {
      own.sum = A(0);
      const index_t begin = block.number * each, end = begin + each < size ? begin + each : size;
      for (index_t i = begin + t; i < end; i += threads) own.sum += term(i);
    });
    block.block_reduce([](state& own) -> A& { return own.sum; }, plus{});
    block.alone([&](int t, state& own) {
      if (t != 0) return;
      if (parts == nullptr)
        finish(own.sum);
      else
        parts[block.number] = own.sum;
    });
  }
};

template <class A>
struct part_term {
  const A* parts;
  PRETEXT_DEVICE A operator()(index_t i) const { return parts[i]; }
};

/// Terms of a block: at most 1024 blocks, 16 terms a thread where there are enough.
constexpr index_t total_each(index_t size) { return std::max(index_t{4096}, round_up(ceil_div(size, 1024), 256)); }
/// Scratch of the blocks' results, by a bound that never falls where `size` grows.
constexpr index_t total_parts(index_t size) { return size <= 4096 ? 0 : std::min(ceil_div(size, 4096), index_t{1024}); }

/// `parts`: scratch of total_parts(size).
template <class A, class Call, class Term, class Finish>
void total(const Call& call, const Term& term, const Finish& finish, index_t size, A* parts) {
  const index_t each = total_each(size), blocks = ceil_div(size, each);
  if (blocks <= 1) {
    call.launch(total_kernel<Term, A, Finish>{term, finish, size, each, nullptr}, 1);
    return;
  }
  call.launch(total_kernel<Term, A, Finish>{term, finish, size, each, parts}, blocks);
  call.launch(total_kernel<part_term<A>, A, Finish>{{parts}, finish, blocks, blocks, nullptr}, 1);
}

template <class T, class A>
struct element_term {
  const T* x;
  PRETEXT_DEVICE A operator()(index_t i) const { return static_cast<A>(x[i]); }
};
template <class T>
struct square_term {
  const T* x;
  PRETEXT_DEVICE double operator()(index_t i) const { return static_cast<double>(x[i]) * static_cast<double>(x[i]); }
};
template <class A>
struct store_total {
  A* to;
  A factor;
  PRETEXT_DEVICE void operator()(const A& a) const { *to = a * factor; }
};

}  // namespace pretext::backend::blocks
