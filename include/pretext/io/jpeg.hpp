// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../config.hpp"
#include "../core/error.hpp"
#include "decoded_image.hpp"

#if PRETEXT_HAS_JPEG
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
// jpeglib.h needs size_t and FILE from above
#include <jpeglib.h>
#include <jerror.h>
#endif

namespace pretext::io {

namespace detail {

#if PRETEXT_HAS_JPEG

/// libjpeg's way of reporting: errors jump, warnings that mean wrong pixels are kept, the rest is not printed.
struct jpeg_report {
  jpeg_error_mgr manager{};  // first: libjpeg hands back a pointer to it
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = {};
  bool damaged = false;

  static jpeg_report& of(j_common_ptr codec) { return *reinterpret_cast<jpeg_report*>(codec->err); }
  static void fail(j_common_ptr codec) {
    of(codec).manager.format_message(codec, of(codec).message);
    std::longjmp(of(codec).jump, 1);
  }
  static void warn(j_common_ptr codec, int level) {
    if (level >= 0) return;
    const int code = of(codec).manager.msg_code;
    if (code != JWRN_JPEG_EOF && code != JWRN_HIT_MARKER && code != JWRN_HUFF_BAD_CODE) return;
    if (!of(codec).damaged) of(codec).manager.format_message(codec, of(codec).message);
    of(codec).damaged = true;
  }
  static void print(j_common_ptr) {}

  jpeg_error_mgr* prepare() {
    jpeg_error_mgr* m = jpeg_std_error(&manager);
    m->error_exit = &fail;
    m->emit_message = &warn;
    m->output_message = &print;
    return m;
  }
};

// In both jobs the functions that libjpeg jumps out of hold no object with a destructor.
struct jpeg_reader {
  jpeg_report report;
  jpeg_decompress_struct codec{};
  std::vector<std::uint8_t> pixels;

  jpeg_reader() = default;
  jpeg_reader(const jpeg_reader&) = delete;
  jpeg_reader& operator=(const jpeg_reader&) = delete;
  ~jpeg_reader() { jpeg_destroy_decompress(&codec); }

  bool read_header(const std::byte* bytes, unsigned long size) {
    codec.err = report.prepare();
    if (setjmp(report.jump)) return false;
    jpeg_create_decompress(&codec);
    jpeg_mem_src(&codec, reinterpret_cast<const unsigned char*>(bytes), size);
    jpeg_read_header(&codec, TRUE);
    return true;
  }
  bool read_pixels(std::size_t channels) {
    if (setjmp(report.jump)) return false;
    codec.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&codec);
    while (codec.output_scanline < codec.output_height) {
      JSAMPROW row = pixels.data() + std::size_t{codec.output_scanline} * codec.output_width * channels;
      jpeg_read_scanlines(&codec, &row, 1);
    }
    jpeg_finish_decompress(&codec);
    return true;
  }
};

struct jpeg_writer {
  jpeg_report report;
  jpeg_compress_struct codec{};
  unsigned char* out = nullptr;
  unsigned long size = 0;

  jpeg_writer() = default;
  jpeg_writer(const jpeg_writer&) = delete;
  jpeg_writer& operator=(const jpeg_writer&) = delete;
  ~jpeg_writer() {
    jpeg_destroy_compress(&codec);
    std::free(out);
  }

  bool write(image_view<const std::uint8_t> image, int quality) {
    codec.err = report.prepare();
    if (setjmp(report.jump)) return false;
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, &out, &size);
    codec.image_width = static_cast<JDIMENSION>(image.width);
    codec.image_height = static_cast<JDIMENSION>(image.height);
    codec.input_components = static_cast<int>(image.channels);
    codec.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : image.channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, quality, TRUE);
    jpeg_start_compress(&codec, TRUE);
    while (codec.next_scanline < codec.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(image.data + static_cast<index_t>(codec.next_scanline) * image.width * image.channels);
      jpeg_write_scanlines(&codec, &row, 1);
    }
    jpeg_finish_compress(&codec);
    return true;
  }
};

