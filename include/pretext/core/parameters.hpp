// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "master.hpp"
#include "rng.hpp"
#include "tensor.hpp"
#include "text.hpp"

namespace pretext {

/// What a parameter is, for policies that treat kinds differently (no decay on biases and scales, ...).
enum class role : std::uint8_t { weight, bias, scale, embedding, statistic, counter };

/// How a parameter starts.
struct initialiser {
  enum class kind : std::uint8_t { constant, uniform_fan, normal_fan, normal, identity, minus_log };
  kind how = kind::constant;
  double value = 0;  // constant: the value; normal: the standard deviation; *_fan: the gain
  index_t fan = 1;

  static constexpr initialiser constant(double v) { return {kind::constant, v, 1}; }
  /// U(-gain/sqrt(fan), gain/sqrt(fan)): PyTorch's default for linear and convolution layers (gain 1, fan in).
  static constexpr initialiser uniform(index_t fan, double gain = 1) { return {kind::uniform_fan, gain, fan}; }
  /// N(0, (gain/sqrt(fan))^2): He et al. 2015 with gain sqrt(2).
  static constexpr initialiser normal_by_fan(index_t fan, double gain) { return {kind::normal_fan, gain, fan}; }
  /// Ones on the diagonal of a square matrix.
  static constexpr initialiser identity() { return {kind::identity, 0, 1}; }
  /// -log(value): where the exponential of a trained number starts at 1 / value.
  static constexpr initialiser minus_log(double value) { return {kind::minus_log, value, 1}; }
  static constexpr initialiser normal(double deviation) { return {kind::normal, deviation, 1}; }
};

/// How the elements of a parameter lie in memory against the file's (PyTorch's) row-major order:
/// the file's extents, some split in two (`split`), in the order `order` (memory axis i is split axis order[i]).
struct memory_layout {
  extents split;
  std::array<int, max_rank> order{0, 1, 2, 3, 4};
  constexpr bool is_plain() const {
    for (int i = 0; i < split.rank; ++i)
      if (order[static_cast<std::size_t>(i)] != i) return false;
    return true;
  }
};

/// A layer's declaration of one parameter or buffer.
struct parameter_declaration {
  std::string_view name;
  extents file_shape;
  role what = role::weight;
  initialiser start = {};
  memory_layout layout = {};  // empty split: as in the file
};

/// One line of a player's table (decision 2).
struct parameter_entry {
  std::string name;
  extents file_shape;
  memory_layout layout;
  index_t offset = 0;  // into the flat buffer, a multiple of parameter_alignment
  index_t size = 0;    // without padding
  role what = role::weight;
  initialiser start;
  int depth = 0;  // number of parameterised layers before this one
  int tie = -1;   // entry whose memory this one shares, or -1
};

/// Entries start at multiples of 64 bytes of float; the padding between them is zero and stays zero.
inline constexpr index_t parameter_alignment = 16;

constexpr index_t padded(index_t size) { return round_up(size, parameter_alignment); }

/// Sizes of a layer's piece of the flat buffers.
struct segment_size {
  index_t parameters = 0;
  index_t buffers = 0;
  index_t ranges = 0;  // entries among the parameters: what an optimizer treats apart
};

namespace detail {
struct segment_counter {
  segment_size total;
  bool has_statistics = false;
  constexpr void parameter(const parameter_declaration& d) {
    total.parameters += padded(d.file_shape.folded_size());
    ++total.ranges;
  }
  constexpr void buffer(const parameter_declaration& d) {
    total.buffers += padded(d.file_shape.folded_size());
    has_statistics = has_statistics || d.what == role::statistic;
  }
  template <class Bound>
  constexpr void child(std::string_view, const Bound& layer) {
    layer.parameters(*this);
  }
};
}  // namespace detail

/// How much of the flat buffers a bound layer takes.
template <class Bound>
constexpr segment_size segment_of(const Bound& layer) {
  detail::segment_counter c;
  layer.parameters(c);
  return c.total;
}

/// Names, places and roles of everything trained (`parameters`) and kept (`buffers`) by one player.
struct parameter_table {
  std::vector<parameter_entry> parameters;
  std::vector<parameter_entry> buffers;
  std::vector<std::pair<std::string, std::string>> layers;  // place, kind: also those without parameters
  index_t parameter_extent = 0;  // elements of the flat buffer, padding included
  index_t buffer_extent = 0;

