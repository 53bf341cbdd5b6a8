// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for files of whole models
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../core/parameters.hpp"

namespace pretext::train {

/// All parts of a trainer's player as files have them: every parameter and buffer under its name.
///   io::save_safetensors("model.safetensors", train::player_model(trainer)); io::load_safetensors(path, train::player_model(trainer));
/// Valid until the trainer's next step.
template <class Trainer>
class player_model {
 public:
  using value_type = typename Trainer::value_type;
  using master_type = typename Trainer::master_type;

  explicit player_model(Trainer& t, std::size_t player = 0) : name_(t.players()[player].name), table_(&t.players()[player].table) {
    t.visit_state(*this);
  }
  const parameter_table& table() const { return *table_; }

  template <class Visit>
  void for_each_tensor(Visit&& visit) const {
    const auto walk = [&](const std::vector<parameter_entry>& entries, const master_type* data) {
      for (const parameter_entry& e : entries) {
        std::vector<master_type> values(static_cast<std::size_t>(e.size));
        to_file_order(e, data + e.offset, values.data());
        visit(e, values);
      }
    };
    walk(table_->parameters, parameters_);
    walk(table_->buffers, buffers_);
  }
  /// Where a loader puts values in file order.
  void assign(const parameter_entry& e, const std::vector<master_type>& values, bool is_buffer) const {
    from_file_order(e, values.data(), (is_buffer ? buffers_ : parameters_) + e.offset);
  }

  // What the trainer's walk over its state shows.
  void counter(std::string_view, std::uint64_t) {}
  void entries(const std::string& prefix, const std::vector<parameter_entry>&, master_type* data) {
    if (prefix == name_ + "/") parameters_ = data;
    if (prefix == name_ + ".buffers/") buffers_ = data;
  }
  void array(const std::string&, tensor_view<master_type>) {}

 private:
  std::string name_;
  const parameter_table* table_;
  master_type *parameters_ = nullptr, *buffers_ = nullptr;
};

}  // namespace pretext::train
