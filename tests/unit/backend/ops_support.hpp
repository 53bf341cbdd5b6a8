// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "pretext/backend/count.hpp"
#if defined(PRETEXT_OPS_ON_BLOCKS)
#include "pretext/backend/cuda/cuda_on_host.hpp"
#endif
#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "pretext/backend/strict.hpp"
#include "support/catch.hpp"

/// One suite for the ops of every back end: a case is a function of (run, a number of type T) that runs ops on T and
/// returns what they wrote; `agree` holds simd in float and double to the reference in double.
namespace ops_test {

using pretext::extents;
using pretext::index_t;
using pretext::tensor_view;
namespace op = pretext::op;
namespace backend = pretext::backend;
#if defined(PRETEXT_OPS_ON_BLOCKS)  // cuda_*_test.cpp: the same cases on the kernels of the CUDA back end, run by the host
using simd = backend::cuda_on_host;
#else
using simd = backend::strict<backend::simd<>>;
#endif

template <class T>
using outputs = std::vector<std::vector<T>>;

/// Values in [low, high) that are exact in float, so that every type starts from the same numbers.
template <class T>
std::vector<T> values(index_t n, std::uint64_t seed, double low = -1, double high = 1) {
  pretext::rng::stream draw(pretext::rng::key{.seed = seed});
  std::vector<T> v(static_cast<std::size_t>(n));
  for (T& x : v) x = static_cast<T>(static_cast<float>(draw.uniform(low, high)));
  return v;
}
/// What an op has to overwrite.
template <class T>
std::vector<T> stale(index_t n) {
  return std::vector<T>(static_cast<std::size_t>(n), std::numeric_limits<T>::quiet_NaN());
}
template <class T>
tensor_view<const T> in(const std::vector<T>& v, const extents& e) {
  REQUIRE(e.size() == static_cast<index_t>(v.size()));
  return {v.empty() ? reinterpret_cast<const T*>(64) : v.data(), e};
}
template <class T>
tensor_view<T> out(std::vector<T>& v, const extents& e) {
  REQUIRE(e.size() == static_cast<index_t>(v.size()));
  return {v.empty() ? reinterpret_cast<T*>(64) : v.data(), e};
}

/// Runs ops on a back end in exactly the memory that was planned for them, planned without data.
template <class B>
class runner {
 public:
  template <class... A>
  explicit runner(A... a) : backend_(a...) {}
  template <class Op, class... A>
  void operator()(Op op, const A&... a) {
    backend::count<B> counter(backend_);
    pretext::workspace plan;
    counter.run(op, plan, planned(a)...);
    const auto size = static_cast<index_t>(plan.peak());
    constexpr index_t fence = 4096;
    pretext::buffer<std::byte> block(size + fence);
    std::memset(block.data(), 0x5a, block.bytes());
    pretext::workspace memory(block.data(), plan.peak());
    backend_.run(op, memory, a...);
    REQUIRE(memory.peak() == plan.peak());
    REQUIRE(memory.used() == 0);
    bool whole = true;
    for (index_t i = size; i < size + fence; ++i) whole = whole && block[i] == std::byte{0x5a};
    REQUIRE(whole);  // nothing was written behind what was planned
  }

 private:
  template <class T>
  static tensor_view<T> planned(const tensor_view<T>& v) {
    return {nullptr, v.shape};
  }
  template <class T>
  static const T& planned(const T& v) {
    return v;
  }
  B backend_;
};

/// max|d| / max|ref| or the relative 2-norm, whichever is larger.
template <class T>
double relative_error(const std::vector<T>& a, const std::vector<double>& reference) {
  if (a.size() != reference.size()) return HUGE_VAL;
  double worst = 0, largest = 0, squares = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]);
    if (x == reference[i]) {
      if (std::isinf(x)) continue;
    }
    const double d = std::fabs(x - reference[i]);
    if (!std::isfinite(d)) return HUGE_VAL;
    worst = std::fmax(worst, d);
    largest = std::fmax(largest, std::fabs(reference[i]));
    squares += d * d;
    norm += reference[i] * reference[i];
  }
  return largest == 0 ? worst : std::fmax(worst / largest, std::sqrt(squares / norm));
}
template <class T>
constexpr double tolerance() {
  return sizeof(T) == 4 ? 1e-5 : 1e-10;
}
template <class T>
bool same_bits(const outputs<T>& a, const outputs<T>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].size() != b[i].size() || (!a[i].empty() && std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(T)) != 0))
      return false;
  return true;
}

template <class T, class Case>
void agree_in(const Case& c, const outputs<double>& expected) {
  runner<simd> one(1), two(2), three(3);
  const outputs<T> got = c(one, T{});
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("output " << i << " in " << (sizeof(T) == 4 ? "float" : "double"));
    CHECK(relative_error(got[i], expected[i]) <= tolerance<T>());
  }
  CHECK(same_bits(c(two, T{}), got));
  CHECK(same_bits(c(three, T{}), got));
}
/// simd on one, two and three threads, or blocks in three orders (same bits), against the reference in double.
template <class Case>
void agree(const Case& c) {
  runner<backend::reference> specification;
  const outputs<double> expected = c(specification, double{});
  agree_in<float>(c, expected);
  agree_in<double>(c, expected);
}

}  // namespace ops_test
