// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <type_traits>

/// A callback is any object with some of
///   on_start(trainer, info)  on_step(trainer, report)  on_epoch(trainer, report)  on_end(trainer, report)
/// each with or without the trainer as first argument. Missing ones are skipped; a name that is there and takes neither is a
/// sentence of the compiler, pretext[train.102]. docs/policies/callback.md: write your own.
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
/// Whether a class has a member of a name, whatever it takes, also as a template or an overload: beside a second one from another
/// base the name becomes ambiguous. Nothing can be derived from a final class, so of it this does not ask.
struct callback_names {
  void on_start();
  void on_step();
  void on_epoch();
  void on_end();
};
template <class C, bool = std::is_class_v<C> && !std::is_final_v<C>>
struct callback_name_clash : callback_names {};
template <class C>
struct callback_name_clash<C, true> : C, callback_names {};

template <class C, class Trainer, class Info>
void call_start(C& callback, Trainer& trainer, const Info& info) {
  if constexpr (requires { callback.on_start(trainer, info); })
    callback.on_start(trainer, info);
  else if constexpr (requires { callback.on_start(info); })
    callback.on_start(info);
  else
    static_assert(requires { &callback_name_clash<C>::on_start; },
                  "pretext[train.102] the callback's on_start takes neither (trainer, start_info) nor (start_info); see "
                  "docs/policies/callback.md#on_start");
}
template <class C, class Trainer, class Report>
void call_step(C& callback, Trainer& trainer, const Report& report) {
  if constexpr (requires { callback.on_step(trainer, report); })
    callback.on_step(trainer, report);
  else if constexpr (requires { callback.on_step(report); })
    callback.on_step(report);
  else
    static_assert(requires { &callback_name_clash<C>::on_step; },
                  "pretext[train.102] the callback's on_step takes neither (trainer, step_report) nor (step_report); see "
                  "docs/policies/callback.md#on_step");
}
template <class C, class Trainer, class Report>
void call_epoch(C& callback, Trainer& trainer, const Report& report) {
  if constexpr (requires { callback.on_epoch(trainer, report); })
    callback.on_epoch(trainer, report);
  else if constexpr (requires { callback.on_epoch(report); })
    callback.on_epoch(report);
  else
    static_assert(requires { &callback_name_clash<C>::on_epoch; },
                  "pretext[train.102] the callback's on_epoch takes neither (trainer, step_report) nor (step_report); see "
                  "docs/policies/callback.md#on_epoch");
}
template <class C, class Trainer, class Report>
void call_end(C& callback, Trainer& trainer, const Report& report) {
  if constexpr (requires { callback.on_end(trainer, report); })
    callback.on_end(trainer, report);
  else if constexpr (requires { callback.on_end(report); })
    callback.on_end(report);
  else
    static_assert(requires { &callback_name_clash<C>::on_end; },
                  "pretext[train.102] the callback's on_end takes neither (trainer, step_report) nor (step_report); see "
                  "docs/policies/callback.md#on_end");
}
}  // namespace detail

}  // namespace pretext::train
