// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "../core/view_of.hpp"
#include "../config.hpp"
#include "../augment/views.hpp"
#include "../eval/encoder.hpp"
#include "../eval/pca.hpp"
#include "document.hpp"
#include "picture.hpp"

/// Parts of a report that are computed from data: views with what was drawn for them, a map of embeddings, neighbours.
namespace pretext::report {

namespace detail {
/// The crop box of a chain's record, where the chain has such a step first.
template <class Record>
bool crop_of(const Record& record, augment::box& out) {
  if constexpr (requires { record.first.part; }) {
    out = record.first.part;
    return true;
  } else {
    return false;
  }
}
template <class Dataset>
std::string label_name(const Dataset& data, int label) {
  if (label < 0) return {};
  const auto& names = data.class_names();
  return static_cast<std::size_t>(label) < names.size() && !names[static_cast<std::size_t>(label)].empty()
             ? names[static_cast<std::size_t>(label)]
             : std::to_string(label);
}
/// n indices spread over a set.
PRETEXT_COLD inline std::vector<index_t> spread(index_t size, index_t n) {
  std::vector<index_t> some;
  for (index_t i = 0; i < n && n <= size; ++i) some.push_back(i * size / n);
  return some;
}
}  // namespace detail

/// Source images and the views a trainer makes of them in epoch 0, each crop drawn on its source.
template <class Views, class Dataset>
image_grid view_grid(const Views& views, const Dataset& data, augment::image_size input, std::uint64_t seed, index_t samples = 8) {
  image_grid grid;
  grid.title = "Views";
  grid.text = "Each source image with the views made of it in the first epoch; boxes mark what was cut out.";
  data::image_batch batch;
  data.gather(detail::spread(data.size(), std::min(samples, data.size())), batch);
  for (std::size_t s = 0; s < batch.images.size(); ++s) {
    const auto source = batch.images[s];
    std::vector<image_cell> row;
    row.push_back({to_picture(source), "source", {}, -1});
    int colour = 0;
    const auto group = [&]<int G>(std::integral_constant<int, G>) {
      const augment::image_size size = Views::size(G, input);
      std::vector<float> scratch(static_cast<std::size_t>(views.scratch_floats(augment::size_of(source), input)));
      std::vector<float> pixels(static_cast<std::size_t>(size.size()));
      for (int v = 0; v < Views::count(G); ++v, ++colour) {
        augment::context memory{scratch};
        const image_view<float> out{pixels.data(), size.height, size.width, size.channels};
        const auto record = views.template write<G>(memory, rng::key{.seed = seed, .sample = batch.ids[s]}, v, source, out);
        augment::box crop;
        if (detail::crop_of(record, crop))
          row.front().boxes.push_back({static_cast<double>(crop.left), static_cast<double>(crop.top), static_cast<double>(crop.width),
                                       static_cast<double>(crop.height), colour, "view " + std::to_string(colour + 1)});
        row.push_back({to_picture(image_view<const float>(out)), "view " + std::to_string(colour + 1), {}, colour});
      }
    };
    [&]<int... G>(std::integer_sequence<int, G...>) {
      (group(std::integral_constant<int, G>{}), ...);
    }(std::make_integer_sequence<int, Views::group_count>{});
    grid.groups.push_back(std::move(row));
  }
  return grid;
}

/// The first two principal components of feature rows, at most `points` of them.
PRETEXT_COLD inline scatter embedding_map(const eval::feature_view& h, const std::vector<std::string>& class_names, index_t points = 2000) {
  scatter map;
  map.title = "Embeddings";
  map.x_label = "principal component 1";
  map.y_label = "principal component 2";
  map.label_names = class_names;
  const eval::feature_matrix some = eval::take_rows(h, view_of(detail::spread(h.rows, std::min(points, h.rows))));
  if (some.rows < 3 || some.columns < 2) return map;
  const eval::feature_matrix at = eval::pca(some, 2).project(some);
  for (index_t i = 0; i < at.rows; ++i) {
    map.x.push_back(static_cast<double>(at.values[static_cast<std::size_t>(2 * i)]));
    map.y.push_back(static_cast<double>(at.values[static_cast<std::size_t>(2 * i + 1)]));
  }
  map.labels = at.labels;
  return map;
}

/// Some test images and the training images whose features are nearest by cosine similarity.
template <class Dataset>
neighbour_rows neighbours(const Dataset& train, const eval::feature_view& train_features, const Dataset& test,
                          const eval::feature_view& test_features, index_t queries = 8, index_t k = 8) {
  neighbour_rows out;
  out.title = "Nearest neighbours";
  out.text = "Test images and the training images the encoder finds most similar.";
  const auto chosen = detail::spread(test.size(), std::min(queries, test.size()));
  if (chosen.empty() || train.size() < k) return out;
  const eval::feature_matrix asked = eval::take_rows(test_features, chosen);
  const eval::neighbour_table near = eval::cosine_index(train_features).nearest(asked, k);
  data::image_batch query, found;
  test.gather(chosen, query);
  for (std::size_t q = 0; q < chosen.size(); ++q) {
    neighbour_row row{to_picture(query.images[q]), detail::label_name(test, test.label(chosen[q])), {}};
    const std::vector<index_t> ids(near.index.begin() + static_cast<index_t>(q) * k, near.index.begin() + static_cast<index_t>(q + 1) * k);
    train.gather(ids, found);
    for (std::size_t n = 0; n < ids.size(); ++n)
      row.found.push_back({to_picture(found.images[n]), detail::label_name(train, train.label(ids[n])),
                           static_cast<double>(near.similarity[q * static_cast<std::size_t>(k) + n])});
    out.rows.push_back(std::move(row));
  }
  return out;
}

}  // namespace pretext::report
