// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[augment\.003\]
#include <pretext/augment/augment.hpp>

namespace px = pretext;
struct brighter {
  struct record {};
  void apply(px::augment::context&, const record&, px::image_view<const float>, px::image_view<float>) const;
#ifdef PRETEXT_KO
  constexpr record draw(px::rng::key, px::augment::image_size) const { return {}; }  // two sizes are wanted
#else
  constexpr record draw(px::rng::key, px::augment::image_size, px::augment::image_size) const { return {}; }
#endif
};
[[maybe_unused]] px::augment::chain<brighter> steps;
int main() {}
