// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/index.hpp"
#include "../core/order.hpp"
#include "../core/rng.hpp"
#include "../core/view_of.hpp"
#include "image_set.hpp"
#include "shuffle.hpp"

namespace pretext::data {

namespace detail {

/// Indices by class in rising order; images without a label come last, in a group of their own.
template <class Set>
std::vector<std::vector<index_t>> by_class(const Set& set, int classes) {
  std::vector<std::vector<index_t>> groups(static_cast<std::size_t>(classes) + 1);
  for (index_t i = 0; i < set.size(); ++i) {
    const int label = set.label(i);
    groups[static_cast<std::size_t>(label >= 0 ? label : classes)].push_back(i);
  }
  return groups;
}

}  // namespace detail

/// The indices of both parts, each in rising order.
struct split_indices {
  std::vector<index_t> train;
  std::vector<index_t> test;
};

/// Which images become the test part: round(fraction * size) of them, at least 1 and not all, the same share of every
/// class (largest remainders), and never the last image of a class while another class can give one.
/// repeat  a function of (labels, fraction, seed) alone
/// errors  pretext[data.080] fewer than two images; [data.081] a fraction outside (0, 1)
PRETEXT_COLD inline split_indices choose_split(const image_set& set, double test_fraction, std::uint64_t seed) {
  if (!(test_fraction > 0 && test_fraction < 1))
    throw_error("data.081", {"split: a test fraction of ", test_fraction, " leaves one part empty; use a value between 0 and 1"});
  if (set.size() < 2)
    throw_error("data.080", {"split: a set of ", set.size(), " images cannot be split into two parts; give more images"});
  auto groups = detail::by_class(set, set.classes());
  const index_t wanted = std::clamp<index_t>(std::llround(test_fraction * static_cast<double>(set.size())), 1, set.size() - 1);

  std::vector<index_t> take(groups.size());
  index_t taken = 0;
  std::vector<double> behind;  // what rounding down took
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const double share = static_cast<double>(wanted) * static_cast<double>(groups[g].size()) / static_cast<double>(set.size());
    take[g] = static_cast<index_t>(share);
    taken += take[g];
    behind.push_back(static_cast<double>(take[g]) - share);
  }
  const std::vector<std::size_t> first = sorted_order(behind.size(), [&](std::size_t a, std::size_t b) { return behind[a] < behind[b]; });
  for (const index_t keep : {index_t{1}, index_t{0}})
    for (bool gave = true; gave && taken < wanted;) {
      gave = false;
      for (const std::size_t g : first) {
        if (taken == wanted || take[g] + 1 + keep > static_cast<index_t>(groups[g].size())) continue;
        ++take[g], ++taken;
        gave = true;
      }
    }

  split_indices out;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    shuffle_indices(groups[g], rng::key{.seed = seed, .sample = g}.with_purpose(rng::purpose::split));
    const auto cut = groups[g].begin() + take[g];
    out.test.insert(out.test.end(), groups[g].begin(), cut);
    out.train.insert(out.train.end(), cut, groups[g].end());
  }
  std::sort(out.train.begin(), out.train.end());
  std::sort(out.test.begin(), out.test.end());
  return out;
}

/// The same as two sets that share the pixels.
PRETEXT_COLD inline train_test split(const image_set& set, double test_fraction = 0.2, std::uint64_t seed = 0) {
  const split_indices chosen = choose_split(set, test_fraction, seed);
  return {set.subset(view_of(chosen.train)), set.subset(view_of(chosen.test))};
}

/// The indices of `per_class` images of every class, drawn at random, in rising order.
/// laws    with one `draw`, fewer labels are a subset of more
/// repeat  a function of (labels, per_class, draw) alone
/// errors  pretext[data.082] no labels; [data.083] a class with too few images
PRETEXT_COLD inline std::vector<index_t> few_label_indices(const image_set& set, index_t per_class, std::uint64_t draw) {
  if (set.classes() < 1 || set.empty())
    throw_error("data.082", {"few_labels: ", set.source(), " has no labels; give a labelled set"});
  if (per_class < 1)
    throw_error("data.083", {"few_labels: ", per_class, " images a class were asked for; ask for at least 1"});
  auto groups = detail::by_class(set, set.classes());
  groups.pop_back();
  std::vector<index_t> out;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (static_cast<index_t>(groups[g].size()) < per_class)
      throw_error("data.083", {"few_labels: class ", set.class_names()[g], " has ", groups[g].size(), " images where ", per_class,
          " were asked for; ask for fewer or give more"});
    rng::key key = rng::key{.seed = draw, .sample = g}.with_purpose(rng::purpose::split);
    key.occurrence = 1;  // apart from the draws of a split with the same seed
    shuffle_indices(groups[g], key);
    out.insert(out.end(), groups[g].begin(), groups[g].begin() + per_class);
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// The same as a set that shares the pixels.
PRETEXT_COLD inline image_set few_labels(const image_set& set, index_t per_class, std::uint64_t draw) {
  return set.subset(view_of(few_label_indices(set, per_class, draw)));
}

/// n images drawn at random (all where there are fewer), in rising order: unlike first(n) it does not take whole
/// classes of a folder, whose images come sorted.
/// laws    with one seed, fewer images are a subset of more
PRETEXT_COLD inline image_set random_subset(const image_set& set, index_t n, std::uint64_t seed) {
  std::vector<index_t> ids(static_cast<std::size_t>(set.size()));
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<index_t>(i);
  if (n < set.size()) {
    rng::key key = rng::key{.seed = seed}.with_purpose(rng::purpose::split);
    key.occurrence = 2;  // apart from splits and few_labels
    shuffle_indices(ids, key);
    ids.resize(static_cast<std::size_t>(n > 0 ? n : 0));
    std::sort(ids.begin(), ids.end());
  }
  return set.subset(view_of(ids));
}

/// The smallest number of images any class has; 0 without labels.
PRETEXT_COLD inline index_t smallest_class(const image_set& set) {
  auto groups = detail::by_class(set, set.classes());
  groups.pop_back();
  index_t least = groups.empty() ? 0 : set.size();
  for (const auto& g : groups) least = std::min(least, static_cast<index_t>(g.size()));
  return least;
}

}  // namespace pretext::data
