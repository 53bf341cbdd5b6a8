// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include <deque>

#include "../backend/ops.hpp"
#include "../backend/reference/reference.hpp"
#include "rig.hpp"

namespace pretext::check::detail {

/// Arguments for ops on one back end. The same calls on two benches give the same inputs, whatever the type of numbers.
template <class Backend, class T>
class op_bench {
 public:
  using value_type = T;
  explicit op_bench(Backend& be) : backend_(be) {}

  /// Runs an op in exactly the memory that it says it takes.
  template <class Op, class... A>
  void operator()(Op op, A&&... a) {
    const auto bytes = static_cast<std::size_t>(backend_.scratch_bytes(op, std::as_const(a)...));
    buffer<std::byte> block(static_cast<index_t>((bytes + 63) / 64 * 64 + 64));
    workspace memory(block.data(), (bytes + 63) / 64 * 64);
    backend_.run(op, memory, a...);
  }
  tensor_view<const T> in(const extents& e) { return keep(as<T>(normals(e.size(), ++salt_)), e); }
  tensor_view<const T> positive(const extents& e) {
    auto v = normals(e.size(), ++salt_);
    for (double& x : v) x = static_cast<double>(static_cast<float>(0.5 + std::fabs(x)));
    return keep(as<T>(v), e);
  }
  /// Written by an op: starts as NaN.
  tensor_view<T> out(const extents& e) { return record(keep(filled(e.size(), static_cast<T>(not_written)), e)); }
  /// Added to or changed by an op.
  tensor_view<T> sum(const extents& e) { return record(keep(as<T>(normals(e.size(), ++salt_)), e)); }
  tensor_view<T> positive_sum(const extents& e) {
    const auto v = positive(e);
    return record(tensor_view<T>{const_cast<T*>(v.data), e});
  }
  /// Integers below `below`; every fifth is -1 where `holes`.
  tensor_view<const std::int32_t> ids(index_t n, index_t below, bool holes = true) {
    auto& v = integers_.emplace_back(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = holes && i % 5 == 4 ? -1 : static_cast<std::int32_t>((i * 7 + 3) % static_cast<std::size_t>(below));
    return {v.data(), extents(n)};
  }
  tensor_view<std::int32_t> integers(const extents& e) {
    auto& v = integers_.emplace_back(static_cast<std::size_t>(e.size()), -7);
    integer_outputs_.push_back(&v);
    return {v.data(), e};
  }
  tensor_view<double> doubles(const extents& e) {
    auto& v = doubles_.emplace_back(filled(e.size(), not_written));
    return {v.data(), e};
  }
  /// Everything that ops have left, one tensor after the other.
  std::vector<std::vector<double>> left() const {
    std::vector<std::vector<double>> all;
    for (const auto& v : outputs_) {
      auto& one = all.emplace_back();
      for (index_t i = 0; i < v.size(); ++i) one.push_back(static_cast<double>(v[i]));
    }
    for (const auto* v : integer_outputs_) all.emplace_back(v->begin(), v->end());
    for (const auto& v : doubles_) all.push_back(v);
    return all;
  }

 private:
  tensor_view<T> keep(std::vector<T> v, const extents& e) {
    auto& kept = numbers_.emplace_back(std::move(v));
    return {kept.data(), e};
  }
  tensor_view<T> record(tensor_view<T> v) {
    outputs_.push_back(v);
    return v;
  }
  Backend& backend_;
  std::uint64_t salt_ = 300;
  std::deque<std::vector<T>> numbers_;
  std::deque<std::vector<std::int32_t>> integers_;
  std::deque<std::vector<double>> doubles_;
  std::vector<tensor_view<T>> outputs_;
  std::vector<const std::vector<std::int32_t>*> integer_outputs_;
};

/// Runs a case on B and on the reference in double, for several sizes, and writes one law.
/// Float sums that cancel have no exact digits on any back end: past the tolerance, B may be 8 times worse than the
/// reference in B's own type.
template <class T, class Backend, class Case>
void compare_op(result& r, Backend& be, std::string_view name, double tolerance, Case&& run) {
  double worst = 0;
  bool repeats = true;
  std::string where;
  try {
    for (const auto& [m, n] : {std::pair<index_t, index_t>{1, 1}, {7, 3}, {13, 31}, {31, 17}, {4, 257}}) {
      backend::reference exact;
      op_bench<Backend, T> mine(be), again(be);
      op_bench<backend::reference, double> theirs(exact);
      op_bench<backend::reference, T> single(exact);
      run(mine, m, n);
      run(again, m, n);
      run(theirs, m, n);
      run(single, m, n);
      const auto a = mine.left(), b = again.left(), c = theirs.left(), d = single.left();
      for (std::size_t i = 0; i < a.size(); ++i) {
        const double off = distance(a[i], c[i]);
        if (off > tolerance && !(off <= 8 * distance(d[i], c[i])) && !(off <= worst)) {
          worst = off;
          where = "result " + std::to_string(i) + " off by " + number(off) + " at size " + std::to_string(m) + " x " + std::to_string(n);
        }
        repeats = repeats && same_bits(a[i], b[i]);
      }
    }
    r.add(std::string(name) + " agrees with the reference", where.empty(), where);
    r.add(std::string(name) + " gives the same bits twice", repeats);
  } catch (const error& e) {
    r.add(std::string(name) + (e.id() == "memory.100" ? " keeps to its planned scratch" : " runs"), false, e.what());
  }
}

}  // namespace pretext::check::detail
