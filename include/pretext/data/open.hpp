// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/view_of.hpp"
#include "../io/directory.hpp"
#include "../io/gzip.hpp"
#include "cifar.hpp"
#include "folder.hpp"
#include "idx.hpp"
#include "image_set.hpp"
#include "synthetic.hpp"

namespace pretext::data {

/// What a path holds.
enum class format { automatic, idx, cifar, folder, synthetic };

/// The format of a command line's word: auto, idx, cifar, folder, synthetic.
/// errors  pretext[data.040] another word
PRETEXT_COLD inline format format_named(std::string_view word) {
  if (word == "auto") return format::automatic;
  if (word == "idx") return format::idx;
  if (word == "cifar") return format::cifar;
  if (word == "folder") return format::folder;
  if (word == "synthetic") return format::synthetic;
  throw_error("data.040", {"\"", word, "\" is no format; use auto, idx, cifar, folder or synthetic"});
}

struct open_settings {
  data::format format = data::format::automatic;
  std::string test = {};  // the test part, where it is not in the same folder
  folder_settings folder = {};
  glyph_settings synthetic = {};
  index_t synthetic_test = 2000;
};

namespace detail {

/// The folder itself, or the one that the usual archives make inside it, where it holds files of the format.
PRETEXT_COLD inline std::string find_inside(const std::string& path, bool (*holds)(const std::string&)) {
  for (const char* inner : {"", "cifar-10-batches-bin", "cifar-100-binary", "raw", "MNIST/raw"}) {
    std::string candidate = *inner == 0 ? path : io::path_in(path, inner);
    if (io::kind_of(candidate) == io::path_kind::folder && holds(candidate)) return candidate;
  }
  return {};
}
PRETEXT_COLD inline bool holds_idx(const std::string& folder) {
  for (const std::string& name : names::files_of(folder))
    if (name.find("images") != std::string::npos && name.find("idx") != std::string::npos) return true;
  return false;
}
PRETEXT_COLD inline bool holds_cifar(const std::string& folder) { return !find_cifar_files(folder).train.empty(); }

/// A single file is IDX where its header is right, CIFAR where its size is; a CIFAR file may begin like an IDX file,
/// so the header alone does not decide.
PRETEXT_COLD inline format format_of_file(std::span<const std::byte> bytes, const std::string& path) {
  const auto begins = [&](unsigned a, unsigned b, unsigned c) {
    return bytes.size() >= 4 && std::to_integer<unsigned>(bytes[0]) == a && std::to_integer<unsigned>(bytes[1]) == b &&
           std::to_integer<unsigned>(bytes[2]) == c;
  };
  if (bytes.empty()) throw_error("data.041", {path, ": the file is empty; get it again"});
  if (io::image_kind_of(bytes) != io::image_kind::none)
    throw_error("data.041", {path, ": is a single image, which is no data set; name the folder it lies in"});
  const bool whole_records = bytes.size() % cifar_record(cifar_kind::ten) == 0 ||
                             bytes.size() % cifar_record(cifar_kind::hundred) == 0;
  if (begins(0, 0, 8)) {
    if (!whole_records) return format::idx;
    try {
      (void)parse_idx(bytes, path);
      return format::idx;
    } catch (const error&) {
      return format::cifar;
    }
  }
  if (whole_records) return format::cifar;
  throw_error("data.041", {path,
      ": neither IDX (begins with the bytes 0, 0, 8) nor CIFAR (whole records of 3073 or 3074 bytes); choose the format or name another file"});
}

PRETEXT_COLD inline train_test open_part(const std::string& path, format form, const open_settings& s) {
  const io::path_kind kind = io::kind_of(path);
  if (kind == io::path_kind::nothing) throw_error("data.041", {path, ": there is no such file or folder; check the path"});
  train_test out;
  if (kind != io::path_kind::folder) {
    if (form == format::folder) throw_error("data.041", {path, ": is a file, not a folder of images; name the folder"});
    const std::vector<std::byte> bytes = io::read_maybe_gzip(path, io::default_max_bytes);
    if (form == format::automatic) form = format_of_file(view_of(bytes), path);
    out.train = form == format::idx ? idx_from(view_of(bytes), path) : cifar_from(view_of(bytes), path);
    return out;
  }
  const std::string idx_path = form == format::automatic || form == format::idx ? find_inside(path, &holds_idx) : "";
  const std::string cifar_path = form == format::automatic || form == format::cifar ? find_inside(path, &holds_cifar) : "";
  if (!idx_path.empty() && !cifar_path.empty())
    throw_error("data.042", {path, ": holds both IDX and CIFAR files; choose the format"});
  if (!idx_path.empty() || form == format::idx) return idx_folder(idx_path.empty() ? path : idx_path);
  if (!cifar_path.empty() || form == format::cifar) return cifar_folder(cifar_path.empty() ? path : cifar_path);
  return folder_parts(path, s.folder);
}

}  // namespace detail

/// A training part and, where there is one, a test part: the format is found by looking, or given.
///   idx        a folder with files of the standard names, or an image file (labels beside it)
///   cifar      a folder with files of the standard names, or a file of records
///   folder     PNG and JPEG files; class folders; train/ and test/ in it, or not
///   synthetic  the embedded glyphs; the path is not looked at
/// errors  pretext[data.041] nothing known at the path; [data.042] two formats; [data.043] a test part with other
///         classes or channels than the training part; those of idx, cifar and folder
PRETEXT_COLD inline train_test open(const std::string& path, const open_settings& s = {}) {
  train_test out;
  if (s.format == format::synthetic || (s.format == format::automatic && path.empty())) {
    out.train = glyphs(s.synthetic);
    if (s.synthetic_test > 0) {
      glyph_settings rest = s.synthetic;
      rest.count = s.synthetic_test;
      rest.first = std::uint64_t{1} << 32;  // the same test part for every number of training images
      out.test = glyphs(rest);
    }
  } else {
    out = detail::open_part(path, s.format, s);
  }
  if (!s.test.empty()) {
    open_settings of_test = s;
    of_test.folder.class_names = out.train.class_names();
    of_test.folder.channels = out.train.shape(0).channels;
    train_test given = detail::open_part(s.test, s.format == format::synthetic ? format::automatic : s.format, of_test);
    out.test = given.has_test() ? std::move(given.test) : std::move(given.train);
  }
  if (out.has_test()) {
    const index_t a = out.train.shape(0).channels, b = out.test.shape(0).channels;
    if (a != b)
      throw_error("data.043", {out.test.source(), ": the test images have ", b, " channels, the training images ", a,
          "; use parts of one data set"});
    // A hundred classes and ten: CIFAR files of both kinds. An IDX test part may lack the last classes.
    const bool fewer = out.train.classes() == 100 && out.test.classes() == 10 && out.train.shape(0) == out.test.shape(0);
    if (out.train.classes() > 0 && (out.test.classes() > out.train.classes() || fewer))
      throw_error("data.043", {out.test.source(), ": the test part has ", out.test.classes(), " classes, the training part ",
          out.train.classes(), "; use parts of one data set"});
  }
  return out;
}
PRETEXT_COLD inline train_test open(const std::string& path, format f, const std::string& test = {}) {
  return open(path, open_settings{.format = f, .test = test});
}

}  // namespace pretext::data
