// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/list.hpp"
#include "../core/order.hpp"
#include "../core/view_of.hpp"
#include "dtype.hpp"
#include "file.hpp"
#include "json_writer.hpp"
#include "safetensors_header.hpp"
#include "utf8.hpp"

namespace pretext::io {

/// One tensor to be written: row-major, no gaps, little-endian. `data` may be null where an extent is 0.
struct tensor_entry {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::int64_t> shape;
  const void* data = nullptr;
};

/// An entry over values in memory; they must outlive the write.
template <class T>
tensor_entry tensor_of(std::string name, std::vector<std::int64_t> shape, std::span<const T> values) {
  std::uint64_t elements = 1;
  for (const std::int64_t extent : shape)
    if (extent < 0 || !detail::multiply(elements, static_cast<std::uint64_t>(extent), elements)) elements = UINT64_MAX;
  if (elements != values.size())
    throw_error("io.327", {"tensor ", detail::in_quotes(name), ": its shape does not have the ", values.size(),
        " elements given; correct the shape"});
  return {std::move(name), dtype_of<T>(), std::move(shape), values.data()};
}

/// The bytes before the buffer, and the order in which the tensors' bytes follow.
struct safetensors_plan {
  std::string prefix;               // length, JSON, spaces up to a multiple of 8
  std::vector<std::size_t> order;   // indices into the entries
  std::vector<std::uint64_t> bytes; // of each, in that order
};

namespace detail {
[[noreturn]] PRETEXT_COLD inline void refuse_to_write(const char* what, std::string_view text, const char* why) {
  throw_error("io.327", {what, " ", in_quotes(text), " ", why, "; correct what is to be written"});
}
PRETEXT_COLD inline void check_written_text(const char* what, std::string_view text) {
  if (first_invalid_utf8(text) != text.size()) refuse_to_write(what, text, "is not UTF-8");
  if (has_control(text)) refuse_to_write(what, text, "has a control character in it");
}
}  // namespace detail

/// Lays tensors out as the reference writer does: widest type first, then by name, so that each is aligned.
/// laws    a pure function of its arguments, whatever the entries' order; the metadata is written as given, sorted by key
/// errors  io.326 header above 100,000,000 bytes; io.327 a name or metadata text that is not UTF-8, has control
///         characters, appears twice or is reserved; a shape with a negative extent, an overflow or part of a byte; no data
PRETEXT_COLD inline safetensors_plan plan_safetensors(std::span<const tensor_entry> tensors, text_pairs metadata) {
  safetensors_plan plan;
  const std::vector<std::size_t> by_name =
      sorted_order(tensors.size(), [&](std::size_t a, std::size_t b) { return tensors[a].name < tensors[b].name; });
  for (std::size_t i = 1; i < by_name.size(); ++i)
    if (const std::string& name = tensors[by_name[i]].name; name == tensors[by_name[i - 1]].name)
      detail::refuse_to_write("the tensor", name, "is given twice");
  plan.order = sorted_order(by_name.size(), [&](std::size_t a, std::size_t b) { return tensors[by_name[a]].type > tensors[by_name[b]].type; });
  for (std::size_t& i : plan.order) i = by_name[i];
  const std::vector<std::size_t> by_key =
      sorted_order(metadata.size(), [&](std::size_t a, std::size_t b) { return metadata[a].first < metadata[b].first; });

  json::writer json;
  json.begin_object();
  if (!metadata.empty()) {
    json.key("__metadata__").begin_object();
    for (std::size_t i = 0; i < by_key.size(); ++i) {
      const auto& [key, text] = metadata[by_key[i]];
      detail::check_written_text("the metadata key", key);
      if (first_invalid_utf8(text) != text.size()) detail::refuse_to_write("the metadata text of", key, "is not UTF-8");
      if (i > 0 && key == metadata[by_key[i - 1]].first) detail::refuse_to_write("the metadata key", key, "is given twice");
      json.member(key, text);
    }
    json.end_object();
  }
  std::uint64_t offset = 0;
  plan.bytes = std::vector<std::uint64_t>(tensors.size());
  for (std::size_t at = 0; at < tensors.size(); ++at) {
    const tensor_entry& t = tensors[plan.order[at]];
    detail::check_written_text("the tensor name", t.name);
    const auto refuse = [&](const char* why) { detail::refuse_to_write("the tensor", t.name, why); };
    if (t.name == "__metadata__") detail::refuse_to_write("the tensor name", t.name, "is reserved");
    std::uint64_t bits = bits_of(t.type);
    json.key(t.name).begin_object().member("dtype", name_of(t.type)).key("shape").begin_array();
    for (const std::int64_t extent : t.shape) {
      if (extent < 0) refuse("has a negative extent");
      if (!detail::multiply(bits, static_cast<std::uint64_t>(extent), bits) || bits >= std::uint64_t{1} << 50)
        refuse("is larger than the format allows");
      json.value(extent);
    }
    if (bits % 8 != 0) refuse("does not fill whole bytes");
    if (bits != 0 && t.data == nullptr) refuse("has no data");
    json.end_array().key("data_offsets").begin_array().value(offset).value(offset + bits / 8).end_array().end_object();
    plan.bytes[at] = bits / 8;
    offset += plan.bytes[at];
  }
  json.end_object();

  std::string text = json.text();
  while (text.size() % 8 != 0) text += ' ';
  if (text.size() > safetensors_max_header)
    throw_error("io.326", {"a header of ", text.size(), " bytes is above the format's limit of ", safetensors_max_header,
        "; write less metadata or fewer tensors"});
  for (int i = 0; i < 8; ++i)
    plan.prefix += static_cast<char>(static_cast<unsigned char>(std::uint64_t{text.size()} >> (8 * i)));
  plan.prefix += text;
  return plan;
}

/// Writes a safetensors file as one act (see write_file_atomically). `format=pt`, which Python loaders ask for, is added
/// to the metadata unless it names a format.
/// repeat  same tensors and metadata: same bytes
/// errors  io.326-327 before the file is touched, io.100 and io.111-115 from the file system
template <class Files = posix_files>
PRETEXT_COLD void write_safetensors(const std::string& path, std::span<const tensor_entry> tensors, text_pairs metadata = {},
                       Files files = {}) {
  static_assert(std::endian::native == std::endian::little, "pretext[io.327] files are little-endian, so must the machine be");
  bool has_format = false;
  for (const auto& pair : metadata) has_format = has_format || pair.first == "format";
  if (!has_format) add_pair(metadata, "format", "pt");
  const safetensors_plan plan = plan_safetensors(tensors, std::move(metadata));
  list<byte_view> chunks(plan.order.size() + 1);
  chunks[0] = bytes_of(plan.prefix);
  for (std::size_t i = 0; i < plan.order.size(); ++i)
    chunks[i + 1] = {static_cast<const std::byte*>(tensors[plan.order[i]].data), static_cast<std::size_t>(plan.bytes[i])};
  write_file_atomically(path, view_of(chunks), files);
}

}  // namespace pretext::io
