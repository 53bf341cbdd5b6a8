// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "../core/text.hpp"
#include "../core/view_of.hpp"
#include "file.hpp"
#include "json.hpp"
#include "safetensors_header.hpp"

namespace pretext::io {

/// Which file of a split model holds which tensor (`model.safetensors.index.json`).
struct safetensors_index {
  text_pairs file_of;              // tensor name, file name; sorted by tensor
  std::vector<std::string> files;  // each once, sorted
};

/// True for a name that cannot lead out of its folder: not empty, not a parent folder, without separators, drive or control
/// characters. A model's index comes from strangers; `../x` or `/etc/x` in it must never be opened.
inline bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of("/\\:") == std::string_view::npos &&
         !detail::has_control(name);
}

/// Parses the text of an index; keys besides `weight_map` are left to the writer's taste.
/// errors  io.201-211 JSON, io.212-213 no weight_map of strings, io.331 a file name that is not plain
PRETEXT_COLD inline safetensors_index parse_safetensors_index(std::string_view text, std::string_view name) {
  safetensors_index index;
  const json::value document = json::parse(text, name);
  for (const json::member& m : document.at("weight_map").as_members()) {
    if (m.value.kind() != json::kind::string || !is_plain_file_name(m.value.as_string()))
      throw_error("io.331", {name, ": tensor ", detail::in_quotes(m.key), " should be in ",
          (m.value.kind() == json::kind::string ? detail::in_quotes(m.value.as_string()) : json::name_of(m.value.kind())),
          ", which is not the plain name of a file in the same folder; fetch the model again"});
    add_pair(index.file_of, m.key, m.value.as_string());
  }
  text_pairs& pairs = index.file_of;
  reorder(pairs, sorted_order(pairs.size(), [&](std::size_t a, std::size_t b) { return pairs[a].first < pairs[b].first; }));
  // Sorted by their files the same files are neighbours.
  const std::vector<std::size_t> by_file = sorted_order(pairs.size(), [&](std::size_t a, std::size_t b) { return pairs[a].second < pairs[b].second; });
  for (const std::size_t i : by_file)
    if (index.files.empty() || index.files.back() != pairs[i].second) index.files.emplace_back() = pairs[i].second;
  return index;
}

/// The same for a file.
PRETEXT_COLD inline safetensors_index read_safetensors_index(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path, safetensors_max_header);
  return parse_safetensors_index(text_of(view_of(bytes)), path);
}

}  // namespace pretext::io
