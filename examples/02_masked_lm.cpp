// SPDX-License-Identifier: BSD-3-Clause
// Trains a network to say the hidden words of a text, and measures it on the part that it has not seen.  02_masked_lm --help
#include <memory>

#include <pretext/backend/simd/simd.hpp>

#include "masked_lm/job.hpp"

int main(int argc, char** argv) {
  using backend = pretext::backend::simd<>;
  return masked_lm::run_program(argc, argv, backend::name, [](int threads) { return std::make_unique<backend>(threads); });
}
