// SPDX-License-Identifier: BSD-3-Clause
// 01_simclr_images on a GPU: the same recipes, flags and report; the whole training step is one graph.  01_simclr_images_cuda --help
#include <pretext/cuda.cuh>

#include <memory>

#include "simclr_images/job.hpp"

int main(int argc, char** argv) {
  using backend = pretext::backend::cuda<>;
  return simclr_images::run_program(argc, argv, backend::name, [](int) { return std::make_unique<backend>(); });
}
