// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace pretext::report::detail {

/// A copyable callable of one signature. Copies share the callable. Exists because <functional> costs every unit
/// that includes the library more compile time than these lines.
template <class Signature>
class erased;

template <class Result, class... Arguments>
class erased<Result(Arguments...)> {
 public:
  erased() = default;
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, erased> && std::is_invocable_r_v<Result, F&, Arguments...>)
  erased(F&& f) : held_(std::make_shared<holder<std::remove_cvref_t<F>>>(std::forward<F>(f))) {}

  explicit operator bool() const { return held_ != nullptr; }
  Result operator()(Arguments... arguments) const { return held_->call(std::forward<Arguments>(arguments)...); }

 private:
  struct base {
    base() = default;
    base(const base&) = delete;
    base& operator=(const base&) = delete;
    virtual ~base() = default;
    virtual Result call(Arguments... arguments) = 0;
  };
  template <class F>
  struct holder final : base {
    explicit holder(F f) : callable(std::move(f)) {}
    Result call(Arguments... arguments) override { return callable(std::forward<Arguments>(arguments)...); }
    F callable;
  };
  std::shared_ptr<base> held_;
};

}  // namespace pretext::report::detail
