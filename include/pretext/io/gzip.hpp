// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../config.hpp"
#include "../core/error.hpp"
#include "../core/view_of.hpp"
#include "file.hpp"

#if PRETEXT_HAS_ZLIB
#include <zlib.h>
#endif

namespace pretext::io {

/// True if the bytes begin like a gzip file.
inline bool is_gzip(byte_view bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

namespace detail {

// With and without zlib are two types, so that units built differently can be linked without one silently replacing the
// other's functions.
struct no_inflater {
  static std::vector<std::byte> inflate(byte_view, std::string_view name, std::uint64_t) {
    throw_error("io.501", {name,
        ": is compressed with gzip and this build has no zlib; build with zlib (Debian: zlib1g-dev, CMake: ZLIB::ZLIB), or unpack the file with gunzip"});
  }
};

#if PRETEXT_HAS_ZLIB
struct zlib_inflater {
  /// Every member of the file, one after the other; zero bytes at the end are padding.
  static std::vector<std::byte> inflate(byte_view in, std::string_view name, std::uint64_t max_bytes) {
    const auto fail = [&](const char* id, const std::string& what, const char* advice) {
      throw_error(id, {name, ": ", what, "; ", advice});
    };
    struct stream_owner {
      z_stream z{};
      bool ready = false;
      ~stream_owner() {
        if (ready) inflateEnd(&z);
      }
    } owner;
    z_stream& z = owner.z;
    // 16 + 15: a gzip header is required and its checksum and length are verified.
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) fail("io.504", "zlib could not be started", "free some memory");
    owner.ready = true;

    std::vector<std::byte> out;
    std::size_t taken = 0, made = 0;
    const auto unread = [&] { return in.subspan(taken); };
    for (;;) {
      if (made == out.size()) {
        if (made > max_bytes)
          fail("io.503", "unpacks to more than the limit of " + std::to_string(max_bytes) + " bytes",
               "raise the limit if the file is what you meant");
        // Grown as it fills, because the length a gzip file claims can be a lie. One byte over the limit shows a breach.
        const std::uint64_t wanted = made == 0 ? 4 * std::uint64_t{in.size()} + 4096 : 2 * std::uint64_t{made};
        out.resize(static_cast<std::size_t>(std::min(wanted, max_bytes == UINT64_MAX ? max_bytes : max_bytes + 1)));
      }
      constexpr std::size_t most = std::size_t{1} << 30;  // zlib counts in 32 bits
      const std::size_t offered = std::min(unread().size(), most);
      const std::size_t room = std::min(out.size() - made, most);
      z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data() + taken));
      z.avail_in = static_cast<uInt>(offered);
      z.next_out = reinterpret_cast<Bytef*>(out.data() + made);
      z.avail_out = static_cast<uInt>(room);
      const int status = ::inflate(&z, Z_NO_FLUSH);
      taken += offered - z.avail_in;
      made += room - z.avail_out;
      if (status == Z_STREAM_END) {
        const bool only_zeros = std::all_of(unread().begin(), unread().end(), [](std::byte b) { return b == std::byte{0}; });
        if (only_zeros) break;
        if (!is_gzip(unread()))
          fail("io.502", std::to_string(unread().size()) + " bytes after the compressed data are not gzip", "fetch the file again");
        inflateReset(&z);
      } else if (status == Z_MEM_ERROR) {
        fail("io.504", "zlib ran out of memory", "free some memory");
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        fail("io.502", "the compressed data are damaged near byte " + std::to_string(taken) + " (" +
                           (z.msg != nullptr ? z.msg : "no gzip stream") + ")", "fetch the file again");
      } else if (unread().empty() && z.avail_out != 0) {
        fail("io.502", "the compressed data are cut off after " + std::to_string(in.size()) + " bytes", "fetch the file again");
      }
    }
    if (made > max_bytes)
      fail("io.503", "unpacks to more than the limit of " + std::to_string(max_bytes) + " bytes",
           "raise the limit if the file is what you meant");
    out.resize(made);
    return out;
  }
};
using default_inflater = zlib_inflater;
#else
using default_inflater = no_inflater;
#endif

}  // namespace detail

/// The content of gzip bytes, at most max_bytes.
/// errors  io.501 no zlib in this build, io.502 cut off or damaged, io.503 over the limit, io.504 no memory
template <class Inflater = detail::default_inflater>
std::vector<std::byte> inflate_gzip(byte_view bytes, std::string_view name, std::uint64_t max_bytes) {
  return Inflater::inflate(bytes, name, max_bytes);
}

/// The content of a file, unpacked if it begins like a gzip file, whatever its name. Neither the file nor its content
/// may be larger than max_bytes.
/// errors  those of read_file and inflate_gzip
template <class Inflater = detail::default_inflater, class Files = posix_files>
PRETEXT_COLD std::vector<std::byte> read_maybe_gzip(const std::string& path, std::uint64_t max_bytes = default_max_bytes, Files files = {}) {
  std::vector<std::byte> bytes = read_file(path, max_bytes, files);
  return is_gzip(view_of(bytes)) ? inflate_gzip<Inflater>(view_of(bytes), path, max_bytes) : bytes;
}

}  // namespace pretext::io