struct jpeg_codec {
  static decoded_image decode(std::span<const std::byte> bytes, const std::string& name, const image_limits& limits) {
    if (image_kind_of(bytes) != image_kind::jpeg)
      throw_error("image.002", {name, ": no readable JPEG image (it does not begin like one); get the file again"});
    jpeg_reader job;
    const auto damaged = [&] {
      throw_error("image.002", {name, ": no readable JPEG image (", job.report.message, "); get the file again"});
    };
    if (!job.read_header(bytes.data(), static_cast<unsigned long>(bytes.size()))) damaged();
    check_image_size(job.codec.image_width, job.codec.image_height, name, limits);
    const J_COLOR_SPACE space = job.codec.jpeg_color_space;
    if (space != JCS_GRAYSCALE && space != JCS_YCbCr && space != JCS_RGB)
      throw_error("image.006", {name, ": a JPEG with ", job.codec.num_components,
          " components that are neither grey nor colour (CMYK?) is not read; save it as RGB"});
    decoded_image out;
    out.height = static_cast<index_t>(job.codec.image_height);
    out.width = static_cast<index_t>(job.codec.image_width);
    out.channels = space == JCS_GRAYSCALE ? 1 : 3;
    job.pixels.resize(static_cast<std::size_t>(out.height * out.width * out.channels));
    if (!job.read_pixels(static_cast<std::size_t>(out.channels)) || job.report.damaged) damaged();
    out.pixels.swap(job.pixels);
    return out;
  }

  static std::vector<std::byte> encode(image_view<const std::uint8_t> image, int quality) {
    jpeg_writer job;
    if (!job.write(image, quality))
      throw_error("image.005", {"encode_jpeg: libjpeg failed (", job.report.message, "); check memory and the image's size"});
    const auto* begin = reinterpret_cast<const std::byte*>(job.out);
    return {begin, begin + job.size};
  }
};
using default_jpeg = jpeg_codec;
#else
// Another type than with the library, so that units built differently can be linked without one silently replacing
// the other's functions.
struct no_jpeg {
  static decoded_image decode(std::span<const std::byte>, const std::string& name, const image_limits&) {
    throw_error("image.001", {name, ": this build has no libjpeg; install libjpeg-dev and link pretext::jpeg"});
  }
  static std::vector<std::byte> encode(image_view<const std::uint8_t>, int) {
    throw_error("image.001", "encode_jpeg: this build has no libjpeg; install libjpeg-dev and link pretext::jpeg");
  }
};
using default_jpeg = no_jpeg;
#endif

}  // namespace detail

/// Pixels of a JPEG file, grey or colour, baseline or progressive. CMYK is refused; the camera's turn mark (EXIF) and
/// colour profiles are ignored. A file whose data end early is an error, not a grey area.
/// errors  pretext[image.001] built without libjpeg; [image.002] cut off or damaged; [image.003] larger than the
///         limits; [image.006] CMYK
template <class Codec = detail::default_jpeg>
decoded_image decode_jpeg(std::span<const std::byte> bytes, const std::string& name, const image_limits& limits = {}) {
  return Codec::decode(bytes, name, limits);
}

/// A JPEG file of an image with 1, 3 or 4 (CMYK) channels; quality 1..100.
/// errors  pretext[image.001] built without libjpeg; [image.004] another number of channels, or no pixels
template <class Codec = detail::default_jpeg>
std::vector<std::byte> encode_jpeg(image_view<const std::uint8_t> image, int quality = 95) {
  if ((image.channels != 1 && image.channels != 3 && image.channels != 4) || image.height < 1 || image.width < 1)
    throw_error("image.004", {"encode_jpeg: an image of ", image.height, " x ", image.width, " x ", image.channels,
        " cannot be a JPEG file; use 1, 3 or 4 channels"});
  return Codec::encode(image, quality);
}

}  // namespace pretext::io
