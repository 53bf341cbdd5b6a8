// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <xtensor/xarray.hpp>
#include <xtensor/xtensor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "../core/error.hpp"
#include "image_set.hpp"
#include "in_memory.hpp"

// An opt-in header: xtensor is the container at the border, nothing else includes it.
namespace pretext::data {

namespace detail {

template <class Container>
image_set from_xtensor_container(const Container& images, pixel_order order, std::span<const int> labels, int classes) {
  const std::size_t rank = images.dimension();
  if (rank != 3 && rank != 4)
    throw error("data.051", "from_xtensor: an array of " + std::to_string(rank) +
                                " dimensions holds no images; use (N, H, W), (N, H, W, C) or (N, C, H, W)");
  const auto extent = [&](std::size_t d) { return static_cast<index_t>(images.shape(d)); };
  const std::span<const std::uint8_t> bytes(images.data(), images.size());
  if (rank == 3) return in_memory(bytes, extent(0), extent(1), extent(2), 1, labels, classes);
  return order == pixel_order::nhwc
             ? in_memory(bytes, extent(0), extent(1), extent(2), extent(3), labels, classes, order)
             : in_memory(bytes, extent(0), extent(2), extent(3), extent(1), labels, classes, order);
}

}  // namespace detail

/// A copy of images in a row-major xtensor array of bytes: (N, H, W), (N, H, W, C), or (N, C, H, W) with nchw.
/// errors  pretext[data.051] number of dimensions; those of in_memory
inline image_set from_xtensor(const xt::xarray<std::uint8_t>& images, pixel_order order = pixel_order::nhwc,
                              std::span<const int> labels = {}, int classes = 0) {
  return detail::from_xtensor_container(images, order, labels, classes);
}
template <std::size_t Rank>
  requires(Rank == 3 || Rank == 4)
image_set from_xtensor(const xt::xtensor<std::uint8_t, Rank>& images, pixel_order order = pixel_order::nhwc,
                       std::span<const int> labels = {}, int classes = 0) {
  return detail::from_xtensor_container(images, order, labels, classes);
}

}  // namespace pretext::data
