// SPDX-License-Identifier: BSD-3-Clause
// Trains a small GPT-2 on a text, measures it on the part that it has not seen, and lets it write.  03_gpt --help
#include <memory>

#include <pretext/backend/simd/simd.hpp>

#include "gpt/job.hpp"

int main(int argc, char** argv) {
  using backend = pretext::backend::simd<>;
  return gpt::run_program(argc, argv, backend::name, [](int threads) { return std::make_unique<backend>(threads); });
}
