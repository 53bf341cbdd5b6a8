// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "../backend/memory.hpp"
#include "../concepts/recipe.hpp"
#include "../config.hpp"
#include "../core/list.hpp"
#include "../core/view_of.hpp"
#include "../precision/precision.hpp"
#include "encoder.hpp"
#include "fit.hpp"
#include "own_memory.hpp"
#include "plan.hpp"
#include "step_report.hpp"

namespace pretext::train {

/// Numbers that a family keeps between steps besides parameters (a queue of keys, centres): allocated by the trainer,
/// part of every checkpoint.
struct state_spec {
  std::string_view name;
  extents shape;
  initialiser start = {};
};

using f32 = precision::float32;
using f64 = precision::float64;

namespace detail {
template <class R>
struct precision_of {
  using type = f32;
};
template <class R>
  requires requires { typename R::precision; }
struct precision_of<R> {
  using type = typename R::precision;
};

/// Everything one player owns. Buffer<T>: memory of the back end.
template <class Buffer>
struct player_memory {
  std::string name;
  std::string optimizer_name;
  parameter_table table;
  Buffer parameters, gradients, buffers, state0, state1;
  list<update_range> ranges;
};
template <class Buffer>
struct target_memory {
  target_spec spec;
  Buffer parameters, buffers;
};

/// What a trainer keeps besides on a back end with memory of its own.
template <bool OwnMemory, class Backend, class Batch, class T>
struct side_of {
  using type = no_own_side;
};
template <class Backend, class Batch, class T>
struct side_of<true, Backend, Batch, T> {
  using type = own_side<Backend, Batch, T>;
};
template <class Family>
concept PlacesBatches = requires(const Family& f, const typename Family::batch_type& in, batch_placer& place) {
  { f.placed(in, place) } -> std::convertible_to<typename Family::batch_type>;
};

/// How many targets a family has, and how many states: it returns them as arrays.
template <class Family>
constexpr std::size_t target_count() {
  if constexpr (requires(Family& f) { f.targets(); })
    return std::tuple_size_v<decltype(std::declval<Family&>().targets())>;
  else
    return 0;
}
template <class Family>
constexpr std::size_t state_count() {
  if constexpr (requires(Family& f) { f.states(); })
    return std::tuple_size_v<decltype(std::declval<Family&>().states())>;
  else
    return 0;
}
}  // namespace detail

/// Trains a recipe on a back end. Holds players, targets and planned memory; the losses are the family's.
///   trainer<my_recipe, backend::simd<>> t({.batch_size = 256}); t.fit(images) or t.step(batch) in your own loop
/// errors  pretext[value.301] a setting that makes no sense; pretext[value.307] a batch of nothing; pretext[memory.100] a
///         batch larger than planned. A step that throws leaves the trainer as it was.
/// repeat  the same seed and build give the same bits for any number of threads
template <class Recipe, class Backend, class Comm = comm::null>
class trainer {
  static_assert(concepts::explain_recipe<Recipe>());  // first: what is wrong with a recipe, in one sentence

 public:
  using recipe_type = Recipe;
  using family_type = typename Recipe::template family<Recipe>;
  using settings_type = typename family_type::settings;
  using batch_type = typename family_type::batch_type;
  using precision_type = typename detail::precision_of<Recipe>::type;
  using value_type = typename precision_type::storage;
  using master_type = master_t<value_type>;  // of parameters, gradients, optimizer state, statistics and the loss
  using T = master_type;
  using backend_type = Backend;

  /// Owns a default back end.
  explicit trainer(const settings_type& user = {}) : trainer(user, nullptr, nullptr) {}
  /// Computes on the caller's back end, which must outlive the trainer; `comm` joins ranks.
  trainer(const settings_type& user, Backend& be) : trainer(user, &be, nullptr) {}
  trainer(const settings_type& user, Backend& be, Comm& comm) : trainer(user, &be, &comm) {}
  trainer(const trainer&) = delete;
  trainer& operator=(const trainer&) = delete;

