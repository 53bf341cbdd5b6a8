// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[augment\.004\]
#include <pretext/augment/augment.hpp>

namespace px = pretext;
struct brighter {
  struct record {};
  constexpr record draw(px::rng::key, px::augment::image_size, px::augment::image_size) const { return {}; }
#ifdef PRETEXT_KO
  void apply(px::augment::context&, const record&, px::image_view<const float>, px::image_view<float>);  // not const
#else
  void apply(px::augment::context&, const record&, px::image_view<const float>, px::image_view<float>) const;
#endif
};
[[maybe_unused]] px::augment::chain<brighter> steps;
int main() {}