  /// Number of trained values, padding not counted.
  index_t parameter_count() const {
    index_t n = 0;
    for (const auto& e : parameters)
      if (e.tie < 0) n += e.size;
    return n;
  }
};

/// Walks a bound layer and writes its table.
class table_builder {
 public:
  explicit table_builder(parameter_table& table, std::string prefix = {}) : table_(table), prefix_(std::move(prefix)) {}

  void parameter(const parameter_declaration& d) { add(table_.parameters, table_.parameter_extent, d); }
  void buffer(const parameter_declaration& d) { add(table_.buffers, table_.buffer_extent, d); }
  template <class Bound>
  PRETEXT_COLD void child(std::string_view name, const Bound& layer) {
    const around outer = enter(name, kind_of<Bound>());
    layer.parameters(*this);
    leave(outer);
  }

 private:
  /// A layer's kind in words, the same on every compiler: `label()` where it has options, else `name`.
  template <class Bound>
  PRETEXT_COLD static std::string kind_of() {
    if constexpr (requires { Bound::spec_type::label(); })
      return Bound::spec_type::label();
    else if constexpr (requires { std::string(Bound::spec_type::name); })
      return std::string(Bound::spec_type::name);
    else
      return {};
  }
  struct around {
    std::size_t prefix, parameters;
  };
  PRETEXT_COLD around enter(std::string_view name, const std::string& kind) {
    const around outer{prefix_.size(), table_.parameters.size()};
    prefix_ += name;
    if (!kind.empty()) add_pair(table_.layers, prefix_, kind);
    if (!name.empty()) prefix_ += '.';
    leaf_ = true;
    return outer;
  }
  PRETEXT_COLD void leave(const around& outer) {
    while (prefix_.size() > outer.prefix) prefix_.pop_back();
    // A leaf (linear, convolution, norm) is one step of depth however many entries it has.
    if (leaf_ && table_.parameters.size() > outer.parameters) ++depth_;
    leaf_ = false;
  }
  PRETEXT_COLD void add(std::vector<parameter_entry>& list, index_t& end, const parameter_declaration& d) {
    parameter_entry e;
    e.name = prefix_;
    e.name += d.name;
    e.file_shape = d.file_shape;
    e.layout = d.layout;
    e.offset = end;
    e.size = d.file_shape.size();
    e.what = d.what;
    e.start = d.start;
    e.depth = depth_;
    end += padded(e.size);
    list.push_back(std::move(e));
  }
  parameter_table& table_;
  std::string prefix_;
  int depth_ = 0;
  bool leaf_ = true;
};

/// What a layer whose activations are stored as T computes with: weights are read, buffers (running statistics) may be written
/// in training.
template <class T>
struct parameter_view {
  using value_type = T;
  const master_t<T>* weights = nullptr;
  master_t<T>* buffers = nullptr;

  /// For losses, which compute in master numbers throughout.
  template <class U>
    requires(!std::is_same_v<U, T> && std::is_same_v<U, master_t<T>>)
  constexpr operator parameter_view<U>() const {
    return {weights, buffers};
  }
};

/// Where a layer adds parameter gradients.
template <class T>
struct gradient_view {
  master_t<T>* weights = nullptr;

  template <class U>
    requires(!std::is_same_v<U, T> && std::is_same_v<U, master_t<T>>)
  constexpr operator gradient_view<U>() const {
    return {weights};
  }
};

/// In the place of a gradient that nobody asked for.
struct no_gradient {};

template <class G>
inline constexpr bool is_wanted = !std::is_same_v<std::remove_cvref_t<G>, no_gradient>;

/// Hands out a layer's own tensors in the order of its declarations: master numbers.
template <class T>
class parameter_reader {
 public:
  constexpr explicit parameter_reader(parameter_view<T> v) : at_(v) {}
  constexpr tensor_view<const master_t<T>> parameter(const extents& e) {
    tensor_view<const master_t<T>> v{at_.weights, e};
    at_.weights = advance(at_.weights, padded(e.folded_size()));
    return v;
  }
  constexpr tensor_view<master_t<T>> buffer(const extents& e) {
    tensor_view<master_t<T>> v{at_.buffers, e};
    at_.buffers = advance(at_.buffers, padded(e.folded_size()));
    return v;
  }
  template <class Bound>
  constexpr parameter_view<T> child(const Bound& layer) {
    const parameter_view<T> v = at_;
    const segment_size s = segment_of(layer);
    at_.weights = advance(at_.weights, s.parameters);
    at_.buffers = advance(at_.buffers, s.buffers);
    return v;
  }

