// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "pretext/backend/reference/reference.hpp"
#include "pretext/core/rng.hpp"
#include "pretext/method/noise.hpp"
#include "pretext/nn/activation.hpp"
#include "pretext/nn/linear.hpp"
#include "pretext/nn/sequential.hpp"
#include "pretext/optimizer/adamw.hpp"
#include "pretext/optimizer/sgd.hpp"
#include "pretext/schedule/schedule.hpp"
#include "pretext/train/checkpoint.hpp"
#include "pretext/train/trainer.hpp"
#include "support/catch.hpp"

/// What every family is put through, whatever it trains: its gradients against finite differences of its losses, and a
/// run that was interrupted against one that was not.
namespace proof {

namespace px = pretext;
namespace nn = pretext::nn;
namespace op = pretext::op;
using px::activations;
using px::as_const;
using px::extents;
using px::index_t;
using px::tensor_view;

/// Everything a trainer holds, as its checkpoint would.
struct everything {
  std::vector<double> numbers;
  std::vector<std::uint64_t> counters;
  std::size_t at_number = 0, at_counter = 0;
  bool writing = false;

  void counter(const std::string&, std::uint64_t& v) {
    if (writing) v = counters[at_counter++];
    else counters.push_back(v);
  }
  template <class T>
  void entries(const std::string&, const std::vector<px::parameter_entry>& list, T* data) {
    for (const auto& e : list) each(data + e.offset, e.size);
  }
  template <class T>
  void array(const std::string&, tensor_view<T> v) {
    each(v.data, v.size());
  }
  template <class T>
  void each(T* p, index_t n) {
    for (index_t i = 0; i < n; ++i)
      if (writing) p[i] = numbers[at_number++];
      else numbers.push_back(p[i]);
  }
  friend bool operator==(const everything& a, const everything& b) { return a.numbers == b.numbers && a.counters == b.counters; }
};
template <class Trainer>
everything held(Trainer& t) {
  everything e;
  t.visit_state(e);
  return e;
}
template <class Trainer>
void restore(Trainer& t, everything e) {
  e.writing = true;
  t.visit_state(e);
}
/// A number kept in a trainer's state, by name.
struct kept_number {
  std::string wanted;
  index_t index;
  double value = NAN;
  void counter(const std::string&, std::uint64_t&) {}
  template <class T>
  void entries(const std::string&, const std::vector<px::parameter_entry>&, T*) {}
  template <class T>
  void array(const std::string& name, tensor_view<T> v) {
    if (name == wanted) value = v[index];
  }
};

/// The trainer's optimizers must run with rate 0 and without momentum: their first state buffer then is the gradient and
/// nothing moves. `loss(trainer)` is the loss of that player after a step.
template <class Trainer, class Batch, class Loss>
void check_gradient(Trainer& t, const Batch& batch, std::size_t player, Loss&& loss, index_t every = 1) {
  const everything start = held(t);
  t.step(batch);
  REQUIRE(std::isfinite(loss(t)));
  auto& p = t.players()[player];
  const std::vector<double> gradient(p.state0.begin(), p.state0.end());
  const auto at = [&](index_t i, double value) {
    restore(t, start);
    p.parameters[i] = value;
    t.step(batch);
    return loss(t);
  };
  double largest = 0, worst = 0;
  index_t checked = 0;
  for (const auto& e : p.table.parameters) {
    INFO(p.name << " " << e.name);
    double entry = 0;
    for (index_t i = e.offset; i < e.offset + e.size; i += every) {
      const double value = p.parameters[i], h = 1e-5 * (1 + std::fabs(value));
      // Richardson over two central differences: an error of order h^4.
      const double wide = (at(i, value + h) - at(i, value - h)) / (2 * h), narrow = (at(i, value + h / 2) - at(i, value - h / 2)) / h;
      restore(t, start);
      const double numeric = (4 * narrow - wide) / 3, analytic = gradient[static_cast<std::size_t>(i)];
      worst = std::max(worst, std::fabs(numeric - analytic));
      entry = std::max(entry, std::fabs(analytic));
      ++checked;
    }
    CHECK(entry > 0);  // every tensor is reached by the gradient
    largest = std::max(largest, entry);
  }
  INFO(p.name << ": " << checked << " parameters, largest gradient " << largest << ", worst difference " << worst);
  // Losses of some nats are known to 1e-15, and h makes 1e-10 of it.
  CHECK(worst < 1e-9 * std::max(largest, 0.1));
}

/// A new folder below the system's temporary one, removed at the end.
struct folder {
  std::string path;
  explicit folder(const std::string& name)
      : path((std::filesystem::temp_directory_path() / ("pretext_proof_" + name + "_" + std::to_string(::getpid()))).string()) {
    std::filesystem::remove_all(path);
  }
  ~folder() { std::filesystem::remove_all(path); }
};

/// Six steps in one go against three, a checkpoint, and three more in another trainer: every byte equal. Also: the loss
/// falls or moves, and the structure says what there is.
template <class Trainer, class Settings, class BatchOf>
void check_resume(const std::string& name, const Settings& settings, BatchOf&& batch_of, const std::vector<std::string>& described) {
  const folder place(name);
  Trainer whole(settings);
  const everything start = held(whole);
  for (int s = 0; s < 3; ++s) whole.step(batch_of(s));
  px::train::save_checkpoint(whole, place.path);
  for (int s = 3; s < 6; ++s) REQUIRE(whole.step(batch_of(s)).finite);
  Settings other = settings;
  Trainer resumed(other);
  for (int s = 0; s < 2; ++s) resumed.step(batch_of(s));  // what it holds before must not matter
  const auto result = resumed.resume(place.path);
  REQUIRE(result.resumed);
  REQUIRE(result.step == 3);
  for (int s = 3; s < 6; ++s) resumed.step(batch_of(s));
  const everything a = held(whole), b = held(resumed);
  CHECK(a == b);
  CHECK(whole.loss() == resumed.loss());
  CHECK(!(a.numbers == start.numbers));
  const std::string text = px::train::structure(whole);
  for (const std::string& line : described) {
    INFO(text);
    CHECK(text.find(line) != std::string::npos);
  }
}

}  // namespace proof
