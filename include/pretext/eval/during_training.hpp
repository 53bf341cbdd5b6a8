// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "encoder.hpp"

namespace pretext::eval {

/// One measurement of an encoder that is being trained.
struct probe_point {
  std::uint64_t epoch = 0;
  double accuracy = 0;
};

/// A callback that measures the encoder by k-NN every `every_epochs` epochs, on labelled images that take no part in the
/// training: `measured(point)` is called with each result, and all are kept in points().
///   eval::knn_during_training watch(train, test, 5, [&](eval::probe_point p) { page.point("k-NN", p.epoch, p.accuracy); });
///   trainer.fit(images, watch);
/// The sets must outlive the callback. errors  those of knn, at the first measurement
/// cost    embeds both sets; a few thousand images are enough to see a curve
template <class Dataset, class Measured>
class knn_during_training {
 public:
  knn_during_training(const Dataset& train, const Dataset& test, std::uint64_t every_epochs, Measured measured)
      : train_(&train), test_(&test), every_(every_epochs < 1 ? 1 : every_epochs), measured_(std::move(measured)) {}

  template <class Trainer, class Report>
  void on_epoch(Trainer& trainer, const Report& report) {
    if (report.epoch % every_ != 0) return;
    points_.push_back({report.epoch, knn(trainer.encoder(), *train_, *test_).accuracy});
    measured_(points_.back());
  }
  const std::vector<probe_point>& points() const { return points_; }

 private:
  const Dataset* train_;
  const Dataset* test_;
  std::uint64_t every_;
  Measured measured_;
  std::vector<probe_point> points_;
};

}  // namespace pretext::eval
