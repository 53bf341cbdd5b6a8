// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "../core/error.hpp"
#include "decoded_image.hpp"
#include "jpeg.hpp"
#include "png.hpp"

namespace pretext::io {

/// Pixels of a PNG or JPEG file, told apart by their first bytes.
/// errors  those of decode_png and decode_jpeg; pretext[image.007] neither
template <class Png = detail::default_png, class Jpeg = detail::default_jpeg>
decoded_image decode_image(std::span<const std::byte> bytes, const std::string& name,
                                  const image_limits& limits = {}) {
  switch (image_kind_of(bytes)) {
    case image_kind::png: return decode_png<Png>(bytes, name, limits);
    case image_kind::jpeg: return decode_jpeg<Jpeg>(bytes, name, limits);
    case image_kind::none: break;
  }
  throw_error("image.007", {name,
      (bytes.empty() ? ": the file is empty; remove it or get it again" : ": neither a PNG nor a JPEG file; remove it or convert it")});
}

}  // namespace pretext::io