  /// One step on one batch: forward, loss, backward, updates. No allocation.
  const step_report& step(const batch_type& batch) {
    const auto begin = std::chrono::steady_clock::now();
    const index_t size = family_.batch_size_of(batch);
    if (size < 1) throw_error("value.307", "a step was given an empty batch; give it at least one sample");
    if (size > planned_batch_)
      throw_error("memory.100", {"a batch of ", size, " samples is larger than the ", planned_batch_,
          " that were planned for; set a larger batch_size, or call plan(", size, ") first"});
    write_inputs();
    if constexpr (own_memory)
      step_there(batch);
    else
      run_step(batch);
    ++inputs_.step;
    finish_report(size, begin);
    return report_;
  }

  /// Plans memory for batches up to `size`; the only place that allocates after construction.
  PRETEXT_COLD void plan(index_t size) {
    // On the trainer's own back end and instantiation: a plan costs no code of its own.
    workspace plan;
    planned_bytes_ = detail::walk_step(context_type{backend_, &plan, comm_}, family_, family_.plan_batch(size), micro_batch())
                         .workspace_bytes;
    planned_batch_ = size;
    block_ = {};
    block_ = backend::make_buffer<std::byte>(*backend_, static_cast<index_t>(planned_bytes_));
    if constexpr (own_memory) own_.plan(family_, family_.plan_batch(size));
    memory_ = workspace(block_.data(), planned_bytes_);
    scope_.ctx.memory = &memory_;
  }

  /// Trains on a data set for settings().epochs; see train::fit. Callbacks: train/callbacks.hpp.
  template <class Dataset, class... Callbacks>
  void fit(const Dataset& data, Callbacks&&... callbacks) {
    train::fit(*this, data, callbacks...);
  }

  /// Continues from the newest whole checkpoint in a folder (include train/checkpoint.hpp).
  auto resume(const std::string& folder) { return resume_from(*this, folder); }

  /// The encoder where it lies, for evaluation and files; valid as long as the trainer.
  auto encoder() const { return encoder_of(*this); }

  const settings_type& settings() const { return settings_; }
  const family_type& family() const { return family_; }
  family_type& family() { return family_; }
  std::size_t planned_bytes() const { return planned_bytes_; }
  index_t planned_batch() const { return planned_batch_; }
  const step_report& report() const { return report_; }
  /// The last step's loss as it was computed; the report has it in float. Where the back end has memory of its own, this waits for it.
  T loss() const {
    if constexpr (own_memory)
      return own_.read().loss;
    else
      return loss_;
  }

