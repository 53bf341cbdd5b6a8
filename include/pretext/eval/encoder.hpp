// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "../augment/image/resize.hpp"
#include "../data/image_batch.hpp"
#include "feature_matrix.hpp"
#include "knn.hpp"
#include "linear_probe.hpp"

/// Evaluation of encoders on data sets: features first, then the measures on matrices.
namespace pretext::eval {

namespace detail {
/// The back end's thread pool as a loop, or none.
template <class Backend>
parallel_loop loop_of(Backend& be) {
  if constexpr (requires { be.pool(); })
    return parallel_loop(be.pool());
  else
    return {};
}
template <class Dataset>
std::vector<int> labels_of(const Dataset& data) {
  std::vector<int> labels(static_cast<std::size_t>(data.size()));
  bool any = false;
  for (index_t i = 0; i < data.size(); ++i) any = (labels[static_cast<std::size_t>(i)] = data.label(i)) >= 0 || any;
  if (!any) labels.clear();
  return labels;
}
}  // namespace detail

/// The features of every image of a set with its labels (none where the set has none).
/// shapes  (N, D), D = encoder.width()
template <class Encoder, class Dataset>
feature_matrix features(const Encoder& encoder, const Dataset& data) {
  return {encoder.embed(data), data.size(), encoder.width(), detail::labels_of(data)};
}

/// Raw pixels in [0, 1], resized where sizes differ: the baseline every encoder has to beat.
template <class Dataset>
feature_matrix pixels(const Dataset& data, augment::image_size size) {
  feature_matrix m{{}, data.size(), size.size(), detail::labels_of(data)};
  m.values.resize(static_cast<std::size_t>(m.rows * m.columns));
  data::image_batch batch;
  std::vector<index_t> ids;
  std::vector<float> scratch;
  for (index_t first = 0; first < data.size(); first += 256) {
    ids.clear();
    for (index_t i = first; i < std::min(first + 256, data.size()); ++i) ids.push_back(i);
    data.gather(ids, batch);
    for (index_t i = 0; i < batch.size(); ++i) {
      const auto& source = batch.images[static_cast<std::size_t>(i)];
      const image_view<float> out{m.values.data() + (first + i) * m.columns, size.height, size.width, size.channels};
      if (augment::size_of(source) == size) {
        augment::convert(source, out);
      } else {
        scratch.resize(static_cast<std::size_t>(augment::resize{}.scratch_floats(augment::size_of(source), size)));
        augment::context memory{scratch};
        augment::check_images(augment::size_of(source), size);
        augment::resize{}.apply(memory, augment::resize::record{}, source, out);
      }
    }
  }
  return m;
}

/// Linear probe of a frozen encoder; see linear_probe on features.
///   auto quality = px::eval::linear_probe(trainer.encoder(), labelled_train, labelled_test);   quality.accuracy
template <class Encoder, class Dataset>
  requires requires(const Encoder& e) { e.width(); }
probe_result linear_probe(const Encoder& encoder, const Dataset& train, const Dataset& test, probe_options options = {}) {
  if (options.classes == 0) options.classes = train.classes();
  return linear_probe(features(encoder, train), features(encoder, test), options, detail::loop_of(encoder.backend()));
}

/// k-nearest-neighbour classification with a frozen encoder; see knn on features.
template <class Encoder, class Dataset>
  requires requires(const Encoder& e) { e.width(); }
knn_result knn(const Encoder& encoder, const Dataset& train, const Dataset& test, knn_options options = {}) {
  if (options.classes == 0) options.classes = train.classes();
  return knn(features(encoder, train), features(encoder, test), options, detail::loop_of(encoder.backend()));
}

}  // namespace pretext::eval
