// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[augment\.022\]
#include <pretext/augment/text/corruption.hpp>

namespace px = pretext;
namespace au = pretext::augment;
struct nothing_hidden {
#ifdef PRETEXT_KO
  px::index_t capacity(px::index_t length);  // not const
#else
  px::index_t capacity(px::index_t length) const;
#endif
  std::int32_t corrupt(px::rng::key, const au::token_ids&, const au::token_row&, const au::hidden_row&) const;
};
static_assert(au::explain_corruption<nothing_hidden>());
int main() {}
