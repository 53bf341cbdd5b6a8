// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../core/index.hpp"
#include "../core/settings.hpp"

/// What is compared against but not trained. docs/policies/target.md: write your own.
namespace pretext::target {

/// No target: the other trained rows are the positives (SimCLR).
struct none {
  static constexpr const char* name = "none";
  static constexpr bool is_target = false;
  static constexpr bool mirrors = false;
};

/// The online network's own output, with nothing flowing back (SimSiam, arXiv:2011.10566).
struct stop_gradient {
  static constexpr const char* name = "stop_gradient";
  static constexpr bool is_target = true;
  static constexpr bool mirrors = false;
};

/// An exponential moving average of encoder and head (not of the predictor): target = m target + (1 - m) online after
/// every step, m from `momentum` to `last_momentum` on half a cosine. Statistics of norm layers are averaged like
/// weights; the target normalises by its own batch while training.
/// source  He et al. 2020, arXiv:1911.05722, eq. 2 (constant m); Grill et al. 2020, arXiv:2006.07733, section 3.2
struct ema {
  setting<double> momentum = default_value(0.99);
  setting<double> last_momentum = default_value(1.0);
  static constexpr const char* name = "ema";
  static constexpr bool is_target = true;
  static constexpr bool mirrors = true;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("momentum", self.momentum);
    visit("last_momentum", self.last_momentum);
  }
};

/// The target's last `size` rows as negatives: oldest out, newest in after every step; starts as random rows.
/// limits  size must be a multiple of the rows a step adds (views x batch size x ranks)
/// source  He et al. 2020, arXiv:1911.05722, section 3.2
struct queue {
  setting<index_t> size = default_value(4096);
  static constexpr const char* name = "queue";
  static constexpr bool keeps_rows = true;
  template <class Self, class Visit>
  static constexpr void fields(Self& self, Visit&& visit) {
    visit("size", self.size);
  }
};

/// No negatives besides the batch.
struct no_queue {
  static constexpr const char* name = "no_queue";
  static constexpr bool keeps_rows = false;
};

}  // namespace pretext::target
