// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/rng.hpp"

namespace pretext::data {

/// Fisher and Yates' shuffle: every order equally likely (to 1 in 2^32 / n), a function of the key alone.
/// errors  pretext[data.084] 2^32 or more indices
inline void shuffle_indices(std::vector<index_t>& indices, rng::key key) {
  if (indices.size() > std::numeric_limits<std::uint32_t>::max())
    throw_error("data.084", {"shuffle: ", indices.size(), " indices are more than 2^32 - 1; shuffle parts"});
  rng::stream draw(key);
  for (std::size_t i = indices.size(); i > 1; --i) {
    const std::size_t j = draw.below(static_cast<std::uint32_t>(i));
    std::swap(indices[i - 1], indices[j]);
  }
}

}  // namespace pretext::data
