// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/image.hpp"
#include "../core/index.hpp"
#include "../core/view_of.hpp"
#include "image_batch.hpp"

namespace pretext::data {

/// Height, width and channels of one image.
struct image_shape {
  index_t height = 0;
  index_t width = 0;
  index_t channels = 0;

  constexpr index_t size() const { return height * width * channels; }
  constexpr bool operator==(const image_shape&) const = default;
};

/// A file that was left out, and why.
struct skipped_file {
  std::string path;
  std::string reason;
};

/// The pixels and labels behind one or more image_sets; filled once by a reader, then never changed.
struct image_store {
  static constexpr std::size_t not_resident = std::numeric_limits<std::size_t>::max();

  image_shape shape{};                // of every image, where `shapes` is empty
  index_t count = 0;                  // images
  std::vector<std::uint8_t> pixels;   // (H, W, C) after (H, W, C)
  std::vector<image_shape> shapes;    // one an image where sizes differ or files are decoded on demand, else empty
  std::vector<std::size_t> offsets;   // with `shapes`: into pixels, or not_resident
  std::vector<std::string> paths;     // one an image where it has a file of its own, else empty
  std::vector<int> labels;            // one an image, -1 = none; empty = none at all
  std::vector<std::string> class_names;  // classes without a name are called by their number
  int classes = 0;
  std::vector<skipped_file> skipped;
  std::string source;
  /// Decodes one file again into `into`; throws where it no longer has the shape it had.
  void (*decode)(const std::string& path, const image_shape& expected, std::vector<std::uint8_t>& into) = nullptr;
};

/// Images in memory (bytes, channels interleaved), of one size or of many, with or without labels. A small handle:
/// copies and subsets share the pixels. Beyond a memory limit a folder's files are decoded again when they are gathered.
/// repeat  a sample's id is its number in the whole set, so it is the same in every subset
/// threads any number may read at once
/// errors  pretext[data.001] index outside; [data.002] labels and images differ in number; [data.003] a label outside
///         the classes; [data.004] image not in memory; [data.005] image of no pixels
class image_set {
 public:
  image_set() : store_(std::make_shared<const image_store>()) {}

  PRETEXT_COLD explicit image_set(image_store&& store) {
    check(store);
    for (int c = static_cast<int>(store.class_names.size()); c < store.classes; ++c)
      store.class_names.emplace_back() = joined({c});
    count_ = store.count;
    store_ = std::make_shared<const image_store>(std::move(store));
    note_labels();
  }

  index_t size() const { return count_; }
  bool empty() const { return count_ == 0; }

  /// The class of image i, -1 where it has none.
  int label(index_t i) const {
    const index_t r = row(i);
    return store_->labels.empty() ? -1 : store_->labels[static_cast<std::size_t>(r)];
  }
  /// The image's number in the whole set.
  std::uint64_t id(index_t i) const { return static_cast<std::uint64_t>(row(i)); }
  image_shape shape(index_t i) const { return shape_of(row(i)); }
  /// True where all images have one size; false for an empty set.
  bool uniform() const {
    if (count_ == 0) return false;
    if (store_->shapes.empty()) return true;
    const image_shape first = shape(0);
    for (index_t i = 1; i < count_; ++i)
      if (shape(i) != first) return false;
    return true;
  }
  /// Whether image(i) needs no decoding.
  bool resident(index_t i) const { return offset_of(row(i)) != image_store::not_resident; }

  /// All pixels in memory behind this set and those it shares them with, in one piece; images that are not resident lie elsewhere.
  std::span<const std::uint8_t> pixels() const { return pretext::view_of(store_->pixels); }

  /// A view of an image in memory, valid as long as any set that shares it.
  image_view<const std::uint8_t> image(index_t i) const {
    const index_t r = row(i);
    if (offset_of(r) == image_store::not_resident)
      throw_error("data.004", {store_->paths[static_cast<std::size_t>(r)],
          ": this image is decoded on demand; use gather, or image(i, scratch)"});
    return view_of(r);
  }
  /// The same, decoded into `scratch` where the image is not in memory.
  image_view<const std::uint8_t> image(index_t i, std::vector<std::uint8_t>& scratch) const {
    const index_t r = row(i);
    return offset_of(r) != image_store::not_resident ? view_of(r) : decoded(r, scratch);
  }

  /// Number of classes, 0 without labels. A class need not have images in a subset.
  int classes() const { return store_->classes; }
  const std::vector<std::string>& class_names() const { return store_->class_names; }
  /// Whether every image has a label.
  bool labelled() const { return labelled_; }
  const std::vector<skipped_file>& skipped() const { return store_->skipped; }
  /// Where it came from, in words.
  const std::string& source() const { return store_->source; }
  /// The file of image i, or an empty text.
  std::string path(index_t i) const {
    const index_t r = row(i);
    return store_->paths.empty() ? std::string() : store_->paths[static_cast<std::size_t>(r)];
  }

