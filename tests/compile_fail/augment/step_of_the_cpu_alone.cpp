// SPDX-License-Identifier: BSD-3-Clause
// expect: pretext\[augment\.014\]
#include <pretext/augment/augment.hpp>
#include <pretext/augment/block_context.hpp>

namespace px = pretext;
namespace au = pretext::augment;
struct brighter {
  struct record {};
  PRETEXT_HOST_DEVICE record draw(px::rng::key, au::image_size, au::image_size) const { return {}; }
#ifdef PRETEXT_KO
  void apply(au::context& ctx, const record&, px::image_view<const float> in, px::image_view<float> out) const {
#else
  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void apply(Context& ctx, const record&, px::image_view<const float> in, px::image_view<float> out) const {
#endif
    ctx.for_each(in.size(), [&](px::index_t i) { out.data[i] = au::clamp_unit(2.0f * in.data[i]); });
  }
};
struct any_block {
  static constexpr int threads = 1;
  template <class F>
  PRETEXT_HOST_DEVICE void each(const F& f) {
    f(0, *this, *this);
  }
  PRETEXT_HOST_DEVICE void expect(bool) {}
};
using chain = au::chain<au::resize, au::apply_with_probability<brighter>>;
template void chain::apply(au::block_context<any_block>&, const chain::record&, px::image_view<const float>, px::image_view<float>) const;
int main() {}
