// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pretext/core/index.hpp"
#include "pretext/io/safetensors.hpp"

/// Golden numbers: files that tests/golden/*.py wrote with PyTorch, and the formula both sides compute parameters from.
namespace golden {

using pretext::index_t;

/// tests/golden: where the build says, else beside this file's folder.
inline std::string folder() {
#ifdef PRETEXT_GOLDEN_DIR
  return PRETEXT_GOLDEN_DIR;
#else
  const std::string_view here = __FILE__;  // .../tests/support/golden.hpp
  return std::string(here.substr(0, here.rfind("support/"))) + "golden";
#endif
}

/// A stored tensor, row-major in PyTorch's layout, widened to double (exact: files hold F32, F64 and small I64).
struct tensor {
  std::vector<index_t> extents;
  std::vector<double> values;

  index_t size() const { return static_cast<index_t>(values.size()); }
  double operator[](index_t i) const { return values[static_cast<std::size_t>(i)]; }
  template <class T>
  std::vector<T> as() const {
    std::vector<T> out(values.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(values[i]);
    return out;
  }
};

/// One golden file: `golden::file layers("layers"); auto x = layers["conv2d.3x3s2p1g1even.x"];`
class file {
 public:
  explicit file(std::string_view area)
      : data_(pretext::io::read_safetensors(folder() + "/" + std::string(area) + ".safetensors")) {}

  tensor operator[](const std::string& name) const {
    const auto& info = data_.at(name);
    return {std::vector<index_t>(info.shape.begin(), info.shape.end()), data_.read<double>(name)};
  }
  double number(const std::string& name) const { return (*this)[name][0]; }
  bool has(const std::string& name) const { return data_.find(name) != nullptr; }

  /// Every X for which a tensor `prefix` + X + `suffix` exists, sorted: the cases of a layer are
  /// file.cases("conv2d.", ".weight").
  std::vector<std::string> cases(std::string_view prefix, std::string_view suffix) const {
    std::vector<std::string> found;
    for (const std::string& name : data_.names())
      if (name.size() > prefix.size() + suffix.size() && name.starts_with(prefix) && name.ends_with(suffix))
        found.push_back(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
    return found;
  }

 private:
  pretext::io::tensor_file data_;
};

/// FNV-1a, 32 bits.
constexpr std::uint32_t fnv1a(std::string_view name) {
  std::uint32_t h = 2166136261u;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h;
}

constexpr std::uint32_t mix32(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x7FEB352Du;
  x ^= x >> 15;
  x *= 0x846CA68Bu;
  return x ^ (x >> 16);
}

/// Element k of uniform(name) in tests/golden/formula.py: (2 h + 1) / 2^32 - 1 with h = mix32(fnv1a(name) + k 0x9E3779B9),
/// exact in double, in (-1, 1).
constexpr double uniform(std::uint32_t name_hash, index_t k) {
  return (2.0 * mix32(name_hash + static_cast<std::uint32_t>(k) * 0x9E3779B9u) + 1.0) / 4294967296.0 - 1.0;
}

inline std::vector<double> uniform(std::string_view name, index_t count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (index_t k = 0; k < count; ++k) values[static_cast<std::size_t>(k)] = uniform(fnv1a(name), k);
  return values;
}

/// parameter(name, extents) of formula.py, in PyTorch's layout: two or more extents uniform * sqrt(6 / fan_in), fan_in the
/// product of all but the first; one extent 1 + 0.2 uniform where the name ends in "weight", else 0.1 uniform.
inline std::vector<double> parameter(std::string_view name, std::span<const index_t> extents) {
  index_t count = 1, fan_in = 1;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    count *= extents[i];
    if (i > 0) fan_in *= extents[i];
  }
  std::vector<double> values = uniform(name, count);
  const double bound = std::sqrt(6.0 / static_cast<double>(fan_in));
  for (double& v : values) {
    if (extents.size() >= 2)
      v *= bound;
    else
      v = name.ends_with("weight") ? 1.0 + 0.2 * v : 0.1 * v;
  }
  return values;
}

/// max|d| / max|ref| or the relative 2-norm, whichever is larger: what "equal" means in tests (design, section 7).
/// A reference that is zero everywhere is compared absolutely; a value that is not finite gives infinity.
template <class T>
double relative_error(std::span<const T> values, std::span<const double> reference) {
  if (values.size() != reference.size()) return HUGE_VAL;
  double worst = 0, largest = 0, squares = 0, reference_squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double d = std::fabs(static_cast<double>(values[i]) - reference[i]);
    if (!std::isfinite(d)) return HUGE_VAL;
    worst = d > worst ? d : worst;
    largest = std::fabs(reference[i]) > largest ? std::fabs(reference[i]) : largest;
    squares += d * d;
    reference_squares += reference[i] * reference[i];
  }
  if (largest == 0) return worst;
  const double norm = std::sqrt(squares / reference_squares);
  return worst / largest > norm ? worst / largest : norm;
}
template <class T>
double relative_error(const std::vector<T>& values, const tensor& reference) {
  return relative_error<T>(std::span<const T>(values), std::span<const double>(reference.values));
}

}  // namespace golden
