// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
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

/// Which CIFAR records a file holds: 1 label byte (CIFAR-10), or coarse and fine label bytes (CIFAR-100), then the red,
/// green and blue planes of 32 x 32 bytes.
enum class cifar_kind { automatic, ten, hundred };

namespace detail {

inline constexpr std::size_t cifar_plane = 32 * 32;

inline std::size_t cifar_record(cifar_kind k) { return (k == cifar_kind::ten ? 1 : 2) + 3 * cifar_plane; }

/// Whether the size is one of whole records and no label is outside the classes.
inline bool cifar_fits(std::span<const std::byte> bytes, cifar_kind k) {
  const std::size_t record = cifar_record(k);
  if (bytes.empty() || bytes.size() % record != 0) return false;
  for (std::size_t at = 0; at < bytes.size(); at += record) {
    const int first = std::to_integer<int>(bytes[at]), second = std::to_integer<int>(bytes[at + 1]);
    if (k == cifar_kind::ten ? first > 9 : (first > 19 || second > 99)) return false;
  }
  return true;
}

}  // namespace detail

/// The kind of records a file of bytes holds, by its size and its labels.
/// errors  pretext[data.020] empty or no whole number of records
PRETEXT_COLD inline cifar_kind cifar_kind_of(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.empty()) throw_error("data.020", {name, ": the file is empty; CIFAR files hold records of 3073 or 3074 bytes"});
  for (const cifar_kind k : {cifar_kind::ten, cifar_kind::hundred})
    if (detail::cifar_fits(bytes, k)) return k;
  for (const cifar_kind k : {cifar_kind::ten, cifar_kind::hundred})
    if (bytes.size() % detail::cifar_record(k) == 0) return k;  // a label is wrong: parse_cifar says which
  throw_error("data.020", {name, ": ", bytes.size(),
      " bytes are no whole number of CIFAR records (3073 bytes each for CIFAR-10, 3074 for CIFAR-100); the file is cut off or of another format"});
}

/// Appends the records of a file to a store, channels interleaved.
/// errors  pretext[data.020] as above; [data.003] a label outside the classes
inline void parse_cifar(std::span<const std::byte> bytes, const std::string& name, cifar_kind kind, image_store& store) {
  if (kind == cifar_kind::automatic) kind = cifar_kind_of(bytes, name);
  const std::size_t record = detail::cifar_record(kind), plane = detail::cifar_plane;
  if (bytes.empty() || bytes.size() % record != 0)
    throw_error("data.020", {name, ": ", bytes.size(), " bytes are no whole number of records of ", record,
        " bytes; the file is cut off or of another format"});
  const int classes = kind == cifar_kind::ten ? 10 : 100;
  if (store.classes != 0 && store.classes != classes)
    throw_error("data.021", {name, ": holds CIFAR-", classes, " records, the files before it CIFAR-", store.classes, "; load them apart"});
  store.classes = classes;
  store.shape = {32, 32, 3};
  const std::size_t count = bytes.size() / record;
  store.pixels.reserve(store.pixels.size() + count * 3 * plane);
  store.labels.reserve(store.labels.size() + count);
  std::array<std::uint8_t, 3 * detail::cifar_plane> pixels;
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* from = bytes.data() + i * record;
    const int label = std::to_integer<int>(from[kind == cifar_kind::ten ? 0 : 1]);
    if (label >= classes)
      throw_error("data.003", {name, ": label ", label, " of image ", i, " is outside the ", classes,
          " classes; the file is damaged or of another format"});
    from += record - 3 * plane;
    for (std::size_t p = 0; p < plane; ++p)
      for (std::size_t c = 0; c < 3; ++c) pixels[3 * p + c] = std::to_integer<std::uint8_t>(from[c * plane + p]);
    store.pixels.insert(store.pixels.end(), pixels.begin(), pixels.end());
    store.labels.push_back(label);
  }
  store.count += static_cast<index_t>(count);
}

