// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/text.hpp"
#include "../core/view_of.hpp"
#include "../io/directory.hpp"
#include "../io/gzip.hpp"
#include "image_set.hpp"
#include "standard_names.hpp"

namespace pretext::data {

/// An IDX file taken apart: extents, then the bytes themselves (a view).
struct idx_array {
  std::vector<std::uint64_t> extents;
  std::span<const std::byte> values;
};

/// Reads the header of an IDX file of bytes: 0, 0, 8, number of extents, extents (32 bits, big end first), values.
/// errors  pretext[data.010] not IDX or no bytes; [data.011] cut off, too long, or sizes that do not fit the file
PRETEXT_COLD inline idx_array parse_idx(std::span<const std::byte> bytes, const std::string& name) {
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  if (bytes.empty()) throw_error("data.010", {name, ": the file is empty; an IDX file begins with the bytes 0, 0, 8"});
  if (bytes.size() < 4)
    throw_error("data.011", {name, ": cut off after ", bytes.size(),
        " bytes, inside the 4 bytes that begin an IDX file; get the file again"});
  if (at(0) != 0 || at(1) != 0)
    throw_error("data.010", {name, ": begins with the bytes ", at(0), ", ", at(1),
        " where an IDX file has 0, 0; choose another format or file"});
  if (at(2) != 8)
    throw_error("data.010", {name, ": IDX element type ", at(2), " is not supported; images and labels are unsigned bytes (type 8)"});
  const std::size_t rank = at(3), header = 4 + 4 * rank;
  if (rank < 1 || rank > 4)
    throw_error("data.010", {name, ": IDX with ", rank,
        " extents is neither labels (1) nor images (3, or 4 with channels); choose another file"});
  if (bytes.size() < header)
    throw_error("data.011", {name, ": cut off after ", bytes.size(), " bytes, inside the ", header,
        " bytes of the header; get the file again"});
  idx_array out;
  out.extents = std::vector<std::uint64_t>(rank);
  std::uint64_t promised = 1;
  const std::uint64_t present = bytes.size() - header;
  bool fits = true, holds_nothing = false;
  for (std::size_t d = 0; d < rank; ++d) {
    std::uint64_t extent = 0;
    for (std::size_t b = 0; b < 4; ++b) extent = extent << 8 | at(4 + 4 * d + b);
    out.extents[d] = extent;
    holds_nothing = holds_nothing || extent == 0;
    // Extents are below 2^32 and `promised` is at most the file's size, so the product cannot wrap.
    if (fits) promised *= extent;
    if (promised > present) fits = false;
  }
  std::string sizes = joined({out.extents[0]});
  for (std::size_t d = 1; d < rank; ++d) append(sizes, {" x ", out.extents[d]});
  if (holds_nothing)
    throw_error("data.011", {name, ": the header says ", sizes, ", which is no data at all; get the file again"});
  if (!fits || promised != present)
    throw_error("data.011", {name, ": the header says ", sizes, ", but ", present,
        " bytes follow it; the file is cut off or damaged, get it again"});
  out.values = bytes.subspan(header);
  return out;
}

/// Labels of an IDX file, one byte each.
PRETEXT_COLD inline std::vector<int> parse_idx_labels(std::span<const std::byte> bytes, const std::string& name) {
  const idx_array a = parse_idx(bytes, name);
  if (a.extents.size() != 1)
    throw_error("data.012", {name, ": IDX with ", a.extents.size(), " extents holds no labels, which have 1; name the idx1 file"});
  std::vector<int> out(a.values.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::to_integer<int>(a.values[i]);
  return out;
}

/// Images of an IDX file, (N, H, W) or (N, H, W, C) with 1 or 3 channels, and their labels where `labels` is not empty.
/// `classes` = 0 takes the largest label + 1.
PRETEXT_COLD inline image_set parse_idx_images(std::span<const std::byte> bytes, const std::string& name, std::vector<int> labels = {},
                                  int classes = 0) {
  const idx_array a = parse_idx(bytes, name);
  if (a.extents.size() < 3)
    throw_error("data.012", {name, ": IDX with ", a.extents.size(), " extents holds no images, which have 3 or 4; name the idx3 file"});
  const std::uint64_t channels = a.extents.size() == 4 ? a.extents[3] : 1;
  if (channels != 1 && channels != 3)
    throw_error("data.012", {name, ": images of ", channels, " channels are not supported; use 1 or 3"});
  image_store store;
  store.source = joined({name, " (IDX)"});
  store.count = static_cast<index_t>(a.extents[0]);
  store.shape = {static_cast<index_t>(a.extents[1]), static_cast<index_t>(a.extents[2]), static_cast<index_t>(channels)};
  if (!labels.empty()) store.classes = classes > 0 ? classes : *std::max_element(labels.begin(), labels.end()) + 1;
  store.labels = std::move(labels);
  store.pixels = std::vector<std::uint8_t>(a.values.size());
  std::memcpy(store.pixels.data(), a.values.data(), a.values.size());
  return image_set(std::move(store));
}

struct idx_settings {
  std::string labels = {};  // empty = look beside the images by the standard names
  int classes = 0;          // 0 = the largest label + 1
};

/// The label file that belongs to an image file: "images" -> "labels", "idx3" -> "idx1", packed or not.
/// Empty where there is none.
PRETEXT_COLD inline std::string idx_labels_beside(const std::string& images_path) {
  std::string stem = names::without_gz(io::file_name_of(images_path));
  const std::string before = stem;
  names::replace_last(stem, "images", "labels");
  names::replace_last(stem, "idx3", "idx1");
  names::replace_last(stem, "idx4", "idx1");
  if (stem == before) return {};
  for (const char* tail : {"", ".gz"}) {
    std::string candidate = io::path_in(io::folder_of(images_path), joined({stem, tail}));
    if (io::kind_of(candidate) == io::path_kind::file) return candidate;
  }
  return {};
}

/// Images from the bytes of an unpacked IDX file, with the labels that lie beside its path.
PRETEXT_COLD inline image_set idx_from(std::span<const std::byte> bytes, const std::string& images_path, const idx_settings& s = {}) {
  const std::string labels_path = s.labels.empty() ? idx_labels_beside(images_path) : s.labels;
  std::vector<int> labels;
  if (!labels_path.empty()) labels = parse_idx_labels(view_of(io::read_maybe_gzip(labels_path, io::default_max_bytes)), labels_path);
  return parse_idx_images(bytes, images_path, std::move(labels), s.classes);
}

/// Images of an IDX file (MNIST and its relatives), raw or packed with gzip, with labels where they are found.
/// errors  pretext[data.010..012] the file; [data.002] labels that do not match; [data.003] label outside the classes
PRETEXT_COLD inline image_set idx(const std::string& images_path, const idx_settings& s = {}) {
  return idx_from(view_of(io::read_maybe_gzip(images_path, io::default_max_bytes)), images_path, s);
}
/// The same with the label file named.
PRETEXT_COLD inline image_set idx(const std::string& images_path, const std::string& labels_path) {
  return idx(images_path, idx_settings{.labels = labels_path});
}

/// The training and test images of a folder, by the standard names:
///   *train*images*idx3*, *t10k*images*idx3* or *test*images*idx3*, each with or without .gz
/// errors  pretext[data.013] no training images in it, or several
PRETEXT_COLD inline train_test idx_folder(const std::string& folder) {
  std::vector<std::string> train, test;
  for (const std::string& name : names::files_of(folder)) {
    if (name.find("images") == std::string::npos || name.find("idx") == std::string::npos) continue;
    if (name.find("train") != std::string::npos)
      train.push_back(name);
    else if (name.find("t10k") != std::string::npos || name.find("test") != std::string::npos)
      test.push_back(name);
  }
  if (train.size() > 1 || test.size() > 1) {
    const auto& several = train.size() > 1 ? train : test;
    throw_error("data.013", {folder, ": both ", several[0], " and ", several[1],
        " could be meant; name the training file and the test file instead of the folder"});
  }
  if (train.empty())
    throw_error("data.013", {folder, ": holds no IDX training images; expected a file such as train-images-idx3-ubyte.gz"});
  train_test out;
  out.train = idx(io::path_in(folder, train[0]));
  // The test part has the classes of the training part: a label beyond them is an error, not a new class.
  if (!test.empty()) out.test = idx(io::path_in(folder, test[0]), {.classes = out.train.classes()});
  return out;
}

}  // namespace pretext::data
