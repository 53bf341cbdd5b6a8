// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "../core/image.hpp"

namespace pretext::data {

/// What one step eats: B images of any sizes, each with its permanent number and its class.
/// `images` are views: of the data set, of memory the caller keeps alive, or of `storage`. A moved batch stays valid;
/// the views of a copied one still name the storage of the original.
struct image_batch {
  std::vector<image_view<const std::uint8_t>> images;
  std::vector<std::uint64_t> ids;                  // keys of the random draws: the same image, the same number
  std::vector<int> labels;                         // -1 = none
  std::vector<std::vector<std::uint8_t>> storage;  // only images that were decoded for this batch; slots are reused

  index_t size() const { return static_cast<index_t>(images.size()); }

  /// Forgets the images; keeps all memory for the next batch.
  void clear() {
    images.clear();
    ids.clear();
    labels.clear();
  }
};

}  // namespace pretext::data
