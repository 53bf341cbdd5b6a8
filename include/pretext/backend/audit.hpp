// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../core/list.hpp"
#include "../core/text.hpp"
#include "ops.hpp"
#include "reference/reference.hpp"

namespace pretext::backend {

namespace detail {

/// Heap memory of one audited op: copies of its arguments. Reused from op to op.
class audit_store {
 public:
  void reset() { used_ = 0; }
  template <class T>
  T* take(index_t size) {
    std::vector<std::byte>& block = used_ == blocks_.size() ? blocks_.add() : blocks_[used_];
    ++used_;
    block.resize(static_cast<std::size_t>(size) * sizeof(T) + 64);
    const auto address = reinterpret_cast<std::uintptr_t>(block.data());
    return reinterpret_cast<T*>(block.data() + ((64 - address % 64) % 64));
  }

 private:
  list<std::vector<std::byte>> blocks_;
  std::size_t used_ = 0;
};

template <class T>
using widened = std::conditional_t<std::is_same_v<master_t<T>, float>, double, T>;

template <class T>
tensor_view<T> view_of(const tensor_view<T>& v) {
  return v;
}

/// Memory that an op writes, and a copy of what was there before (or, between two runs, of B's result).
struct written {
  std::byte* data;
  std::byte* saved;
  std::size_t bytes;
};

/// The larger of max|d| / max|ref| and |d|_2 / |ref|_2; not finite where only one of both is.
template <class T, class U>
double relative_distance(const T* a, const U* reference, index_t n) {
  double worst = 0, largest = 0, squares = 0, reference_squares = 0;
  for (index_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(a[i]), r = static_cast<double>(reference[i]);
    if (x == r || (std::isnan(x) && std::isnan(r))) {
      if (std::isfinite(r)) {
        largest = std::max(largest, std::fabs(r));
        reference_squares += r * r;
      }
      continue;
    }
    const double d = std::fabs(x - r);
    if (!std::isfinite(d)) return HUGE_VAL;
    worst = std::max(worst, d);
    largest = std::max(largest, std::fabs(r));
    squares += d * d;
    reference_squares += r * r;
  }
  if (largest == 0) return worst;
  return std::max(worst / largest, std::sqrt(squares / reference_squares));
}

inline std::string size_text(const extents& e) {
  std::string s = "(";
  for (int i = 0; i < e.rank; ++i) append(s, {(i > 0 ? ", " : ""), e[i]});
  return joined({s, ")"});
}

}  // namespace detail

/// Runs every op twice, on B and on Ref in double precision, and remembers the first whose outputs differ by more than is
/// allowed: 1e-5 for float (what the precision allows where products round), 5e-3 for bfloat16, 1e-10 for double, equal for
/// integers. B's results are kept, so a training run is B's own.
///   backend::audit<backend::simd<>> be; trainer<my_recipe, decltype(be)> t({}, be); t.step(batch); be.first_failure()
/// A sum that cancels has no exact digits left in float on any back end: where the limit is passed, Ref runs once more in
/// the op's own precision (rounding what the op may round), and only an error eight times larger than its own counts.
/// cost    several times Ref's; copies on the heap. for_each_sample runs on B alone: it calls the same code on all back ends
template <class B, class Ref = reference>
class audit : public B {
 public:
  using B::B;
  static constexpr const char* name = "audit";

  template <class Op, class... A>
  void run(Op op, workspace& memory, A&&... a) {
    if constexpr (std::is_same_v<Op, op::for_each_sample_op>) {
      B::run(op, memory, a...);
    } else {
      store_.reset();
      outputs_.clear();
      auto wide = std::tuple<decltype(widen(a))...>{widen(a)...};
      B::run(op, memory, a...);
      run_reference(op, memory, wide, std::index_sequence_for<A...>{});
      const measured own = distance<Op>(wide, std::index_sequence_for<A...>{}, a...);
      double of_reference = 0;
      if (!(own.share() <= 1)) {
        swap_outputs();
        ref_.run(op, memory, rounded<Op>(a)...);
        of_reference = distance<Op>(wide, std::index_sequence_for<A...>{}, a...).share();
        for (auto& w : outputs_) std::memcpy(w.data, w.saved, w.bytes);  // B's results again
      }
      ++checked_;
      if (!(own.share() <= 1 || own.share() <= 8 * of_reference)) note<Op>(own, a...);
    }
  }
  /// B and Ref run one after the other, Ref on numbers twice as wide.
  template <class Op, class... A>
  std::size_t scratch_bytes(Op op, const A&... a) const {
    const std::size_t own = B::scratch_bytes(op, a...);
    std::size_t other = 0;
    if constexpr (requires { Ref::scratch_bytes(op, a...); })
      other = Ref::scratch_bytes(op, a...);
    else
      other = ref_.scratch_bytes(op, a...);
    return std::max(own, 2 * other);
  }

  index_t checked() const { return checked_; }
  index_t failures() const { return failures_; }
  /// "conv2d (8, 14, 14, 32) (1, 3, 3, 32, 64) ...: argument 4 is off by 1.2e-03, allowed 1.0e-05"; empty: all was well.
  const std::string& first_failure() const { return first_failure_; }

