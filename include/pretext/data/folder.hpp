// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "../core/view_of.hpp"
#include "../io/decode_image.hpp"
#include "../io/directory.hpp"
#include "../io/file.hpp"
#include "image_set.hpp"
#include "standard_names.hpp"

namespace pretext::data {

struct folder_settings {
  std::uint64_t memory_limit = std::uint64_t{1} << 31;  // bytes of pixels kept; images beyond it are decoded when gathered
  index_t channels = 0;                                 // 1, 3, or 0: 3 where any image has colour, else 1
  io::image_limits limits = {};
  std::vector<std::string> class_names = {};            // the only class folders there may be; empty = find them
};

namespace detail {

inline io::decoded_image read_image(const std::string& path, const io::image_limits& limits) {
  {
    // Whatever lies in the folder, a film of 10 GB included, is not read further than its first bytes.
    io::input_file<> file(path);
    std::array<std::byte, 8> head;
    const std::span<const std::byte> begin(head.data(), file.read(head));
    if (io::image_kind_of(begin) == io::image_kind::none) (void)io::decode_image(begin, path);
  }
  return io::decode_image(view_of(io::read_file(path, std::uint64_t{1} << 30)), path, limits);
}

inline void read_image_again(const std::string& path, const image_shape& expected, std::vector<std::uint8_t>& into) {
  const io::image_limits limits{.max_side = std::max(expected.height, expected.width),
                                .max_pixels = static_cast<std::uint64_t>(expected.height * expected.width)};
  io::decoded_image image = read_image(path, limits);
  if (image.height != expected.height || image.width != expected.width)
    throw_error("data.034", {path, ": has another size than when the folder was read; leave the files alone meanwhile"});
  io::convert_channels(image, expected.channels);
  into.swap(image.pixels);
}

/// The sentence of an error without its id and the file's name, which stand elsewhere.
PRETEXT_COLD inline std::string reason_of(const error& e, const std::string& path) {
  const std::string all = e.what(), head = "pretext[" + e.id() + "] " + path + ": ";
  return all.substr(0, head.size()) == head ? all.substr(head.size()) : all;
}

struct folder_reader {
  const folder_settings& settings;
  image_store store{};
  bool grey = false, colour = false;
  index_t files = 0;

  /// Adds all images of one class folder and the folders in it, in the order of their paths.
  PRETEXT_COLD index_t add_tree(const std::string& folder, int label) {
    std::vector<std::string> paths;
    collect(folder, paths);
    sort_values(paths);
    index_t good = 0;
    for (const std::string& path : paths) good += add_file(path, label);
    return good;
  }

  /// Folders behind links are passed over: a link to a folder above would have no end.
  PRETEXT_COLD void collect(const std::string& folder, std::vector<std::string>& paths) {
    std::vector<std::string> names;
    if (const int failed = io::list_folder(folder, names); failed != 0)
      store.skipped.push_back({folder, joined({"cannot be read further (", std::strerror(-failed), ")"})});
    for (const std::string& name : names) {
      if (name[0] == '.') continue;
      std::string path = io::path_in(folder, name);
      if (io::kind_of(path) != io::path_kind::folder)
        paths.push_back(std::move(path));
      else if (!io::is_link(path))
        collect(path, paths);
    }
  }

  index_t add_file(const std::string& path, int label) {
    ++files;
    io::decoded_image image;
    try {
      image = read_image(path, settings.limits);
    } catch (const error& e) {
      store.skipped.push_back({path, reason_of(e, path)});
      return 0;
    }
    (image.channels == 1 ? grey : colour) = true;
    if (settings.channels != 0) io::convert_channels(image, settings.channels);
    store.shapes.push_back({image.height, image.width, image.channels});
    store.offsets.push_back(keep(store.pixels, image));
    store.paths.push_back(path);
    store.labels.push_back(label);
    ++store.count;
    return 1;
  }

  std::size_t keep(std::vector<std::uint8_t>& pixels, const io::decoded_image& image) const {
    if (pixels.size() + image.pixels.size() > settings.memory_limit) return image_store::not_resident;
    const std::size_t at = pixels.size();
    pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
    return at;
  }

