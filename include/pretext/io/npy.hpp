// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/text.hpp"
#include "dtype.hpp"
#include "file.hpp"
#include "safetensors_header.hpp"

// NumPy's .npy, versions 1 to 3:  \x93NUMPY, version, header length (u16 or u32), a Python dict as text, the elements
// source  NumPy Enhancement Proposal 1 and numpy/lib/format
namespace pretext::io {

/// An array as it was stored, but always little-endian and row-major.
struct npy_array {
  dtype type = dtype::f32;
  std::vector<std::int64_t> shape;  // {} is a scalar
  std::vector<std::byte> bytes;
  std::string name;  // what errors call it

  std::size_t elements() const { return bytes.size() * 8 / bits_of(type); }

  /// The elements converted to T (see convert_number).
  /// errors  io.409 a complex array, or an element that T cannot hold
  template <class T>
  std::vector<T> read() const {
    if (!is_convertible(type))
      throw_error("io.409", {name, ": complex numbers cannot be converted; save the real and imaginary parts as arrays of their own"});
    std::vector<T> values(elements());
    const std::size_t done = convert_elements(type, bytes.data(), values.size(), values.data());
    if (done != values.size())
      throw_error("io.409", {name, ": element ", done, " (", name_of(type), ") cannot be held by ", name_of(dtype_of<T>()),
          "; read it as another type"});
    return values;
  }
};

namespace detail {

/// The three facts of an .npy header.
struct npy_header {
  dtype type = dtype::f32;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// Reads the Python dict {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } with its keys in any order.
class npy_header_parser {
 public:
  npy_header_parser(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  npy_header parse() {
    bool has_descr = false, has_order = false, has_shape = false;
    take('{', "a dict");
    while (!skip('}')) {
      const std::string_view key = string("a key in quotes");
      bool* seen = key == "descr" ? &has_descr : key == "fortran_order" ? &has_order : key == "shape" ? &has_shape : nullptr;
      if (seen == nullptr) fail("io.405", "the header key " + in_quotes(key) + " is not part of the format");
      if (std::exchange(*seen, true)) fail("io.405", "the header key " + in_quotes(key) + " appears twice");
      take(':', "':'");
      if (seen == &has_descr)
        read_type();
      else if (seen == &has_order)
        header_.fortran_order = boolean();
      else
        read_shape();
      if (!skip(',')) {
        take('}', "',' or '}'");
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) syntax("nothing more");
    for (const auto& [has, key] : {std::pair{has_descr, "descr"}, {has_order, "fortran_order"}, {has_shape, "shape"}})
      if (!has) fail("io.405", std::string("the header key \"") + key + "\" is missing");
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail(const char* id, const std::string& what,
                         const char* advice = "save the array again with numpy.save") const {
    throw_error(id, {name_, ": ", what, "; ", advice});
  }
  [[noreturn]] void syntax(const char* wanted) const {
    fail("io.404", std::string("the header is damaged, expected ") + wanted + " at its byte " + std::to_string(at_));
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  bool skip(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void take(char c, const char* what) {
    if (!skip(c)) syntax(what);
  }
  std::string_view string(const char* what) {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) syntax(what);
    const std::size_t close = text_.find(text_[at_], at_ + 1);
    if (close == std::string_view::npos) syntax("the closing quote of a string");
    const std::string_view found = text_.substr(at_ + 1, close - at_ - 1);
    if (found.find('\\') != std::string_view::npos) syntax("a string without escapes");
    at_ = close + 1;
    return found;
  }
  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}})
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    syntax("True or False");
  }
  void read_type() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[')
      fail("io.406", "a structured array has elements of several types", "save each field as an array of its own");
    const std::string_view descr = string("the element type in quotes");
    if (descr.find('O') != std::string_view::npos)
      fail("io.406", "Python objects (dtype " + in_quotes(descr) + ") are pickled code and never read", "save an array of numbers");
    struct known {
      std::string_view code;
      dtype type;
    };
    constexpr known types[] = {{"b1", dtype::boolean}, {"i1", dtype::i8},  {"u1", dtype::u8},  {"i2", dtype::i16},
                               {"u2", dtype::u16},     {"f2", dtype::f16}, {"i4", dtype::i32}, {"u4", dtype::u32},
                               {"f4", dtype::f32},     {"i8", dtype::i64}, {"u8", dtype::u64}, {"f8", dtype::f64},
                               {"c8", dtype::c64}};
    for (const known& k : types)
      if (descr.size() == 3 && descr.substr(1) == k.code) {
        const char order = descr[0];
        if (order != '<' && order != '>' && order != '=' && !(order == '|' && bits_of(k.type) == 8)) break;
        header_.type = k.type;
        header_.big_endian = order == '>';
        return;
      }
    fail("io.406", "the element type " + in_quotes(descr) + " is not supported", "convert it, for example with .astype('<f4')");
  }
  void read_shape() {
    take('(', "a tuple of extents");
    while (!skip(')')) {
      skip_space();
      std::uint64_t extent = 0;
      const std::size_t start = at_;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
        if (!multiply(extent, 10, extent) || (extent += static_cast<std::uint64_t>(text_[at_] - '0')) > INT64_MAX)
          fail("io.407", "an extent of its shape does not fit into 63 bits");
      if (at_ == start) syntax("a non-negative integer");
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // written by Python 2
      header_.shape.push_back(static_cast<std::int64_t>(extent));
      if (skip(',')) continue;
      // Without the comma (3) is a number in parentheses, not a tuple.
      if (header_.shape.size() == 1) syntax("',' after the only extent");
      take(')', "',' or ')'");
      break;
    }
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
  npy_header header_;
};

inline void swap_bytes(std::vector<std::byte>& bytes, std::size_t width) {
  for (std::size_t at = 0; width > 1 && at < bytes.size(); at += width)
    std::reverse(bytes.data() + at, bytes.data() + at + width);
}

/// Column-major to row-major.
inline std::vector<std::byte> to_row_major(const std::vector<std::byte>& from, const std::vector<std::int64_t>& shape, std::size_t width) {
  std::vector<std::byte> to(from.size());
  std::vector<std::int64_t> index(shape.size(), 0);
  std::vector<std::size_t> stride(shape.size(), width);
  for (std::size_t d = 1; d < shape.size(); ++d) stride[d] = stride[d - 1] * static_cast<std::size_t>(shape[d - 1]);
  std::size_t source = 0;
  for (std::size_t at = 0; at < to.size(); at += width) {
    std::memcpy(to.data() + at, from.data() + source, width);
    for (std::size_t d = shape.size(); d-- > 0;) {  // count up like an odometer, the last axis first
      source += stride[d];
      if (++index[d] < shape[d]) break;
      source -= stride[d] * static_cast<std::size_t>(shape[d]);
      index[d] = 0;
    }
  }
  return to;
}

}  // namespace detail

/// Parses a whole .npy file in memory. Big-endian and column-major arrays are brought into our order.
/// errors  io.401 magic, io.402 version, io.403-405 header, io.406 element type, io.407 shape, io.408 size
/// cost    nothing is allocated for elements before shape and size were found to agree
PRETEXT_COLD inline npy_array parse_npy(byte_view file, std::string_view name) {
  const auto fail = [&](const char* id, const std::string& what) {
    throw_error(id, {name, ": ", what, "; save the array again with numpy.save"});
  };
  const std::string_view text = text_of(file);
  if (!text.starts_with("\x93NUMPY"))
    fail("io.401", file.empty() ? "is empty" : "does not begin with the .npy mark");
  if (file.size() < 8) fail("io.403", "is cut off before the header");
  const unsigned version = static_cast<unsigned>(file[6]);
  if (version < 1 || version > 3 || file[7] != std::byte{0})
    fail("io.402", "is of format version " + std::to_string(version) + "." + std::to_string(static_cast<unsigned>(file[7])) +
                       ", known are 1.0, 2.0 and 3.0");
  const std::size_t start = version == 1 ? 10 : 12;
  if (file.size() < start) fail("io.403", "is cut off before the header");
  std::size_t length = 0;
  for (std::size_t i = start; i-- > 8;) length = (length << 8) | static_cast<std::size_t>(file[i]);
  if (length > file.size() - start)
    fail("io.403", "the header of " + std::to_string(length) + " bytes is cut off after " + std::to_string(file.size() - start));
  const detail::npy_header header = detail::npy_header_parser(text.substr(start, length), name).parse();

  const std::size_t width = bits_of(header.type) / 8;
  std::uint64_t bytes = width;
  for (const std::int64_t extent : header.shape)
    if (!detail::multiply(bytes, static_cast<std::uint64_t>(extent), bytes)) fail("io.407", "the size of its shape overflows 64 bits");
  const std::uint64_t present = file.size() - start - length;
  if (bytes > present) fail("io.408", "its shape needs " + std::to_string(bytes) + " bytes, only " + std::to_string(present) + " are there");
  if (bytes < present) fail("io.408", std::to_string(present - bytes) + " bytes follow the array");

  npy_array array;
  array.type = header.type;
  array.shape = header.shape;
  array.name = name;
  const byte_view elements = file.subspan(start + length);
  array.bytes.assign(elements.begin(), elements.end());
  if (header.big_endian) detail::swap_bytes(array.bytes, header.type == dtype::c64 ? 4 : width);
  if (header.fortran_order && header.shape.size() > 1) array.bytes = detail::to_row_major(array.bytes, header.shape, width);
  return array;
}

/// Reads an .npy file of at most max_bytes. errors  those of read_file and parse_npy
template <class Files = posix_files>
npy_array read_npy(const std::string& path, std::uint64_t max_bytes = default_max_bytes, Files files = {}) {
  return parse_npy(read_file(path, max_bytes, files), path);
}

/// Writes an .npy file, version 1.0 (2.0 where the shape is too long for it), as one act.
/// errors  io.410 a type NumPy does not have, or no data; io.100 and io.111-115 from the file system
template <class Files = posix_files>
void write_npy(const std::string& path, dtype type, const std::vector<std::int64_t>& shape, const void* data, Files files = {}) {
  const std::string_view code = [&]() -> std::string_view {
    switch (type) {
      case dtype::boolean: return "|b1";
      case dtype::u8: return "|u1";
      case dtype::i8: return "|i1";
      case dtype::u16: return "<u2";
      case dtype::i16: return "<i2";
      case dtype::f16: return "<f2";
      case dtype::u32: return "<u4";
      case dtype::i32: return "<i4";
      case dtype::f32: return "<f4";
      case dtype::u64: return "<u8";
      case dtype::i64: return "<i8";
      case dtype::f64: return "<f8";
      case dtype::c64: return "<c8";
      default: break;
    }
    throw_error("io.410", {path, ": NumPy has no element type ", name_of(type), "; convert the values to F32"});
  }();
  std::uint64_t bytes = bits_of(type) / 8;
  std::string extents;
  for (const std::int64_t extent : shape) {
    if (extent < 0 || !detail::multiply(bytes, static_cast<std::uint64_t>(extent), bytes) || bytes > PTRDIFF_MAX)
      throw_error("io.410", {path, ": the shape has a negative extent or overflows; correct it"});
    append(extents, {(extents.empty() ? "" : ", "), extent});
  }
  if (bytes != 0 && data == nullptr) throw_error("io.410", {path, ": there is no data to write; pass the elements"});
  std::string dict = "{'descr': '" + std::string(code) + "', 'fortran_order': False, 'shape': (" + extents +
                     (shape.size() == 1 ? ",), }" : "), }");
  // The elements begin at a multiple of 64, and the header ends with a line feed.
  const bool is_long = dict.size() + 1 + 64 > 0xFFFF;
  const std::size_t start = is_long ? 12 : 10;
  dict.resize((start + dict.size() + 1 + 63) / 64 * 64 - start - 1, ' ');
  dict += '\n';
  std::string prefix = "\x93NUMPY";
  prefix += is_long ? '\2' : '\1';
  prefix += '\0';
  for (std::size_t i = 8; i < start; ++i) prefix += static_cast<char>(static_cast<unsigned char>(dict.size() >> (8 * (i - 8))));
  prefix += dict;
  const byte_view chunks[] = {bytes_of(prefix), {static_cast<const std::byte*>(data), static_cast<std::size_t>(bytes)}};
  write_file_atomically(path, chunks, files);
}

/// The same for values in memory.
template <class T, class Files = posix_files>
void write_npy(const std::string& path, const std::vector<std::int64_t>& shape, std::span<const T> values, Files files = {}) {
  std::uint64_t elements = 1;
  for (const std::int64_t extent : shape)
    if (extent < 0 || !detail::multiply(elements, static_cast<std::uint64_t>(extent), elements)) elements = UINT64_MAX;
  if (elements != values.size())
    throw_error("io.410", {path, ": the shape does not have the ", values.size(), " elements given; correct it"});
  write_npy(path, dtype_of<T>(), shape, values.data(), files);
}

}  // namespace pretext::io
