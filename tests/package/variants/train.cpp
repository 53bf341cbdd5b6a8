// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/core/error.hpp>

#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "shared.hpp"

static_assert(SAID_LATER == 7);

namespace {
struct registers_itself {
  registers_itself() { counted<float>::initialised_at_start.push_back(1.0f); }
};
const registers_itself now;
}  // namespace

int main(int argc, char** argv) {
  const auto& x = counted<float>::initialised_at_start;
  try {
    throw pretext::error("variant.001", "an exception crosses a shared library");
  } catch (const std::runtime_error&) {
    std::printf("%s|%g|%zu|%s|%d\n", compiled_for(), static_cast<double>(product_sum(x)), x.size(), from_common().c_str(), argc);
  }
  if (argc > 1 && std::strcmp(argv[1], "fail") == 0) return 3;
  // no return statement: main may end so
}
