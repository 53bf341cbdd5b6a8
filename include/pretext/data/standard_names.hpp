// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "../core/text.hpp"
#include "../io/directory.hpp"

/// How data sets name their files.
namespace pretext::data::names {

inline bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}
inline bool starts_with(std::string_view text, std::string_view head) { return text.substr(0, head.size()) == head; }

PRETEXT_COLD inline std::string without_gz(const std::string& name) {
  return ends_with(name, ".gz") ? name.substr(0, name.size() - 3) : name;
}

/// Replaces the last occurrence, if any.
PRETEXT_COLD inline void replace_last(std::string& text, std::string_view what, std::string_view by) {
  const std::string_view whole = text;
  if (const std::size_t at = whole.rfind(what); at != std::string_view::npos)
    text = joined({whole.substr(0, at), by, whole.substr(at + what.size())});
}

/// Names of the plain files directly in a folder, sorted by bytes, hidden ones left out; where a file is there both
/// packed and unpacked, only the unpacked one.
/// errors  pretext[data.006] not a folder that can be read
PRETEXT_COLD inline std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> names, out;
  if (const int failed = io::list_folder(folder, names); failed != 0)
    throw_error("data.006", {folder, ": cannot be read as a folder (", std::strerror(-failed), "); check the path and the disk"});
  for (const std::string& name : names)
    if (name[0] != '.' && io::kind_of(io::path_in(folder, name)) == io::path_kind::file) out.push_back(name);
  sort_values(out);
  std::vector<std::string> kept;
  for (const std::string& name : out)
    if (!ends_with(name, ".gz") || !std::binary_search(out.begin(), out.end(), without_gz(name))) kept.push_back(name);
  return kept;
}

}  // namespace pretext::data::names