  /// The chosen images, in the order given; repeats are allowed.
  PRETEXT_COLD image_set subset(std::span<const index_t> ids) const {
    auto rows = std::make_shared<std::vector<index_t>>();
    rows->reserve(ids.size());
    for (const index_t i : ids) rows->push_back(row(i));
    image_set out;
    out.store_ = store_;
    out.count_ = static_cast<index_t>(rows->size());
    out.rows_ = std::move(rows);
    out.note_labels();
    return out;
  }
  /// The first n images (all where there are fewer).
  PRETEXT_COLD image_set first(index_t n) const {
    std::vector<index_t> ids;
    for (index_t i = 0; i < n && i < count_; ++i) ids.push_back(i);
    return subset(pretext::view_of(ids));
  }

  /// Fills `out` with the images of `ids`; allocates nothing once out has grown, decoders excepted.
  void gather(std::span<const index_t> ids, image_batch& out) const {
    out.images.resize(ids.size());
    out.ids.resize(ids.size());
    out.labels.resize(ids.size());
    std::size_t slots = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const index_t r = row(ids[i]);
      if (offset_of(r) != image_store::not_resident) {
        out.images[i] = view_of(r);
      } else {
        if (slots == out.storage.size()) out.storage.emplace_back();
        out.images[i] = decoded(r, out.storage[slots++]);
      }
      out.ids[i] = static_cast<std::uint64_t>(r);
      out.labels[i] = store_->labels.empty() ? -1 : store_->labels[static_cast<std::size_t>(r)];
    }
  }

 private:
  index_t row(index_t i) const {
    if (i < 0 || i >= count_)
      throw_error("data.001", {"image ", i, " was asked of a set of ", count_, " images; use an index from 0 to size() - 1"});
    return rows_ ? (*rows_)[static_cast<std::size_t>(i)] : i;
  }
  image_shape shape_of(index_t r) const {
    return store_->shapes.empty() ? store_->shape : store_->shapes[static_cast<std::size_t>(r)];
  }
  std::size_t offset_of(index_t r) const {
    return store_->shapes.empty() ? static_cast<std::size_t>(r * store_->shape.size())
                                  : store_->offsets[static_cast<std::size_t>(r)];
  }
  image_view<const std::uint8_t> view_of(index_t r) const {
    const image_shape s = shape_of(r);
    return {store_->pixels.data() + offset_of(r), s.height, s.width, s.channels};
  }
  image_view<const std::uint8_t> decoded(index_t r, std::vector<std::uint8_t>& into) const {
    const image_shape s = shape_of(r);
    store_->decode(store_->paths[static_cast<std::size_t>(r)], s, into);
    return {into.data(), s.height, s.width, s.channels};
  }
  PRETEXT_COLD void note_labels() {
    labelled_ = count_ > 0 && !store_->labels.empty();
    for (index_t i = 0; labelled_ && i < count_; ++i) labelled_ = label(i) >= 0;
  }

  PRETEXT_COLD static void check(const image_store& s) {
    const auto n = static_cast<std::size_t>(s.count);
    if (!s.labels.empty() && s.labels.size() != n)
      throw_error("data.002", {s.source, ": ", s.labels.size(), " labels for ", s.count, " images; give one label an image, or none"});
    for (std::size_t i = 0; i < s.labels.size(); ++i)
      if (s.labels[i] < -1 || s.labels[i] >= s.classes)
        throw_error("data.003", {s.source, ": label ", s.labels[i], " of image ", i, " is outside the ", s.classes,
            " classes; correct the labels or the number of classes"});
    for (std::size_t i = 0; i < (s.shapes.empty() ? std::size_t{1} : n) && n > 0; ++i) {
      const image_shape shape = s.shapes.empty() ? s.shape : s.shapes[i];
      if (shape.height < 1 || shape.width < 1 || shape.channels < 1)
        throw_error("data.005", {s.source, ": image ", i, " is ", shape.height, " x ", shape.width, " x ", shape.channels,
            ", which is no pixels at all; leave it out"});
    }
  }

  std::shared_ptr<const image_store> store_;
  std::shared_ptr<const std::vector<index_t>> rows_;  // null = all, in order
  index_t count_ = 0;
  bool labelled_ = false;
};

/// A training part and, where the source has one, a test part.
struct train_test {
  image_set train;
  image_set test;  // empty where there is none
  bool has_test() const { return !test.empty(); }
};

}  // namespace pretext::data
