// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// A callback is any object with some of
///   on_start(trainer, info)  on_step(trainer, report)  on_epoch(trainer, report)  on_end(trainer, report)
/// each with or without the trainer as first argument. Missing ones are skipped; a wrong signature of a present name is
/// an error of the compiler at the call.
namespace pretext::train {

/// What `fit` says before the first step.
struct start_info {
  std::uint64_t steps_total = 0;
  std::uint64_t steps_done = 0;  // above 0 after a resume
  std::uint64_t steps_per_epoch = 0;
  std::uint64_t epochs = 0;
  // The names logs and bars use for the same:
  std::uint64_t step = 0;
  std::uint64_t epoch = 0;
};

namespace detail {
template <class C, class Trainer, class Info>
void call_start(C& callback, Trainer& trainer, const Info& info) {
  if constexpr (requires { callback.on_start(trainer, info); })
    callback.on_start(trainer, info);
  else if constexpr (requires { callback.on_start(info); })
    callback.on_start(info);
}
template <class C, class Trainer, class Report>
void call_step(C& callback, Trainer& trainer, const Report& report) {
  if constexpr (requires { callback.on_step(trainer, report); })
    callback.on_step(trainer, report);
  else if constexpr (requires { callback.on_step(report); })
    callback.on_step(report);
}
template <class C, class Trainer, class Report>
void call_epoch(C& callback, Trainer& trainer, const Report& report) {
  if constexpr (requires { callback.on_epoch(trainer, report); })
    callback.on_epoch(trainer, report);
  else if constexpr (requires { callback.on_epoch(report); })
    callback.on_epoch(report);
}
template <class C, class Trainer, class Report>
void call_end(C& callback, Trainer& trainer, const Report& report) {
  if constexpr (requires { callback.on_end(trainer, report); })
    callback.on_end(trainer, report);
  else if constexpr (requires { callback.on_end(report); })
    callback.on_end(report);
}
}  // namespace detail

}  // namespace pretext::train
