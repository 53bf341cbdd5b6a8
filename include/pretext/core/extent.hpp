// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

#include "tensor.hpp"

namespace pretext {

/// Structure that travels beside the numbers: whatever is not set does not apply. Owns nothing.
struct extent {
  index_t samples = 0;
  /// Positions per sample (padded) and, where samples differ, each one's own length (samples), from 0 to `length`.
  index_t length = 0;
  const std::int32_t* lengths = nullptr;
  /// Packed sequences: the number of the sequence that each position (samples, length) belongs to, in runs; below 0: to none.
  const std::int32_t* blocks = nullptr;
  /// The kind of each position (samples, length), where a model knows several: first or second sentence. Null: all of the first.
  const std::int32_t* types = nullptr;
  /// Graphs: neighbours of row r are columns[offsets[r] .. offsets[r + 1]); graph_of[r] is the row's sample.
  index_t nodes = 0;
  const std::int32_t* offsets = nullptr;
  const std::int32_t* columns = nullptr;
  const std::int32_t* graph_of = nullptr;

  /// Throws where a sample is longer than its row of `row` positions: what lies behind belongs to the next one.
  constexpr void check_lengths(index_t count, index_t row) const {
    for (index_t b = 0; lengths != nullptr && b < count; ++b)
      expects(lengths[b] >= 0 && lengths[b] <= row, "value.124", "a sample's own length is not between 0 and the number of positions");
  }
};

/// What a stage is given: a tensor and its structure. Layers that do not care pass the structure on.
template <class T>
struct activations : tensor_view<T> {
  const extent* structure = nullptr;

  constexpr activations() = default;
  constexpr activations(tensor_view<T> v, const extent* s = nullptr) : tensor_view<T>(v), structure(s) {}
  template <class U>
    requires(std::is_same_v<U, const T> && !std::is_const_v<T>)
  constexpr operator activations<U>() const {
    return {tensor_view<const T>(*this), structure};
  }
};

}  // namespace pretext
