// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../augment/augment.hpp"
#include "../encoder/conv_net.hpp"
#include "../method/joint_embedding.hpp"
#include "../nn/mlp.hpp"
#include "../nn/pool2d.hpp"
#include "../objective/contrastive.hpp"
#include "../objective/negative_cosine.hpp"
#include "../optimizer/adamw.hpp"
#include "../optimizer/sgd.hpp"
#include "../schedule/schedule.hpp"

/// Named methods: what a paper's table lists, as a struct of usings. Derive and name again what differs:
///   struct mine : recipe::simclr { using input = image<3, 32, 32>; };
namespace pretext::recipe {

/// SimCLR: two views, one network, NT-Xent.
/// source  Chen et al. 2020, arXiv:2002.05709; AdamW and a small projector where the paper has LARS and 2048-128
struct simclr {
  template <class R>
  using family = method::joint_embedding<R>;
  using input = image<3, 32, 32>;
  using encoder = pretext::encoder::conv_net<32, 64, 128>;
  using head = nn::mlp<128, 64>;
  using predictor = nn::identity;
  using views = augment::chain<augment::random_resized_crop, augment::horizontal_flip, augment::color_jitter>;
  using objective = pretext::objective::nt_xent<similarity::cosine>;
  using target = pretext::target::none;
  using negatives = pretext::target::no_queue;
  using optimizer = pretext::optimizer::adamw;
  using schedule = pretext::schedule::cosine;

  template <class Settings>
  static constexpr void defaults(Settings& s) {
    if constexpr (requires { s.schedule.warmup_steps; }) s.schedule.warmup_steps = 20;
  }
};

/// BYOL: a predictor regresses the projection of a moving average of the network.
/// source  Grill et al. 2020, arXiv:2006.07733
struct byol : simclr {
  using head = nn::mlp_batch_norm<256, 64>;
  using predictor = nn::mlp_batch_norm<256, 64>;
  using objective = pretext::objective::negative_cosine;
  using target = pretext::target::ema;
};

/// MoCo: InfoNCE against a queue of a moving average's embeddings; both views are queries (symmetrised).
/// source  He et al. 2020, arXiv:1911.05722; Chen et al. 2020, arXiv:2003.04297
struct moco : simclr {
  using target = pretext::target::ema;
  using negatives = pretext::target::queue;

  template <class Settings>
  static constexpr void defaults(Settings& s) {
    simclr::defaults(s);
    if constexpr (requires { s.target.momentum; }) {
      s.target.momentum = 0.99;
      s.target.last_momentum = 0.99;
    }
    if constexpr (requires { s.objective.temperature; }) s.objective.temperature = 0.2f;
  }
};

/// SimSiam: BYOL without the moving average.
/// source  Chen & He 2021, arXiv:2011.10566
struct simsiam : byol {
  using target = pretext::target::stop_gradient;
};

}  // namespace pretext::recipe
