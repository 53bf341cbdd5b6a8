// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// Everything on the CPU. Opt-in headers beside it: data/xtensor.hpp and data/eigen.hpp (containers at the border) and
/// check/ (conformance kits for policies of your own).

#include "augment/augment.hpp"
#include "augment/plain_view.hpp"
#include "backend/audit.hpp"
#include "backend/count.hpp"
#include "backend/reference/reference.hpp"
#include "backend/report.hpp"
#include "backend/simd/simd.hpp"
#include "backend/strict.hpp"
#include "comm/null.hpp"
#include "comm/threads.hpp"
#include "concepts/dataset.hpp"
#include "config.hpp"
#include "data/in_memory.hpp"
#include "data/open.hpp"
#include "data/split.hpp"
#include "encoder/conv_net.hpp"
#include "encoder/resnet.hpp"
#include "eval/during_training.hpp"
#include "eval/encoder.hpp"
#include "eval/fine_tune.hpp"
#include "eval/measures.hpp"
#include "eval/pca.hpp"
#include "io/model.hpp"
#include "io/npy.hpp"
#include "io/safetensors_index.hpp"
#include "method/classification.hpp"
#include "method/joint_embedding.hpp"
#include "method/noise.hpp"
#include "nn/dropout.hpp"
#include "nn/embedding.hpp"
#include "nn/layer_norm.hpp"
#include "nn/parallel.hpp"
#include "nn/recurrent.hpp"
#include "nn/repeat.hpp"
#include "nn/residual.hpp"
#include "nn/tap.hpp"
#include "nn/text_embedding.hpp"
#include "nn/transformer_block.hpp"
#include "objective/derived.hpp"
#include "objective/vocabulary.hpp"
#include "recipe/joint_embedding.hpp"
#include "report/console_table.hpp"
#include "report/environment.hpp"
#include "report/html.hpp"
#include "report/jsonl_log.hpp"
#include "report/progress_bar.hpp"
#include "report/sections.hpp"
#include "train/checkpoint.hpp"
#include "train/describe.hpp"
#include "train/trainer.hpp"
#include "version.hpp"

namespace pretext {

/// trainer<recipe, back end>: see train/trainer.hpp.
using train::trainer;

}  // namespace pretext
