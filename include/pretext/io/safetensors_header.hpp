// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "../core/text.hpp"
#include "dtype.hpp"
#include "json_reader.hpp"

// safetensors, the layout:  u64 little-endian N | N bytes of JSON | one byte buffer without holes
//   {"name":{"dtype":"F32","shape":[..],"data_offsets":[begin,end]}, ..., "__metadata__":{text:text}}
// source  the format's README and reference reader (safetensors 0.8); stricter here: duplicate keys, control characters in
//         names, unknown keys, integers above 2^48-1 (the format's own JSON schema)
namespace pretext::io {

/// A file may not ask for more header than this; checked before anything is allocated.
inline constexpr std::uint64_t safetensors_max_header = 100'000'000;

/// Where one tensor lies in the byte buffer; row-major, no gaps, `{}` is a scalar.
struct tensor_info {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  std::uint64_t bytes() const { return end - begin; }
  std::uint64_t elements() const { return bytes() * 8 / bits_of(type); }
};

/// Pairs of a file's `__metadata__`, sorted by key.
using text_pairs = std::vector<std::pair<std::string, std::string>>;

struct safetensors_header {
  std::vector<tensor_info> tensors;  // in the order of the buffer
  text_pairs metadata;
};

namespace detail {

/// A name in quotes for a message; without what could not be shown.
PRETEXT_COLD inline std::string in_quotes(std::string_view name) {
  std::string text = "\"";
  for (const char c : name.substr(0, 100)) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return joined({text, (name.size() > 100 ? "...\"" : "\"")});
}
inline bool has_control(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  return false;
}

constexpr bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  if (b != 0 && a > UINT64_MAX / b) return false;
  product = a * b;
  return true;
}

class header_parser {
 public:
  header_parser(std::string_view json, std::string_view file, std::uint64_t buffer_bytes)
      : reader_(json, std::string(file) + " header", 8), file_(file), buffer_bytes_(buffer_bytes) {}

  PRETEXT_COLD safetensors_header parse() {
    std::string key;
    bool has_metadata = false;
    reader_.begin_object();
    while (reader_.next_member(key)) {
      if (has_control(key))
        fail("io.307", "the name " + in_quotes(key) + " has a control character in it");
      if (key == "__metadata__") {
        if (std::exchange(has_metadata, true)) fail("io.306", "\"__metadata__\" appears twice");
        read_metadata();
      } else {
        read_tensor(key);
      }
    }
    reader_.finish();
    check_names();
    check_layout();
    return std::move(header_);
  }

 private:
  [[noreturn]] void fail(const char* id, const std::string& what) const {
    throw_error(id, {file_, ": ", what, "; the file is damaged or hostile, fetch or write it again"});
  }
  [[noreturn]] void fail(const char* id, std::string_view tensor, const std::string& what) const {
    fail(id, "tensor " + in_quotes(tensor) + ": " + what);
  }

  PRETEXT_COLD void read_metadata() {
    std::string key;
    reader_.begin_object();
    while (reader_.next_member(key)) {
      if (has_control(key)) fail("io.307", "the metadata key " + in_quotes(key) + " has a control character in it");
      if (reader_.peek() != json::kind::string)
        fail("io.308", "the metadata value of " + in_quotes(key) + " is " + json::name_of(reader_.peek()) + ", not a string");
      header_.metadata.emplace_back(key, std::string());
      reader_.string(header_.metadata.back().second);
    }
    text_pairs& pairs = header_.metadata;
    reorder(pairs, sorted_order(pairs.size(), [&](std::size_t a, std::size_t b) { return pairs[a].first < pairs[b].first; }));
    for (std::size_t i = 1; i < header_.metadata.size(); ++i)
      if (header_.metadata[i].first == header_.metadata[i - 1].first)
        fail("io.306", "the metadata key " + in_quotes(header_.metadata[i].first) + " appears twice");
  }

  PRETEXT_COLD void read_tensor(const std::string& name) {
    tensor_info info;
    info.name = name;
    bool has_type = false, has_shape = false, has_offsets = false;
    std::string key, text;
    std::vector<std::uint64_t> shape, offsets;
    reader_.begin_object();
    while (reader_.next_member(key)) {
      bool* seen = key == "dtype" ? &has_type : key == "shape" ? &has_shape : key == "data_offsets" ? &has_offsets : nullptr;
      if (seen == nullptr) fail("io.312", name, "the key " + in_quotes(key) + " is not part of the format");
      if (std::exchange(*seen, true)) fail("io.306", name, "the key \"" + key + "\" appears twice");
      if (seen == &has_type) {
        reader_.string(text);
        if (!dtype_from_name(text, info.type)) fail("io.313", name, "the type " + in_quotes(text) + " is not known");
      } else {
        read_integers(name, key, seen == &has_shape ? shape : offsets);
      }
    }
    for (const auto& [has, missing] : {std::pair{has_type, "dtype"}, {has_shape, "shape"}, {has_offsets, "data_offsets"}})
      if (!has) fail("io.311", name, std::string("the key \"") + missing + "\" is missing");
    check_size(info, shape, offsets);
    header_.tensors.push_back(std::move(info));
  }

  PRETEXT_COLD void read_integers(const std::string& name, const std::string& key, std::vector<std::uint64_t>& values) {
    reader_.begin_array();
    while (reader_.next_element()) {
      const json::number_text number = reader_.number();
      if (!number.is_integer || number.text.front() == '-')
        fail("io.309", name, key + " holds " + shortened(number.text) + ", which is not written as a non-negative integer");
      std::uint64_t value = 0;
      if (!json::to_integer(number, value))
        fail("io.310", name, key + " holds " + shortened(number.text) + ", above the format's limit of 2^48-1");
      values.push_back(value);
    }
  }
  static std::string shortened(std::string_view number) {
    return joined({number.substr(0, 40), number.size() <= 40 ? "" : "..."});
  }

