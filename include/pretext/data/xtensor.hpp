// SPDX-License-Identifier: BSD-3-Clause
// opt-in: needs xtensor
#pragma once

#include <xtensor/xtensor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "../core/error.hpp"
#include "image_set.hpp"
#include "in_memory.hpp"

// An opt-in header: xtensor is the container at the border, nothing else includes it.
namespace pretext::data {

/// A copy of images in an xtensor array or expression of bytes, of any storage order: (N, H, W), (N, H, W, C), or
/// (N, C, H, W) with nchw.
/// errors  pretext[data.051] number of dimensions; pretext[data.054] other values than bytes; those of in_memory
/// limits  xt::xarray of xtensor 0.24 does not compile with clang 19 unless -fno-relaxed-template-template-args is set;
///         xt::xtensor does
template <class Expression>
image_set from_xtensor(const xt::xexpression<Expression>& images, pixel_order order = pixel_order::nhwc,
                       std::span<const int> labels = {}, int classes = 0) {
  static_assert(std::is_same_v<std::remove_cv_t<typename Expression::value_type>, std::uint8_t>,
                "pretext[data.054] from_xtensor takes an array of std::uint8_t; convert other values to 0..255 first");
  const Expression& e = images.derived_cast();
  const std::size_t rank = e.dimension();
  if (rank != 3 && rank != 4)
    throw_error("data.051", {"from_xtensor: an array of ", rank,
        " dimensions holds no images; use (N, H, W), (N, H, W, C) or (N, C, H, W)"});
  const std::vector<std::uint8_t> bytes(e.template begin<xt::layout_type::row_major>(),
                                        e.template end<xt::layout_type::row_major>());
  const auto extent = [&](std::size_t d) { return static_cast<index_t>(e.shape()[d]); };
  if (rank == 3) return in_memory(bytes, extent(0), extent(1), extent(2), 1, labels, classes);
  return order == pixel_order::nhwc
             ? in_memory(bytes, extent(0), extent(1), extent(2), extent(3), labels, classes, order)
             : in_memory(bytes, extent(0), extent(2), extent(3), extent(1), labels, classes, order);
}

}  // namespace pretext::data
