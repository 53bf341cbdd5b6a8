// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[generate\.003\]
#include <pretext/generate/choice.hpp>

namespace px = pretext;
struct first_token {
  px::index_t scratch_floats(px::index_t) const { return 0; }
#ifdef PRETEXT_KO
  std::int32_t choose(px::generate::logit_row) const { return 0; }  // without a key
#else
  std::int32_t choose(px::rng::key, px::generate::logit_row, float*) const { return 0; }
#endif
};
static_assert(px::generate::explain_choice<first_token>());
int main() {}
