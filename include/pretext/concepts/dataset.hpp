// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include "archetype.hpp"

namespace pretext::concepts {

template <class D>
concept HasSize = requires(const D& d) {
  { d.size() } -> std::convertible_to<index_t>;
};

/// `void gather(std::span<const index_t> samples, Batch& batch) const`: the bytes of some samples, from any thread.
template <class D, class Batch>
concept Gathers = requires(const D& d, std::span<const index_t> ids, Batch& batch) { d.gather(ids, batch); };

template <class D, class Batch>
concept Dataset = HasSize<D> && Gathers<D, Batch>;

/// Stops with one sentence that names what a data set lacks.
template <class D, class Batch>
constexpr bool explain_dataset() {
  static_assert(HasSize<D>, "pretext[dataset.101] a data set needs `index_t size() const`; see docs/policies/dataset.md#size");
  static_assert(Gathers<D, Batch>, "pretext[dataset.102] a data set needs `void gather(std::span<const index_t> samples, image_batch& "
                                   "batch) const`; see docs/policies/dataset.md#gather");
  return Dataset<D, Batch>;
}

}  // namespace pretext::concepts