 private:
  parameter_view<T> at_;
};

/// The same for gradients; of `no_gradient` everything is `no_gradient`.
template <class G>
class gradient_reader;
template <class T>
class gradient_reader<gradient_view<T>> {
 public:
  constexpr explicit gradient_reader(gradient_view<T> v) : at_(v) {}
  constexpr tensor_view<master_t<T>> parameter(const extents& e) {
    tensor_view<master_t<T>> v{at_.weights, e};
    at_.weights = advance(at_.weights, padded(e.folded_size()));
    return v;
  }
  template <class Bound>
  constexpr gradient_view<T> child(const Bound& layer) {
    const gradient_view<T> v = at_;
    at_.weights = advance(at_.weights, segment_of(layer).parameters);
    return v;
  }

 private:
  gradient_view<T> at_;
};
template <>
class gradient_reader<no_gradient> {
 public:
  constexpr explicit gradient_reader(no_gradient) {}
  template <class Bound>
  constexpr no_gradient child(const Bound&) {
    return {};
  }
};
template <class G>
gradient_reader(G) -> gradient_reader<G>;

namespace detail {
/// Visits (file index, memory index) of every element of an entry.
template <class Visit>
void for_each_element(const parameter_entry& e, Visit&& visit) {
  if (e.layout.split.rank == 0 || e.layout.is_plain()) {
    for (index_t i = 0; i < e.size; ++i) visit(i, i);
    return;
  }
  const extents& s = e.layout.split;
  std::array<index_t, max_rank> stride{};
  index_t n = 1;
  for (int i = s.rank - 1; i >= 0; --i) {
    stride[static_cast<std::size_t>(i)] = n;
    n *= s[i];
  }
  std::array<index_t, max_rank> at{};
  for (index_t memory = 0; memory < e.size; ++memory) {
    index_t file = 0;
    for (int i = 0; i < s.rank; ++i)
      file += at[static_cast<std::size_t>(i)] * stride[static_cast<std::size_t>(e.layout.order[static_cast<std::size_t>(i)])];
    visit(file, memory);
    for (int i = s.rank - 1; i >= 0; --i) {
      if (++at[static_cast<std::size_t>(i)] < s[e.layout.order[static_cast<std::size_t>(i)]]) break;
      at[static_cast<std::size_t>(i)] = 0;
    }
  }
}
}  // namespace detail

/// memory (flat buffer at the entry's offset) -> file order.
template <class T, class U>
void to_file_order(const parameter_entry& e, const T* memory, U* file) {
  detail::for_each_element(e, [&](index_t f, index_t m) { file[f] = static_cast<U>(memory[m]); });
}
template <class T, class U>
void from_file_order(const parameter_entry& e, const U* file, T* memory) {
  detail::for_each_element(e, [&](index_t f, index_t m) { memory[m] = static_cast<T>(file[f]); });
}

/// Fills a table's parameters and buffers with their starting values.
/// repeat  a function of (seed, position of the entry, element in file order): layouts and back ends do not matter
template <class T>
PRETEXT_COLD void initialise(std::span<const parameter_entry> entries, T* values, std::uint64_t seed, std::uint64_t first = 0) {
  std::vector<double> file;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const parameter_entry& e = entries[i];
    if (e.tie >= 0) continue;
    file.assign(static_cast<std::size_t>(e.size), e.start.value);
    rng::stream draws(rng::key{.seed = seed, .sample = first + i}.with_purpose(rng::purpose::initialise));
    const double width = e.start.value / std::sqrt(static_cast<double>(e.start.fan));
    if (e.start.how == initialiser::kind::uniform_fan) {
      for (double& v : file) v = draws.uniform(-width, width);
    } else if (e.start.how == initialiser::kind::minus_log) {
      for (double& v : file) v = -std::log(e.start.value);
    } else if (e.start.how == initialiser::kind::identity) {
      for (index_t k = 0; k < e.file_shape[0]; ++k) file[static_cast<std::size_t>(k * (e.file_shape[1] + 1))] = 1;
    } else if (e.start.how == initialiser::kind::normal_fan || e.start.how == initialiser::kind::normal) {
      for (double& v : file) {  // Box and Muller 1958; one of the pair, so that an element is two fixed draws
        const double u = 1.0 - draws.uniform_double(), w = draws.uniform_double();
        v = width * std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586476925 * w);
      }
    }
    from_file_order(e, file.data(), values + e.offset);
  }
}

}  // namespace pretext
