// SPDX-License-Identifier: BSD-3-Clause
// Pre-trains an image encoder without labels, measures it, keeps it in encoder.safetensors.  01_simclr_images --help
#include <memory>

#include <pretext/backend/simd/simd.hpp>

#include "simclr_images/job.hpp"

int main(int argc, char** argv) {
  using backend = pretext::backend::simd<>;
  return simclr_images::run_program(argc, argv, backend::name, [](int threads) { return std::make_unique<backend>(threads); });
}
