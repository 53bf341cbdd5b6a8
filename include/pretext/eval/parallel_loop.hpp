// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <type_traits>

#include "../core/index.hpp"

namespace pretext::eval {

/// A `void(index_t)` body, borrowed for the length of one call. It owns nothing and copies for free.
class loop_body {
 public:
  template <class F>
    requires(std::is_object_v<std::remove_reference_t<F>> && !std::is_same_v<std::remove_cvref_t<F>, loop_body>)
  loop_body(F&& f) noexcept
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))), call_([](void* object, index_t i) {
          (*static_cast<std::remove_reference_t<F>*>(object))(i);
        }) {}

  void operator()(index_t i) const { call_(object_, i); }

 private:
  void* object_;
  void (*call_)(void*, index_t);
};

/// How an evaluation runs independent pieces of work: any callable f(n, body) that calls body(0) ... body(n-1), in any
/// order and on any threads, and returns when all are done, or an object with such a parallel_for(n, body), as thread_pool.
/// Borrowed like a string_view. Without one the pieces run here, one after the other.
///   eval::knn(train, test, {}, pool)
/// repeat  what the pieces are depends on sizes only, so results have the same bits for every loop and thread count
class parallel_loop {
 public:
  parallel_loop() = default;
  template <class F>
    requires(std::is_object_v<std::remove_reference_t<F>> && !std::is_same_v<std::remove_cvref_t<F>, parallel_loop>)
  parallel_loop(F&& f) noexcept
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, index_t n, loop_body body) {
          auto& loop = *static_cast<std::remove_reference_t<F>*>(object);
          if constexpr (requires { loop.parallel_for(n, body); })
            loop.parallel_for(n, body);
          else
            loop(n, body);
        }) {}

  void operator()(index_t n, loop_body body) const {
    if (call_ != nullptr && n > 1) {
      call_(object_, n, body);
    } else {
      for (index_t i = 0; i < n; ++i) body(i);
    }
  }

 private:
  void* object_ = nullptr;
  void (*call_)(void*, index_t, loop_body) = nullptr;
};

}  // namespace pretext::eval
