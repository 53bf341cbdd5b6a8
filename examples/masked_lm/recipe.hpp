// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <pretext/recipe/masked_language.hpp>

/// The networks of 02_masked_lm.
namespace masked_lm {

namespace px = pretext;
namespace nn = pretext::nn;

/// Embedding of width 256, zero where a word is hidden, an LSTM of 512, a score for each word.
struct lstm : px::recipe::mask_lm {};
/// The same, read from both ends.
struct bilstm : px::recipe::mask_lm {
  using encoder = nn::lstm<512, nn::bidirectional>;
};
/// 4 blocks of width 256.
struct bert : px::recipe::bert {};

}  // namespace masked_lm
