// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[augment\.023\]
#include <pretext/augment/text/corruption.hpp>

namespace px = pretext;
namespace au = pretext::augment;
struct nothing_hidden {
  px::index_t capacity(px::index_t length) const;
#ifdef PRETEXT_KO
  void corrupt(px::rng::key, const au::token_ids&, const au::token_row&, const au::hidden_row&) const;  // how many?
#else
  std::int32_t corrupt(px::rng::key, const au::token_ids&, const au::token_row&, const au::hidden_row&) const;
#endif
};
static_assert(au::explain_corruption<nothing_hidden>());
int main() {}
