// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../core/error.hpp"
#include "decoded_image.hpp"

#if PRETEXT_HAS_PNG
#include <png.h>

#include <csetjmp>
#include <cstring>
#endif

namespace pretext::io {

namespace detail {

#if PRETEXT_HAS_PNG

/// One use of libpng. Everything that must be released lives here, outside the functions that libpng jumps out of.
struct png_job {
  png_structp png = nullptr;
  png_infop info = nullptr;
  bool writing = false;
  std::string message;
  std::span<const std::byte> in;
  std::vector<std::byte> out;
  std::vector<std::uint8_t> pixels;
  std::vector<png_bytep> rows;

  png_job() = default;
  png_job(const png_job&) = delete;
  png_job& operator=(const png_job&) = delete;
  ~png_job() {
    if (writing)
      png_destroy_write_struct(&png, &info);
    else
      png_destroy_read_struct(&png, &info, nullptr);
  }

  static void fail(png_structp png, png_const_charp text) {
    static_cast<png_job*>(png_get_error_ptr(png))->message = text;
    png_longjmp(png, 1);
  }
  static void warn(png_structp, png_const_charp) {}
  static void read(png_structp png, png_bytep to, png_size_t bytes) {
    auto& job = *static_cast<png_job*>(png_get_io_ptr(png));
    if (job.in.size() < bytes) png_error(png, "the file is cut off");
    std::memcpy(to, job.in.data(), bytes);
    job.in = job.in.subspan(bytes);
  }
  static void write(png_structp png, png_bytep from, png_size_t bytes) {
    auto& job = *static_cast<png_job*>(png_get_io_ptr(png));
    const auto* begin = reinterpret_cast<const std::byte*>(from);
    job.out.insert(job.out.end(), begin, begin + bytes);
  }
  static void flush(png_structp) {}

  // The functions below hold no object with a destructor: libpng's errors jump over them.
  bool read_header() {
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);  // ours come with a better sentence
    png_set_chunk_malloc_max(png, 8000000);
    png_read_info(png, info);
    return true;
  }
  // Apart from the header, because libpng allocates rows of the claimed width here.
  bool choose_bytes() {
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_expand(png);    // palette to colour, 1, 2 and 4 bits to 8, a transparent colour to alpha
    png_set_scale_16(png);  // 16 bits to 8
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    return true;
  }
  bool read_pixels() {
    if (setjmp(png_jmpbuf(png))) return false;
    png_read_image(png, rows.data());
    png_read_end(png, nullptr);
    return true;
  }
  bool write_all(png_uint_32 width, png_uint_32 height, int colour) {
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_IHDR(png, info, width, height, 8, colour, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    png_write_image(png, rows.data());
    png_write_end(png, nullptr);
    return true;
  }
};

struct png_codec {
  static decoded_image decode(std::span<const std::byte> bytes, const std::string& name, const image_limits& limits) {
    png_job job;
    const auto damaged = [&] {
      throw_error("image.002", {name, ": no readable PNG image (", job.message, "); get the file again"});
    };
    job.in = bytes;
    job.message = "it does not begin like one";
    if (image_kind_of(bytes) != image_kind::png) damaged();
    job.message = "out of memory";
    job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, &png_job::fail, &png_job::warn);
    if (job.png != nullptr) job.info = png_create_info_struct(job.png);
    if (job.info == nullptr) damaged();
    png_set_read_fn(job.png, &job, &png_job::read);
    if (!job.read_header()) damaged();
    const png_uint_32 width = png_get_image_width(job.png, job.info), height = png_get_image_height(job.png, job.info);
    check_image_size(width, height, name, limits);
    if (!job.choose_bytes()) damaged();

    const std::size_t stored = png_get_channels(job.png, job.info), n = std::size_t{width} * height;
    const bool alpha = stored == 2 || stored == 4;
    job.pixels.resize(n * stored);
    for (png_uint_32 y = 0; y < height; ++y) job.rows.push_back(job.pixels.data() + std::size_t{y} * width * stored);
    if (!job.read_pixels()) damaged();

    decoded_image out;
    out.height = static_cast<index_t>(height);
    out.width = static_cast<index_t>(width);
    const std::size_t channels = alpha ? stored - 1 : stored;
    out.channels = static_cast<index_t>(channels);
    if (alpha) {
      for (std::size_t i = 0; i < n; ++i) {
        const unsigned a = job.pixels[i * stored + channels];
        for (std::size_t c = 0; c < channels; ++c)
          job.pixels[i * channels + c] =
              static_cast<std::uint8_t>((job.pixels[i * stored + c] * a + 255u * (255u - a) + 127u) / 255u);
      }
      job.pixels.resize(n * channels);
    }
    out.pixels.swap(job.pixels);
    return out;
  }

  static std::vector<std::byte> encode(image_view<const std::uint8_t> image) {
    png_job job;
    job.writing = true;
    job.message = "out of memory";
    job.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &job, &png_job::fail, &png_job::warn);
    if (job.png != nullptr) job.info = png_create_info_struct(job.png);
    static constexpr int colours[4] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                       PNG_COLOR_TYPE_RGB_ALPHA};
    if (job.info != nullptr) {
      png_set_write_fn(job.png, &job, &png_job::write, &png_job::flush);
      job.pixels.assign(image.data, image.data + image.size());  // libpng wants rows it could write to
      for (index_t y = 0; y < image.height; ++y) job.rows.push_back(job.pixels.data() + y * image.width * image.channels);
      if (job.write_all(static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height),
                        colours[image.channels - 1]))
        return std::move(job.out);
    }
    throw_error("image.005", {"encode_png: libpng failed (", job.message, "); check memory and the image's size"});
  }
};
using default_png = png_codec;
#else
// Another type than with the library, so that units built differently can be linked without one silently replacing
// the other's functions.
struct no_png {
  static decoded_image decode(std::span<const std::byte>, const std::string& name, const image_limits&) {
    throw_error("image.001", {name, ": this build has no libpng; install libpng-dev and link pretext::png"});
  }
  static std::vector<std::byte> encode(image_view<const std::uint8_t>) {
    throw_error("image.001", "encode_png: this build has no libpng; install libpng-dev and link pretext::png");
  }
};
using default_png = no_png;
#endif

}  // namespace detail

/// Pixels of a PNG file: grey, palette or colour, 1 to 16 bits, interlaced or not. 16 bits are scaled to 8; a
/// transparent image is laid on white; gamma and colour profiles are ignored.
/// errors  pretext[image.001] built without libpng; [image.002] cut off or damaged; [image.003] larger than the limits
template <class Codec = detail::default_png>
decoded_image decode_png(std::span<const std::byte> bytes, const std::string& name, const image_limits& limits = {}) {
  return Codec::decode(bytes, name, limits);
}

/// A PNG file of an image with 1, 2 (grey and alpha), 3 or 4 (colour and alpha) channels.
/// errors  pretext[image.001] built without libpng; [image.004] another number of channels, or no pixels
template <class Codec = detail::default_png>
std::vector<std::byte> encode_png(image_view<const std::uint8_t> image) {
  if (image.channels < 1 || image.channels > 4 || image.height < 1 || image.width < 1)
    throw_error("image.004", {"encode_png: an image of ", image.height, " x ", image.width, " x ", image.channels,
        " cannot be a PNG file; use 1 to 4 channels"});
  return Codec::encode(image);
}

}  // namespace pretext::io