  PRETEXT_COLD void check_size(tensor_info& info, const std::vector<std::uint64_t>& shape, const std::vector<std::uint64_t>& offsets) {
    constexpr std::uint64_t limit = (std::uint64_t{1} << 48) - 1;
    std::uint64_t elements = 1, bits = 0;
    // A wrapped product is how a small buffer passes for a large tensor; every multiply is checked.
    for (const std::uint64_t extent : shape)
      if (!multiply(elements, extent, elements))
        fail("io.314", info.name, "the number of elements of its shape overflows 64 bits");
    if (!multiply(elements, bits_of(info.type), bits))
      fail("io.315", info.name, "the size of " + std::to_string(elements) + " elements overflows 64 bits");
    for (const std::uint64_t extent : shape) {
      if (extent > limit) fail("io.310", info.name, "shape holds " + std::to_string(extent) + ", above the format's limit of 2^48-1");
      info.shape.push_back(static_cast<std::int64_t>(extent));
    }
    if (bits % 8 != 0)
      fail("io.316", info.name, std::to_string(elements) + " elements of " + std::string(name_of(info.type)) + " do not fill whole bytes");
    if (offsets.size() != 2)
      fail("io.311", info.name, "data_offsets holds " + std::to_string(offsets.size()) + " numbers instead of 2");
    for (const std::uint64_t offset : offsets)
      if (offset > limit) fail("io.310", info.name, "data_offsets holds " + std::to_string(offset) + ", above the format's limit of 2^48-1");
    info.begin = offsets[0];
    info.end = offsets[1];
    if (info.begin > info.end)
      fail("io.318", info.name, "it ends at byte " + std::to_string(info.end) + ", before it begins at " + std::to_string(info.begin));
    if (info.end - info.begin != bits / 8)
      fail("io.317", info.name, "its shape needs " + std::to_string(bits / 8) + " bytes, data_offsets give it " +
                                    std::to_string(info.end - info.begin));
  }

  PRETEXT_COLD void check_names() {
    const std::vector<tensor_info>& t = header_.tensors;
    const std::vector<std::size_t> order = sorted_order(t.size(), [&](std::size_t a, std::size_t b) { return t[a].name < t[b].name; });
    for (std::size_t i = 1; i < order.size(); ++i)
      if (const std::string& name = t[order[i]].name; name == t[order[i - 1]].name)
        fail("io.306", "the tensor " + in_quotes(name) + " appears twice");
  }

  /// Every byte of the buffer belongs to exactly one tensor, so nothing can hide in the file.
  PRETEXT_COLD void check_layout() {
    std::vector<tensor_info>& tensors = header_.tensors;
    // By (begin, end), so that an empty tensor comes before the one that starts where it lies; then by name.
    reorder(tensors, sorted_order(tensors.size(), [&](std::size_t i, std::size_t j) {
      const tensor_info &a = tensors[i], &b = tensors[j];
      return a.begin != b.begin ? a.begin < b.begin : a.end != b.end ? a.end < b.end : a.name < b.name;
    }));
    std::uint64_t end = 0;
    for (const tensor_info& t : tensors) {
      if (t.begin < end)
        fail("io.319", t.name, "it begins at byte " + std::to_string(t.begin) + ", inside the tensor before it, which ends at " + std::to_string(end));
      if (t.begin > end)
        fail("io.320", t.name, std::to_string(t.begin - end) + " bytes before it belong to no tensor");
      end = t.end;
    }
    if (end < buffer_bytes_)
      fail("io.321", std::to_string(buffer_bytes_ - end) + " bytes after the last tensor belong to no tensor");
    if (end > buffer_bytes_)
      fail("io.322", "the last tensor is cut off, " + std::to_string(end - buffer_bytes_) + " bytes are missing");
  }

  json::reader reader_;
  std::string_view file_;
  std::uint64_t buffer_bytes_;
  safetensors_header header_;
};

/// The header's length, from a file's first bytes; io.301-303 where the file cannot hold it.
PRETEXT_COLD inline std::uint64_t header_length(const std::byte* first, std::uint64_t file_bytes, std::string_view file) {
  const std::string name(file);
  if (file_bytes < 8)
    throw_error("io.301", {name, (file_bytes == 0 ? ": is empty" : ": holds only " + std::to_string(file_bytes) + " bytes"),
        ", a safetensors file begins with 8 bytes of length; fetch the file again"});
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = (length << 8) | static_cast<std::uint64_t>(first[i]);
  if (length > safetensors_max_header)
    throw_error("io.302", {name, ": announces a header of ", length, " bytes, more than the allowed ", safetensors_max_header,
        "; this is no safetensors file or a damaged one"});
  if (length > file_bytes - 8)
    throw_error("io.303", {name, ": header of ", length, " bytes is cut off after ", file_bytes - 8, "; fetch the file again"});
  return length;
}

}  // namespace detail

/// Parses the JSON header of a file whose byte buffer has `buffer_bytes` bytes, and checks every rule of the format.
/// errors  io.201-210 JSON, io.306-322 format; a thrown error leaves nothing behind
PRETEXT_COLD inline safetensors_header parse_safetensors_header(std::string_view json, std::string_view file, std::uint64_t buffer_bytes) {
  return detail::header_parser(json, file, buffer_bytes).parse();
}

}  // namespace pretext::io
