// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../core/thread_pool.hpp"
#include "vector_ops.hpp"

namespace pretext::simd {

/// into[i] += from[i], n elements; the tail runs the same vector code on a padded copy.
template <class T, class Arch>
inline void add_run(T* into, const T* from, index_t n) {
  using O = vector_ops<T, Arch>;
  index_t i = 0;
  for (; i + O::width <= n; i += O::width) O::store(into + i, O::load(into + i) + O::load(from + i));
  if (i < n) O::store_some(into + i, O::load_some(into + i, n - i) + O::load_some(from + i, n - i), n - i);
}

/// to (size) += the sum of `parts` rows of partials (parts, size), along a fixed tree. Destroys the partials.
template <class T, class Arch>
void add_partials(thread_pool& pool, index_t parts, index_t size, T* partials, T* to) {
  pool.parallel_for(size, index_t{4096}, [&](index_t begin, index_t end) {
    combine_in_tree(parts, [&](index_t into, index_t from) {
      add_run<T, Arch>(partials + into * size + begin, partials + from * size + begin, end - begin);
    });
    add_run<T, Arch>(to + begin, partials + begin, end - begin);
  });
}

}  // namespace pretext::simd