  /// Where the back end has memory of its own, a report's loss, norms and `finite` are read every n steps, and after the first and the
  /// last of a run: reading waits for the step. In between, the report says what was read last. Elsewhere they are of every step.
  void report_every(std::uint64_t n) { report_every_ = n == 0 ? 1 : n; }
  /// Brings the report to the last step now.
  void read_report() {
    if constexpr (own_memory) read_record();
  }
  /// Where the back end has memory of its own, a step's launches are recorded at the second batch of a kind and repeated for all later
  /// ones. Off, every step is launched anew.
  void record_steps([[maybe_unused]] bool now) {
    if constexpr (own_memory) own_.record_steps(now);
  }
  /// Keeps a copy of memory that batches point into where the back end works, so that a step brings addresses alone; `fit` does so, while
  /// it runs, for a set of up to `resident_bytes` bytes. That memory must stay as it is until let_go(). Nothing on other back ends.
  void hold([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t bytes) {
    if constexpr (own_memory) own_.hold(begin, bytes);
  }
  void let_go() {
    if constexpr (own_memory) own_.let_go();
  }
  static constexpr std::size_t resident_bytes = std::size_t{1} << 30;
  static constexpr bool own_memory = backend::has_own_memory<Backend>;
  Backend& backend() const { return *backend_; }
  /// Numbers of the last step (counters of updates, gradient norms), as the host last saw them.
  const step_inputs& inputs() const { return inputs_; }
  Comm& comm() const { return *comm_; }
  std::uint64_t steps_done() const { return inputs_.step; }
  std::uint64_t seed() const { return settings_.seed; }

  /// Total number of steps, for schedules; 0 where there is no end in sight.
  void set_steps_total(std::uint64_t total) { steps_total_ = total; }
  std::uint64_t steps_total() const { return steps_total_; }
  void set_epoch(std::uint64_t epoch, std::uint64_t epochs) {
    inputs_.epoch = epoch;
    report_.epochs = epochs;
  }
  void start_clock() { built_ = std::chrono::steady_clock::now(); }
  /// Callbacks end `fit` with this, after the current step. The next `fit` starts afresh.
  void stop(bool now = true) { stopped_ = now; }
  bool stopped() const { return stopped_; }

  /// Players by position, for tools: tables and flat buffers.
  auto& players() { return players_; }
  const auto& players() const { return players_; }
  auto& targets() { return targets_; }
  const auto& targets() const { return targets_; }

  const auto& state_names() const { return state_names_; }
  const auto& state_shapes() const { return state_shapes_; }

  template <class Part>
  parameter_view<value_type> parameters(const Part& p) const {
    put_state();
    return scope_.parameters(p);
  }

  /// Shows everything a resumed run needs to a visitor, in a fixed order:
  ///   v.entries(prefix, entries, data), v.array(name, view), v.counter(name, value)
  /// It may keep the addresses and write there until the next step or put_state(): where the back end has memory of its own, they are
  /// those of copies.
  template <class Visitor>
  PRETEXT_COLD void visit_state(Visitor&& v) {
    if constexpr (own_memory) own_.show_updates(inputs_);
    v.counter("step", inputs_.step);
    v.counter("epoch", inputs_.epoch);
    for (std::size_t i = 0; i < players_.size(); ++i) {
      auto& p = players_[i];
      v.counter(joined({p.name, ".updates"}), inputs_.players[i].updates);
      v.entries(joined({p.name, "/"}), p.table.parameters, shown(p.parameters));
      v.entries(joined({p.name, ".buffers/"}), p.table.buffers, shown(p.buffers));
      if (p.state0.size() > 0) v.entries(joined({p.name, ".state0/"}), p.table.parameters, shown(p.state0));
      if (p.state1.size() > 0) v.entries(joined({p.name, ".state1/"}), p.table.parameters, shown(p.state1));
    }
    if constexpr (target_count > 0)
      for (auto& t : targets_) {
        const auto& table = players_[static_cast<std::size_t>(t.spec.player)].table;
        v.entries(joined({t.spec.name, "/"}), leading(table.parameters, t.spec.extent.parameters), shown(t.parameters));
        v.entries(joined({t.spec.name, ".buffers/"}), leading(table.buffers, t.spec.extent.buffers), shown(t.buffers));
      }
    if constexpr (state_count > 0)
      for (std::size_t i = 0; i < state_count; ++i) v.array(state_names_[i], tensor_view<T>{shown(states_[i]), state_shapes_[i]});
  }
  /// What visitors wrote goes to where steps read it; step() does that itself.
  void put_state() const {
    if constexpr (own_memory) own_.put_shown(inputs_);
  }

  /// Bytes asked of pretext's allocators for this trainer.
  std::size_t bytes() const {
    std::size_t n = block_.bytes();
    for (const auto& p : players_)
      n += p.parameters.bytes() + p.gradients.bytes() + p.buffers.bytes() + p.state0.bytes() + p.state1.bytes();
    for (const auto& t : targets_) n += t.parameters.bytes() + t.buffers.bytes();
    for (const auto& s : states_) n += s.bytes();
    if constexpr (own_memory) n += own_.bytes();
    return n;
  }

 private:
  using context_type = context<Backend, value_type, Comm, precision::rounding_of<precision_type>>;
  using specs_type = decltype(std::declval<family_type&>().players());
  using scope_type = step_scope<context_type, specs_type>;
  static constexpr std::size_t player_count = std::tuple_size_v<specs_type>;
  static constexpr std::size_t target_count = detail::target_count<family_type>(), state_count = detail::state_count<family_type>();
  static_assert(player_count <= static_cast<std::size_t>(max_players),
                "pretext[trainer.101] a family has more players than max_players");
  static_assert(!own_memory || Comm::is_single, "pretext[trainer.102] on a back end with memory of its own one rank trains alone; no communicator joins such memory yet");
  static_assert(!own_memory || detail::PlacesBatches<family_type>,
                "pretext[trainer.103] this family does not say how its batches reach memory that the host cannot touch: `placed(batch, place)` "
                "is missing; see docs/policies/family.md#placed");
  using buffer_type = backend::buffer_of<T, Backend>;
  using side_type = typename detail::side_of<own_memory, Backend, batch_type, T>::type;

  PRETEXT_COLD trainer(const settings_type& user, Backend* be, Comm* comm)
      : settings_(resolve(user)), family_(settings_), specs_(family_.players()) {
    if (be == nullptr) {
      own_backend_ = make_backend();
      be = own_backend_.get();
    }
    backend_ = be;
    comm_ = comm == nullptr ? &own_comm_ : comm;
    if constexpr (own_memory) own_.make(*be);
    const auto totals = lay_out(specs_);
    std::size_t i = 0;
    std::apply([&](auto&... spec) { ((make_player(spec, totals[i], i), ++i), ...); }, specs_);
    if constexpr (target_count > 0) {
      const auto targets = family_.targets();
      for (i = 0; i < target_count; ++i) make_target(targets[i], targets_[i]);
    }
    if constexpr (state_count > 0) {
      const auto states = family_.states();
      for (i = 0; i < state_count; ++i) make_state(states[i], i);
    }
    wire();
    plan(settings_.batch_size);
  }

  PRETEXT_COLD static settings_type resolve(settings_type user) {
    if constexpr (requires(settings_type& s) { Recipe::defaults(s); }) {
      settings_type chosen{};
      Recipe::defaults(chosen);
      inherit_settings(user, chosen);
    }
    if (user.batch_size < 1) throw_error("value.301", "batch_size is below 1; give the number of samples per step");
    return user;
  }
  PRETEXT_COLD std::unique_ptr<Backend> make_backend() const {
    if constexpr (requires { settings_.threads; } && std::is_constructible_v<Backend, int>)
      return std::make_unique<Backend>(static_cast<int>(settings_.threads));
    else
      return std::make_unique<Backend>();
  }
  index_t micro_batch() const {
    if constexpr (requires { settings_.micro_batch; })
      return settings_.micro_batch;
    else
      return 0;
  }

  template <class Spec>
  PRETEXT_COLD void make_player(const Spec& spec, segment_size extent, std::size_t number) {
    auto& p = players_[number];
    p.name = spec.name;
    p.optimizer_name = Spec::optimizer_type::name;
    table_builder builder(p.table);
    std::apply([&](auto*... part) { (builder.child(part->name, part->layer), ...); }, spec.parts);
    p.parameters = make(extent.parameters);
    p.gradients = make(extent.parameters);
    p.buffers = make(extent.buffers);
    if constexpr (Spec::optimizer_type::states >= 1) p.state0 = make(extent.parameters);
    if constexpr (Spec::optimizer_type::states >= 2) p.state1 = make(extent.parameters);
    const std::uint64_t first = number * 65536;
    initialise(view_of(p.table.parameters), shown(p.parameters), seed(), first);
    initialise(view_of(p.table.buffers), shown(p.buffers), seed(), first + 32768);
    p.ranges = list<update_range>(p.table.parameters.size());
    for (std::size_t i = 0; i < p.ranges.size(); ++i) {
      const parameter_entry& e = p.table.parameters[i];
      const bool matrix = e.what == role::weight || e.what == role::embedding;
      p.ranges[i] = {e.offset, e.size, 1.0, matrix ? 1.0 : 0.0, matrix};
    }
  }
  PRETEXT_COLD void make_target(const target_spec& spec, detail::target_memory<buffer_type>& t) {
    const auto& p = players_[static_cast<std::size_t>(spec.player)];
    t.spec = spec;
    t.parameters = make(spec.extent.parameters);
    t.buffers = make(spec.extent.buffers);
    std::copy_n(shown(p.parameters), spec.extent.parameters, shown(t.parameters));
    std::copy_n(shown(p.buffers), spec.extent.buffers, shown(t.buffers));
  }
  PRETEXT_COLD void make_state(const state_spec& spec, std::size_t number) {
    states_[number] = make(spec.shape.size());
    const parameter_entry e{.name = std::string(spec.name), .file_shape = spec.shape, .layout = {}, .size = spec.shape.size(), .start = spec.start};
    initialise(std::span(&e, 1), shown(states_[number]), seed(), 1u << 24 | number);
    state_shapes_[number] = spec.shape;
    state_names_[number] = spec.name;
  }
  PRETEXT_COLD void wire() {
    scope_.ctx.backend = backend_;
    scope_.ctx.comm = comm_;
    step_inputs* inputs = &inputs_;
    T *loss = &loss_, *embedding_std = &embedding_std_;
    if constexpr (own_memory) {  // addresses inside a record, taken without reading it
      step_record<T>* record = own_.record();
      inputs = &record->inputs;
      loss = &record->loss;
      embedding_std = &record->embedding_std;
    }
    scope_.ctx.inputs = inputs;
    scope_.ctx.memory = &memory_;
    const rng::key of_rank{.seed = seed(), .occurrence = static_cast<std::uint16_t>(comm_->rank())};
    scope_.ctx.key = {of_rank.with_purpose(rng::purpose::dropout), inputs, moving_key::by::step_as_sample};
    scope_.inputs = inputs;
    scope_.specs = &specs_;
    scope_.micro_batch = micro_batch();
    scope_.loss = {loss, extents(1)};
    scope_.embedding_std = {embedding_std, extents(1)};
    for (std::size_t i = 0; i < players_.size(); ++i) {
      auto& p = players_[i];
      const update_range* ranges = p.ranges.data();
      if constexpr (own_memory) ranges = own_.ranges(i, p.ranges);
      scope_.players[i] = {p.parameters.view(), p.gradients.view(), p.buffers.view(), p.state0.view(), p.state1.view(),
                           {ranges, extents(static_cast<index_t>(p.ranges.size()))}, &inputs->players[i]};
    }
    if constexpr (target_count > 0)
      for (std::size_t i = 0; i < target_count; ++i)
        scope_.targets[i] = {targets_[i].parameters.view(), targets_[i].buffers.view(), &inputs->momentum[i]};
    if constexpr (state_count > 0)
      for (std::size_t i = 0; i < state_count; ++i) scope_.states[i] = {states_[i].data(), state_shapes_[i]};
  }

  buffer_type make(index_t size) { return backend::make_buffer<T>(*backend_, size); }
  /// Numbers for the host to read and write, until a step.
  T* shown(const buffer_type& b) {
    if constexpr (own_memory)
      return own_.show(b.data(), b.size());
    else
      return b.data();
  }

  void run_step(const batch_type& batch) {
    memory_.release(0);
    memory_.release_far(0);  // a step that threw may have left something there
    const auto before = scope_.keep();
    try {
      family_.step(scope_, batch);
    } catch (...) {
      scope_.put_back(before);
      if constexpr (own_memory)
        for (const auto& p : players_) scope_.ctx.exact()(op::fill, T(0), p.gradients.view());
      else
        for (const auto& p : players_) std::fill(p.gradients.begin(), p.gradients.end(), T(0));
      throw;
    }
    if constexpr (own_memory)
      scope_.put_back_after_bad(before);
    else if (inputs_.non_finite != 0)
      scope_.put_back(before);
  }
  /// Where the host sees no number of the step. What changes from step to step goes there in two pieces, the batch and the record of
  /// inputs; everything else is launched as for the step before.
  void step_there(const batch_type& batch) {
    put_state();
    for (std::size_t i = 0; i < players_.size(); ++i) own_.put_ranges(i, players_[i].ranges);
    const batch_type there = own_.place(family_, batch);
    memory_.release(0);
    scope_.ctx(op::begin_step, inputs_, scope_.inputs);
    own_.run(there, [&] { run_step(there); });
  }

  void write_inputs() {
    inputs_.seed = seed();
    inputs_.non_finite = 0;
    inputs_.progress = steps_total_ == 0 ? 0.0 : static_cast<double>(inputs_.step) / static_cast<double>(steps_total_);
    std::size_t i = 0;
    std::apply(
        [&](const auto&... spec) {
          (
              [&] {
                player_inputs& in = inputs_.players[i];
                in.rate = spec.optimizer.rate * spec.schedule.factor(inputs_.step, steps_total_);
                ++i;
              }(),
              ...);
        },
        specs_);
    if constexpr (target_count > 0)
      for (std::size_t t = 0; t < target_count; ++t) {
        const target_spec& spec = targets_[t].spec;
        // Half a cosine from first to last: Grill et al. 2020, section 3.2.
        inputs_.momentum[t] =
            spec.last - (spec.last - spec.first) * (std::cos(3.14159265358979323846 * inputs_.progress) + 1) / 2;
      }
  }
  PRETEXT_COLD void read_record() {
    if (read_step_ == inputs_.step) return;
    const step_record<T> r = own_.read();
    const auto now = std::chrono::steady_clock::now();
    const double took = std::chrono::duration<double>(now - read_at_).count();
    report_.loss = static_cast<float>(r.loss);
    report_.gradient_norm = static_cast<float>(r.inputs.players[0].gradient_norm);
    report_.embedding_std = static_cast<float>(r.embedding_std);
    report_.samples_per_second = took > 0 ? static_cast<float>(static_cast<double>(unread_samples_) / took) : 0.0f;
    report_.seconds = std::chrono::duration<double>(now - built_).count();
    report_.finite = r.inputs.non_finite == 0 && r.inputs.bad_steps == bad_steps_ && std::isfinite(r.loss);
    bad_steps_ = r.inputs.bad_steps + (r.inputs.non_finite != 0 ? 1 : 0);  // begin_step counts the flag once more
    unread_samples_ = 0;
    read_at_ = now;
    read_step_ = inputs_.step;
  }
  void finish_report(index_t size, std::chrono::steady_clock::time_point begin) {
    if constexpr (own_memory) {
      if (unread_samples_ == 0) read_at_ = begin;
      unread_samples_ += size;
      report_.step = inputs_.step;
      report_.steps_total = steps_total_;
      report_.epoch = inputs_.epoch + 1;
      report_.learning_rate = static_cast<float>(inputs_.players[0].rate);
      if (read_step_ == 0 || inputs_.step - read_step_ >= report_every_ || inputs_.step == steps_total_) read_record();
      return;
    }
    const auto now = std::chrono::steady_clock::now();
    const double took = std::chrono::duration<double>(now - begin).count();
    report_.step = inputs_.step;
    report_.steps_total = steps_total_;
    report_.epoch = inputs_.epoch + 1;
    report_.loss = static_cast<float>(loss_);
    report_.learning_rate = static_cast<float>(inputs_.players[0].rate);
    report_.gradient_norm = static_cast<float>(inputs_.players[0].gradient_norm);
    report_.embedding_std = static_cast<float>(embedding_std_);
    report_.samples_per_second = took > 0 ? static_cast<float>(static_cast<double>(size) / took) : 0.0f;
    report_.seconds = std::chrono::duration<double>(now - built_).count();
    report_.finite = inputs_.non_finite == 0 && std::isfinite(loss_);
  }
  static std::vector<parameter_entry> leading(const std::vector<parameter_entry>& all, index_t end) {
    std::vector<parameter_entry> some;
    for (const auto& e : all)
      if (e.offset < end) some.push_back(e);
    return some;
  }

  settings_type settings_;
  family_type family_;
  specs_type specs_;
  std::unique_ptr<Backend> own_backend_;
  Backend* backend_ = nullptr;
  Comm own_comm_{};
  Comm* comm_ = nullptr;
  std::array<detail::player_memory<buffer_type>, player_count> players_;
  std::array<detail::target_memory<buffer_type>, target_count> targets_;
  std::array<buffer_type, state_count> states_;
  std::array<extents, state_count> state_shapes_;
  std::array<std::string, state_count> state_names_;
  step_inputs inputs_{};
  T loss_ = 0;
  T embedding_std_ = 0;
  std::size_t planned_bytes_ = 0;
  index_t planned_batch_ = 0;
  backend::buffer_of<std::byte, Backend> block_;
  workspace memory_;
  scope_type scope_{};
  step_report report_{};
  [[no_unique_address]] mutable side_type own_;  // a visitor's copies are put where they belong by whoever reads there next
  std::uint64_t report_every_ = 16;
  index_t unread_samples_ = 0;
  std::chrono::steady_clock::time_point read_at_{};
  std::uint64_t read_step_ = 0, bad_steps_ = 0;  // steps done, and bad ones among them, when the report was read
  std::uint64_t steps_total_ = 0;
  bool stopped_ = false;
  std::chrono::steady_clock::time_point built_ = std::chrono::steady_clock::now();
};

}  // namespace pretext::train