namespace detail {

/// Class names from the file the archive has beside the records, where it is there and names every class once.
PRETEXT_COLD inline std::vector<std::string> cifar_class_names(const std::string& folder, int classes) {
  const std::string path = io::path_in(folder, classes == 10 ? "batches.meta.txt" : "fine_label_names.txt");
  std::vector<std::string> out;
  if (std::int64_t bytes = 0; io::kind_of(path, &bytes) == io::path_kind::file && bytes < (1 << 16)) {
    std::string line;
    for (const std::byte b : io::read_file(path, 1u << 16)) {
      const char c = static_cast<char>(b);
      if (c == '\n' || c == '\r') {
        if (!line.empty()) out.push_back(std::exchange(line, {}));
      } else {
        line += c;
      }
    }
    if (!line.empty()) out.push_back(line);
  }
  if (out.size() != static_cast<std::size_t>(classes)) {
    out.clear();
    for (int c = 0; c < classes; ++c) out.push_back(std::to_string(c));
  }
  return out;
}

}  // namespace detail

/// Images from the bytes of one unpacked CIFAR file.
PRETEXT_COLD inline image_set cifar_from(std::span<const std::byte> bytes, const std::string& path,
                            cifar_kind kind = cifar_kind::automatic) {
  image_store store;
  parse_cifar(bytes, path, kind, store);
  store.source = path + " (CIFAR-" + std::to_string(store.classes) + ")";
  store.class_names = detail::cifar_class_names(io::folder_of(path), store.classes);
  return image_set(std::move(store));
}

/// Images of one or several CIFAR-10 or CIFAR-100 binary files, raw or packed with gzip, in the order given.
/// errors  pretext[data.020] size; [data.021] both kinds; [data.003] label outside the classes; [data.022] no file named
PRETEXT_COLD inline image_set cifar(std::span<const std::string> paths, cifar_kind kind = cifar_kind::automatic) {
  if (paths.empty()) throw_error("data.022", "cifar: no file was named; name at least one");
  image_store store;
  store.source = paths[0] + (paths.size() > 1 ? " and " + std::to_string(paths.size() - 1) + " more" : "");
  for (const std::string& path : paths) parse_cifar(view_of(io::read_maybe_gzip(path, io::default_max_bytes)), path, kind, store);
  append(store.source, {" (CIFAR-", store.classes, ")"});
  store.class_names = detail::cifar_class_names(io::folder_of(paths[0]), store.classes);
  return image_set(std::move(store));
}
PRETEXT_COLD inline image_set cifar(const std::string& path, cifar_kind kind = cifar_kind::automatic) {
  return cifar(std::span<const std::string>(&path, 1), kind);
}

/// The training and test files of a folder, by the standard names, each with or without .gz:
///   data_batch_<number>.bin; where there is none, train*.bin; where there is none, data_batch_*.bin
///   test_batch.bin, or test*.bin
struct cifar_files {
  std::vector<std::string> train;
  std::vector<std::string> test;
};
PRETEXT_COLD inline cifar_files find_cifar_files(const std::string& folder) {
  std::vector<std::string> numbered, named, other, test;
  for (const std::string& name : names::files_of(folder)) {
    const std::string plain = names::without_gz(name);
    if (!names::ends_with(plain, ".bin")) continue;
    const std::string path = io::path_in(folder, name);
    if (names::starts_with(plain, "data_batch_")) {
      const std::string_view number = std::string_view(plain).substr(11, plain.size() - 15);
      bool digits = !number.empty();
      for (const char c : number) digits = digits && c >= '0' && c <= '9';
      (digits ? numbered : other).push_back(path);
    } else if (names::starts_with(plain, "train")) {
      named.push_back(path);
    } else if (names::starts_with(plain, "test")) {
      test.push_back(path);
    }
  }
  // One family only: data_batch_* and train* beside each other are two copies of one training part, not two halves.
  return {!numbered.empty() ? numbered : !named.empty() ? named : other, test};
}

/// errors  pretext[data.023] no training file in it, or classes that differ between the parts
PRETEXT_COLD inline train_test cifar_folder(const std::string& folder) {
  const cifar_files files = find_cifar_files(folder);
  if (files.train.empty())
    throw_error("data.023", {folder, ": holds no CIFAR training file; expected data_batch_1.bin or train.bin, raw or .gz"});
  train_test out;
  out.train = cifar(view_of(files.train));
  if (!files.test.empty()) {
    out.test = cifar(view_of(files.test));
    if (out.test.classes() != out.train.classes())
      throw_error("data.023", {folder, ": the training files are CIFAR-", out.train.classes(), ", the test files CIFAR-",
          out.test.classes(), "; keep them apart"});
  }
  return out;
}

}  // namespace pretext::data