 private:
  // A writable view is an output, a mutable pointer one written number or record; everything else is read.
  template <class A>
  auto widen(const A& a) {
    if constexpr (requires { detail::view_of(a); }) {
      return widen_view(detail::view_of(a));
    } else if constexpr (std::is_pointer_v<A> && !std::is_const_v<std::remove_pointer_t<A>>) {
      if (a == nullptr) return a;
      save(a, sizeof(*a));
      A copy = store_.take<std::remove_pointer_t<A>>(1);
      std::memcpy(copy, a, sizeof(*a));
      return copy;
    } else {
      return a;
    }
  }
  template <class T>
  auto widen_view(const tensor_view<T>& v) {
    using value = std::remove_const_t<T>;
    using wide = std::conditional_t<std::is_const_v<T>, const detail::widened<value>, detail::widened<value>>;
    if (v.data == nullptr) return tensor_view<wide>{nullptr, v.shape};
    if constexpr (!std::is_const_v<T>) save(v.data, static_cast<std::size_t>(v.size()) * sizeof(T));
    return tensor_view<wide>{convert<detail::widened<value>>(v), v.shape};
  }
  template <class W, class T>
  W* convert(const tensor_view<T>& v) {
    W* to = store_.take<W>(v.size());
    for (index_t i = 0; i < v.size(); ++i) to[i] = static_cast<W>(v.data[i]);
    return to;
  }
  void save(void* data, std::size_t bytes) {
    detail::written w{static_cast<std::byte*>(data), store_.take<std::byte>(static_cast<index_t>(bytes)), bytes};
    std::memcpy(w.saved, w.data, bytes);
    outputs_.push_back(w);
  }
  /// Originals back to their places, B's results aside.
  void swap_outputs() {
    for (auto& w : outputs_) {
      std::byte* result = store_.take<std::byte>(static_cast<index_t>(w.bytes));
      std::memcpy(result, w.data, w.bytes);
      std::memcpy(w.data, w.saved, w.bytes);
      w.saved = result;
    }
  }
  /// What an op reads, rounded where its precision allows that.
  template <class Op, class A>
  auto rounded(const A& a) {
    if constexpr (requires { detail::view_of(a); Op::allowed; }) {
      const auto v = detail::view_of(a);
      using value = std::remove_pointer_t<decltype(v.data)>;
      if constexpr (std::is_const_v<value> && std::is_same_v<master_t<std::remove_const_t<value>>, float>) {
        if (v.data == nullptr) return tensor_view<const float>{nullptr, v.shape};
        // What is stored in as few digits already is rounded at another place, or it would lose nothing here.
        constexpr float place = std::is_same_v<value, const float> ? 1.0f : 1.5f;
        float* to = store_.take<float>(v.size());
        for (index_t i = 0; i < v.size(); ++i) to[i] = Op::precision::round(place * v.data[i]) / place;
        return tensor_view<const float>{to, v.shape};
      } else {
        return v;
      }
    } else {
      return a;
    }
  }
  template <class Op, class Wide, std::size_t... I>
  void run_reference(Op op, workspace& memory, Wide& wide, std::index_sequence<I...>) {
    ref_.run(op, memory, std::get<I>(wide)...);
  }

  /// An output's error and what is allowed for its type.
  struct measured {
    double error = 0;
    double allowed = 1;
    std::size_t argument = 0;
    double share() const { return error / allowed; }
  };
  /// The worst output.
  template <class Op, class Wide, std::size_t... I, class... A>
  static measured distance(const Wide& wide, std::index_sequence<I...>, const A&... a) {
    measured worst;
    const auto look = [&](measured m, std::size_t argument) {
      m.argument = argument;
      if (m.share() > worst.share()) worst = m;
    };
    (look(distance_of<Op>(a, std::get<I>(wide)), I), ...);
    return worst;
  }
  template <class Op, class A, class W>
  static measured distance_of(const A& a, const W& twin) {
    if constexpr (requires { detail::view_of(a); }) {
      using T = std::remove_reference_t<decltype(*detail::view_of(a).data)>;
      if constexpr (!std::is_const_v<T>)
        return {a.data == nullptr ? 0 : detail::relative_distance(a.data, twin.data, a.size()), allowed<Op, T>()};
    } else if constexpr (std::is_same_v<A, double*>) {
      if (a != nullptr) return {detail::relative_distance(a, twin, 1), allowed<Op, double>()};
    } else if constexpr (std::is_same_v<A, player_inputs*>) {
      double worst = a->updates == twin->updates ? 0 : HUGE_VAL;
      for (double player_inputs::*number : {&player_inputs::clip_scale, &player_inputs::gradient_norm,
                                            &player_inputs::bias_correction1, &player_inputs::bias_correction2})
        worst = std::max(worst, detail::relative_distance(&(a->*number), &(twin->*number), 1));
      return {worst, allowed<Op, double>()};
    }
    return {};
  }
  template <class Op, class T>
  static constexpr double allowed() {
    if constexpr (requires { Op::allowed; })
      if (std::is_same_v<T, float>) return Op::allowed;
    if (!std::is_same_v<T, master_t<T>>) return 5e-3;
    return std::is_same_v<T, float> ? 1e-5 : std::is_same_v<T, double> ? 1e-10 : 1e-300;
  }

  template <class Op, class... A>
  void note(const measured& m, const A&... a) {
    if (failures_++ > 0) return;
    first_failure_ = std::string(Op::name);
    const auto add_size = [&](const auto& v) {
      if constexpr (requires { detail::view_of(v); }) append(first_failure_, {" ", detail::size_text(v.shape)});
    };
    (add_size(a), ...);
    char text[96];
    std::snprintf(text, sizeof text, ": argument %d is off by %.1e, allowed %.1e", static_cast<int>(m.argument) + 1, m.error,
                  m.allowed);
    first_failure_ += text;
  }

  Ref ref_{};
  detail::audit_store store_;
  std::vector<detail::written> outputs_;
  std::string first_failure_;
  index_t checked_ = 0, failures_ = 0;
};

}  // namespace pretext::backend
