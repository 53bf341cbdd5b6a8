// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for fine-tuning
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../backend/ops/update.hpp"
#include "../config.hpp"
#include "../core/error.hpp"
#include "../core/parameters.hpp"

namespace pretext::train {

/// The level of every entry of a table, the lowest 0: what lies in one numbered block ("encoder.layer.3.") is one level, and so
/// is what stands between two numbers without one (embeddings before the blocks, a pooler behind them).
PRETEXT_COLD inline std::vector<int> levels_of(std::span<const parameter_entry> entries) {
  std::vector<int> out;
  std::string_view before;
  for (const parameter_entry& e : entries) {
    const std::string_view name = e.name;
    std::string_view block;  // up to the first part that is a number, or nothing
    for (std::size_t begin = 0; begin < name.size() && block.empty();) {
      std::size_t end = name.find('.', begin);
      if (end == std::string_view::npos) end = name.size();
      bool number = end > begin;
      for (std::size_t i = begin; i < end; ++i) number = number && name[i] >= '0' && name[i] <= '9';
      if (number) block = name.substr(0, end);
      begin = end + 1;
    }
    out.push_back(out.empty() ? 0 : out.back() + (block != before ? 1 : 0));
    before = block;
  }
  return out;
}

/// How fast the parameters of a pre-trained part move: a multiplier of the rate for each entry of a player's table.
///   multiplier = rate decay^(top - level), for entries below `part`; all others keep theirs
/// `full` moves everything alike, `frozen_part` nothing of the part: only what was added is trained. Statistics of batch_norm are no
/// parameters, and move in training whatever is said here.
/// errors  pretext[train.201] a rate or decay below 0 or NaN; pretext[train.202] the table has no such part
/// source  Howard and Ruder 2018, arXiv:1801.06146, section 3.2 (discriminative rates, 1 / 2.6 a layer)
struct layerwise_decay {
  double rate = 1;
  double decay = 1;
  std::string_view part = "encoder";

  /// `ranges[i]` belongs to `entries[i]`, as in a player.
  PRETEXT_COLD void apply(std::span<const parameter_entry> entries, std::span<update_range> ranges) const {
    if (!(rate >= 0) || !(decay >= 0))
      throw_error("train.201", {"layerwise_decay: rate ", rate, ", decay ", decay, "; both are 0 or more, and 0.65 to 0.95 is usual for decay"});
    const std::vector<int> levels = levels_of(entries);
    const auto inside = [&](std::size_t i) {
      const std::string_view name = entries[i].name;
      return name.size() > part.size() && name.substr(0, part.size()) == part && name[part.size()] == '.';
    };
    int top = -1;
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (inside(i)) top = levels[i];
    if (top < 0 || ranges.size() != entries.size())
      throw_error("train.202", {"layerwise_decay: of ", entries.size(), " parameters (", ranges.size(), " ranges) none lies in \"", part,
          "\"; name a part of the family, as the table does"});
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (inside(i)) ranges[i].rate_multiplier = rate * std::pow(decay, top - levels[i]);
  }
};

inline constexpr layerwise_decay full{};
inline constexpr layerwise_decay frozen_part{.rate = 0};

}  // namespace pretext::train
