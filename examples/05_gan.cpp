// SPDX-License-Identifier: BSD-3-Clause
// Trains a generator of points against a discriminator and measures which modes of the data it found.  05_gan --help
#include <memory>

#include <pretext/backend/simd/simd.hpp>

#include "gan_points/job.hpp"

int main(int argc, char** argv) {
  using backend = pretext::backend::simd<>;
  return gan_points::run_program(argc, argv, [](int threads) { return std::make_unique<backend>(threads); });
}
