// SPDX-License-Identifier: BSD-3-Clause
#include "shared.hpp"

std::string from_common() {
  // The same template, instantiated in an ordinary unit: it must stay the baseline's own.
  return std::string(compiled_for()) + " " + std::to_string(product_sum(std::vector<float>(4, 2.0f)));
}