  /// Grey images among coloured ones get three equal channels.
  PRETEXT_COLD void unify_channels() {
    if (!(grey && colour) || settings.channels != 0) return;
    std::vector<std::uint8_t> pixels;
    for (std::size_t i = 0; i < store.shapes.size(); ++i) {
      image_shape& shape = store.shapes[i];
      if (store.offsets[i] != image_store::not_resident) {
        const std::uint8_t* from = store.pixels.data() + store.offsets[i];
        io::decoded_image image{{from, from + shape.size()}, shape.height, shape.width, shape.channels};
        io::convert_channels(image, 3);
        store.offsets[i] = keep(pixels, image);
      }
      shape.channels = 3;
    }
    store.pixels.swap(pixels);
  }

  /// One size and everything in memory needs no table.
  PRETEXT_COLD void drop_table() {
    for (std::size_t i = 0; i < store.shapes.size(); ++i)
      if (store.offsets[i] == image_store::not_resident || store.shapes[i] != store.shapes[0]) return;
    store.shape = store.shapes[0];
    store.shapes.clear();
    store.offsets.clear();
  }
};

}  // namespace detail

/// The PNG and JPEG files of a folder, of any sizes. Folders in it are classes, numbered in the sorted order of their
/// names; files beside them, or everything where there are not two such folders, have no label. Files that cannot be
/// read are listed in skipped(). Hidden files are passed over; names of files mean nothing, their content decides.
/// errors  pretext[data.006] not a folder; [data.030] no files in it; [data.031] no readable image among them;
///         [data.032] channels; [data.033] a class folder that is not among the given class names
/// cost    decodes every file once
PRETEXT_COLD inline image_set folder(const std::string& path, const folder_settings& settings = {}) {
  if (settings.channels != 0 && settings.channels != 1 && settings.channels != 3)
    throw_error("data.032", {path, ": ", settings.channels, " channels were asked for; use 1, 3, or 0 to decide by the files"});
  detail::folder_reader reader{settings};
  std::vector<std::string> names, class_folders, plain;
  if (const int failed = io::list_folder(path, names); failed != 0)
    throw_error("data.006", {path, ": cannot be read as a folder (", std::strerror(-failed), "); check the path"});
  for (const std::string& name : names)
    if (name[0] != '.')
      (io::kind_of(io::path_in(path, name)) == io::path_kind::folder ? class_folders : plain).push_back(name);

  sort_values(class_folders);
  sort_values(plain);
  for (const std::string& name : plain) reader.add_file(io::path_in(path, name), -1);
  std::vector<std::string> classes = settings.class_names;
  for (const std::string& name : class_folders) {
    int label = static_cast<int>(classes.size());
    if (!settings.class_names.empty())
      label = static_cast<int>(std::find(classes.begin(), classes.end(), name) - classes.begin());
    const index_t good = reader.add_tree(io::path_in(path, name), label);
    if (good > 0 && label == static_cast<int>(classes.size())) {
      if (!settings.class_names.empty())
        throw_error("data.033", {path, ": the class folder ", name, " is not among the ", classes.size(),
            " classes of the training part; rename or remove it"});
      classes.push_back(name);
    }
  }

  image_store& store = reader.store;
  if (reader.files == 0) throw_error("data.030", {path, ": holds no files; put PNG or JPEG files into it"});
  if (store.count == 0)
    throw_error("data.031", {path, ": none of its ", reader.files, " files is a readable image; ", store.skipped[0].path, ": ",
        store.skipped[0].reason});
  if (classes.size() < 2 && settings.class_names.empty()) {
    classes.clear();
    store.labels.clear();
  }
  store.classes = static_cast<int>(classes.size());
  store.class_names = std::move(classes);
  store.source = path + " (folder)";
  store.decode = &detail::read_image_again;
  reader.unify_channels();
  reader.drop_table();
  store.pixels.shrink_to_fit();
  return image_set(std::move(store));
}

/// A folder with train/ and test/ (or val/) in it, or a folder that is the training part itself.
PRETEXT_COLD inline train_test folder_parts(const std::string& path, folder_settings settings = {}) {
  train_test out;
  const std::string train = io::path_in(path, "train");
  if (io::kind_of(train) != io::path_kind::folder) {
    out.train = folder(path, settings);
    return out;
  }
  out.train = folder(train, settings);
  settings.class_names = out.train.class_names();
  settings.channels = out.train.shape(0).channels;
  for (const char* name : {"test", "val", "valid", "validation"})
    if (const std::string test = io::path_in(path, name); io::kind_of(test) == io::path_kind::folder) {
      out.test = folder(test, settings);
      break;
    }
  return out;
}

}  // namespace pretext::data
