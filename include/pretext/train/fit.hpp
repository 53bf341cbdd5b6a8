// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "../concepts/dataset.hpp"
#include "../data/image_batch.hpp"
#include "../data/loader.hpp"
#include "../data/sampler.hpp"
#include "callbacks.hpp"

namespace pretext::train {

namespace detail {
/// Largest height and width of a set of images, and its channels.
struct image_bounds {
  index_t height = 0, width = 0, channels = 0;
};
template <class Dataset>
image_bounds bounds_of(const Dataset& data) {
  image_bounds b;
  for (index_t i = 0; i < data.size(); ++i) {
    const auto s = data.shape(i);
    b.height = s.height > b.height ? s.height : b.height;
    b.width = s.width > b.width ? s.width : b.width;
    b.channels = s.channels > b.channels ? s.channels : b.channels;
  }
  return b;
}
/// The pixels of a set where a trainer works, as long as this lives.
template <class Trainer>
struct held_set {
  static constexpr bool apart = requires { requires Trainer::own_memory; };
  Trainer& trainer;
  template <class Dataset>
  held_set(Trainer& t, [[maybe_unused]] const Dataset& data) : trainer(t) {
    if constexpr (apart && requires { data.pixels().data(); })
      if (data.pixels().size() > 0 && data.pixels().size() <= Trainer::resident_bytes) t.hold(data.pixels().data(), data.pixels().size());
  }
  ~held_set() {
    if constexpr (apart) trainer.let_go();
  }
};
}  // namespace detail

/// Runs a trainer over a data set of images for settings().epochs: a loop over `trainer.step(batch)` with batches
/// gathered ahead by another thread. Continues where a resumed trainer stands.
/// errors  pretext[data.090] a batch larger than the data set; pretext[train.101] images of another number of channels
/// memory  where the back end has memory of its own, a set with `pixels()` of up to trainer.resident_bytes bytes is copied there once
/// repeat  batches are a function of (seed, epoch); they do not depend on threads or on resuming
template <class Trainer, class Dataset, class... Callbacks>
void fit(Trainer& trainer, const Dataset& data, Callbacks&&... callbacks) {
  static_assert(concepts::explain_dataset<Dataset, data::image_batch>());
  const auto& settings = trainer.settings();
  const int ranks = trainer.comm().size();
  data::epoch_sampler sampler(data.size(), {.batch_size = settings.batch_size * ranks,
                                            .seed = trainer.seed(),
                                            .rank = trainer.comm().rank(),
                                            .ranks = ranks});
  const auto per_epoch = static_cast<std::uint64_t>(sampler.batches_per_epoch());
  const std::uint64_t total = per_epoch * settings.epochs;
  if constexpr (requires { data.shape(0); trainer.family().source_size(); }) {
    const auto largest = detail::bounds_of(data);
    const auto planned = trainer.family().source_size();
    if (largest.channels != planned.channels)
      throw_error("train.101", {"the images have ", largest.channels, " channels and the network takes ", planned.channels,
          "; name another `input` in the recipe or convert the images"});
    if (largest.height > planned.height || largest.width > planned.width) {
      trainer.family().set_source_size(largest.height, largest.width);
      trainer.plan(trainer.planned_batch());
    }
  }
  [[maybe_unused]] const detail::held_set<Trainer> held(trainer, data);
  trainer.set_steps_total(total);
  trainer.start_clock();
  trainer.stop(false);
  const std::uint64_t done = trainer.steps_done();
  [[maybe_unused]] const start_info info{.steps_total = total, .steps_done = done, .steps_per_epoch = per_epoch, .epochs = settings.epochs,
                                         .step = done, .epoch = per_epoch == 0 ? 0 : done / per_epoch};
  (detail::call_start(callbacks, trainer, info), ...);
  if (done < total && !trainer.stopped()) {
    data::prefetching_loader loader(data, sampler, static_cast<index_t>(done), static_cast<index_t>(total));
    while (const data::image_batch* batch = loader.next()) {
      const std::uint64_t epoch = trainer.steps_done() / per_epoch;
      trainer.set_epoch(epoch, settings.epochs);
      const auto& report = trainer.step(Trainer::family_type::batch_of(*batch));
      (detail::call_step(callbacks, trainer, report), ...);
      if (trainer.steps_done() % per_epoch == 0) {
        trainer.read_report();
        (detail::call_epoch(callbacks, trainer, report), ...);
      }
      if (trainer.stopped()) break;
    }
  }
  trainer.read_report();
  (detail::call_end(callbacks, trainer, trainer.report()), ...);
}

}  // namespace pretext::train
