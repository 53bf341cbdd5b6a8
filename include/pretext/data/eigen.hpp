// SPDX-License-Identifier: BSD-3-Clause
// opt-in: needs Eigen
#pragma once

#include <Eigen/Core>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "../core/error.hpp"
#include "image_set.hpp"
#include "in_memory.hpp"

// An opt-in header for those who keep images in Eigen matrices.
namespace pretext::data {

/// A copy of images in an Eigen matrix of bytes (any storage order), one image a row of h * w * c values.
/// errors  pretext[data.052] rows of another length; those of in_memory
template <class Matrix>
image_set from_eigen(const Eigen::DenseBase<Matrix>& images, index_t h, index_t w, index_t c,
                     std::span<const int> labels = {}, int classes = 0, pixel_order order = pixel_order::nhwc) {
  static_assert(sizeof(typename Matrix::Scalar) == 1 && !Eigen::NumTraits<typename Matrix::Scalar>::IsSigned,
                "pretext[data.053] from_eigen takes a matrix of std::uint8_t; convert other values to 0..255 first");
  if (h < 1 || w < 1 || c < 1 || images.cols() % h != 0 || images.cols() / h % w != 0 || images.cols() / h / w != c)
    throw_error("data.052", {"from_eigen: rows of ", images.cols(), " values are not images of ", h, " x ", w, " x ", c,
        "; correct the sizes (height, width, channels)"});
  const Eigen::Matrix<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows =
      images.derived().template cast<std::uint8_t>();
  return in_memory({rows.data(), static_cast<std::size_t>(rows.size())}, images.rows(), h, w, c, labels, classes, order);
}

}  // namespace pretext::data
