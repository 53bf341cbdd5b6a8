// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "../core/text.hpp"
#include "../core/view_of.hpp"
#include "dtype.hpp"
#include "file.hpp"
#include "safetensors_header.hpp"

namespace pretext::io {

/// The tensors of a safetensors file, in memory of its own: the file may be replaced or removed afterwards.
///   const auto file = io::read_safetensors("model.safetensors");
///   std::vector<float> w = file.read<float>("conv1.weight");   file.at("conv1.weight").shape
class tensor_file {
 public:
  tensor_file(std::string name, safetensors_header header, std::vector<std::byte> bytes, std::size_t buffer_at = 0)
      : name_(std::move(name)), header_(std::move(header)), bytes_(std::move(bytes)), buffer_at_(buffer_at) {
    by_name_ = sorted_order(header_.tensors.size(), [&](std::size_t a, std::size_t b) {
      return header_.tensors[a].name < header_.tensors[b].name;
    });
  }

  /// What errors call the file.
  const std::string& file_name() const { return name_; }
  /// In the order of the buffer.
  std::span<const tensor_info> tensors() const { return view_of(header_.tensors); }
  /// Sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const std::size_t i : by_name_) all.push_back(header_.tensors[i].name);
    return all;
  }
  const text_pairs& metadata() const { return header_.metadata; }
  /// The metadata text of a key, or nullptr.
  const std::string* find_metadata(std::string_view key) const {
    for (const auto& [name, text] : header_.metadata)
      if (name == key) return &text;
    return nullptr;
  }

  /// The tensor of this name, or nullptr.
  const tensor_info* find(std::string_view tensor) const {
    const auto found = std::lower_bound(by_name_.begin(), by_name_.end(), tensor, [&](std::size_t i, std::string_view n) {
      return header_.tensors[i].name < n;
    });
    return found != by_name_.end() && header_.tensors[*found].name == tensor ? &header_.tensors[*found] : nullptr;
  }
  /// The tensor of this name; io.323 where there is none.
  const tensor_info& at(std::string_view tensor) const {
    const tensor_info* found = find(tensor);
    if (found == nullptr)
      throw_error("io.323", {name_, ": holds no tensor ", detail::in_quotes(tensor), " among its ", header_.tensors.size(),
          "; check the name and any prefix"});
    return *found;
  }

  /// The stored bytes, at any alignment; valid as long as this object.
  byte_view raw(const tensor_info& tensor) const {
    return view_of(bytes_).subspan(buffer_at_ + static_cast<std::size_t>(tensor.begin),
                                     static_cast<std::size_t>(tensor.bytes()));
  }
  byte_view raw(std::string_view tensor) const { return raw(at(tensor)); }

  /// Fills `out` with the tensor's elements, row-major, converted to T (see convert_number).
  /// errors  io.323 no such tensor, io.324 type without conversion, io.325 a value T cannot hold, io.328 wrong count
  template <class T>
  void read_into(std::string_view tensor, std::span<T> out) const {
    const tensor_info& info = at(tensor);
    if (!is_convertible(info.type))
      throw_error("io.324", {named(info), ": elements of type ", name_of(info.type),
          " cannot be converted; use raw() or store the tensor as F32"});
    if (info.elements() != out.size())
      throw_error("io.328", {named(info), ": holds ", info.elements(), " elements where ", out.size(), " are wanted; check the shape"});
    const std::size_t done = convert_elements(info.type, raw(info).data(), out.size(), out.data());
    if (done != out.size())
      throw_error("io.325", {named(info), ": element ", done, " (", name_of(info.type), ") cannot be held by ", name_of(dtype_of<T>()),
          "; read it as another type"});
  }
  template <class T>
  std::vector<T> read(std::string_view tensor) const {
    const tensor_info& info = at(tensor);
    std::vector<T> values(is_convertible(info.type) ? static_cast<std::size_t>(info.elements()) : 0);
    read_into<T>(tensor, values);
    return values;
  }

 private:
  std::string named(const tensor_info& info) const { return joined({name_, ": tensor ", detail::in_quotes(info.name)}); }

  std::string name_;
  safetensors_header header_;
  std::vector<std::byte> bytes_;
  std::size_t buffer_at_;
  std::vector<std::size_t> by_name_;
};

/// Parses a whole file that is already in memory; `name` is what errors call it.
/// errors  io.301-303 length, io.201-210 JSON, io.306-322 format
PRETEXT_COLD inline tensor_file parse_safetensors(std::vector<std::byte> bytes, std::string_view name) {
  const std::uint64_t length = detail::header_length(bytes.data(), bytes.size(), name);
  const std::size_t buffer_at = 8 + static_cast<std::size_t>(length);
  safetensors_header header =
      parse_safetensors_header(text_of(view_of(bytes).subspan(8, buffer_at - 8)), name, bytes.size() - buffer_at);
  return tensor_file(std::string(name), std::move(header), std::move(bytes), buffer_at);
}

/// Reads a safetensors file. Its header is checked against the file's size before the tensors are given memory.
/// errors  io.100-104 file, io.301-303 length, io.201-210 JSON, io.306-322 format
template <class Files = posix_files>
PRETEXT_COLD tensor_file read_safetensors(const std::string& path, Files files = {}) {
  input_file<Files> file(path, files);
  std::byte first[8]{};
  const std::uint64_t size = file.read(first) < 8 ? std::min<std::uint64_t>(file.size(), 7) : file.size();
  std::vector<std::byte> json(static_cast<std::size_t>(detail::header_length(first, size, path)));
  const auto fill = [&](std::vector<std::byte>& to) {
    if (file.read({to.data(), to.size()}) != to.size()) throw_error("io.303", {path, ": became shorter while it was read; read it again"});
  };
  fill(json);
  safetensors_header header = parse_safetensors_header(text_of(view_of(json)), path, size - 8 - json.size());
  std::vector<std::byte> buffer(static_cast<std::size_t>(size - 8 - json.size()));
  fill(buffer);
  return tensor_file(path, std::move(header), std::move(buffer));
}

}  // namespace pretext::io
