// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/check/encoder.hpp>
#include <pretext/nn/activation.hpp>
#include <pretext/nn/batch_norm.hpp>
#include <pretext/nn/conv2d.hpp>
#include <pretext/nn/linear.hpp>
#include <pretext/nn/pool2d.hpp>
#include <pretext/nn/sequential.hpp>

#include "support/catch.hpp"

namespace px = pretext;
namespace nn = pretext::nn;

TEST_CASE("check::encoder: the page's encoder obeys every law", "[check][encoder][docs]") {
  // [doc:own_encoder]
  using my_encoder = nn::sequential<nn::conv2d<8, 3, nn::stride<2>>, nn::batch_norm, nn::relu,
                                    nn::conv2d<16, 3>, nn::batch_norm, nn::relu, nn::global_avg_pool>;
  const px::check::result found = px::check::encoder(my_encoder{}, px::image<1, 12, 12>{});
  // [/doc:own_encoder]
  INFO(found.text());
  CHECK(found.ok());
}

namespace {

enum class mistake { none, constant, not_finite_when_dark, same_names, map_output, adds_to_dx };
/// The mean colour of a picture, divided by its length plus a bit.
template <mistake M>
struct mean_colour {
  template <class In>
  struct bound : nn::bound_base<mean_colour, In> {
    using base = nn::bound_base<mean_colour, In>;
    using base::base;
    template <class T>
    struct cache {};
    constexpr auto output() const {
      if constexpr (M == mistake::map_output)
        return px::shape<1, px::static_extent<In, 2>>{};
      else
        return px::shape<px::static_extent<In, 2>>{};
    }
    template <class V>
    constexpr void parameters(V& v) const {
      v.parameter({.name = "weight", .file_shape = {1}});
      if (M == mistake::same_names) v.parameter({.name = "weight", .file_shape = {1}});
    }
    template <class Ctx, class T>
    constexpr void forward(const Ctx& ctx, px::parameter_view<T>, px::activations<const T> x, px::activations<T> y, cache<T>&) const {
      ctx(px::op::spatial_mean, x, y);
      if (M == mistake::constant) ctx(px::op::fill, T(0.5), y);
      if (M == mistake::not_finite_when_dark && y.data != nullptr)
        for (px::index_t i = 0; i < y.size(); ++i) y[i] = y[i] / (y[i] * y[i]);
    }
    template <class Ctx, class T, class Dx, class Dp>
    constexpr void backward(const Ctx& ctx, px::parameter_view<T>, px::activations<const T>, const cache<T>&, px::activations<const T> dy,
                            Dx dx, Dp) const {
      if constexpr (px::is_wanted<Dx>) {
        if (M == mistake::adds_to_dx) {
          const px::activations<T> own(ctx.take(dx.shape));
          ctx(px::op::spatial_mean_backward, dy, own);
          ctx(px::op::add, px::as_const(own), dx);
        } else {
          ctx(px::op::spatial_mean_backward, dy, dx);
        }
        if (M == mistake::constant) ctx(px::op::fill, T(0), dx);
      }
    }
  };
};
template <mistake M>
px::check::result planted() {
  return px::check::encoder(mean_colour<M>{}, px::image<2, 3, 3>{});
}

}  // namespace

TEST_CASE("check::encoder: planted defects are named", "[check][encoder]") {
  INFO(planted<mistake::none>().text());
  CHECK(planted<mistake::none>().ok());
  CHECK(planted<mistake::constant>().broken("different samples have different features"));
  CHECK(planted<mistake::not_finite_when_dark>().broken("pictures of one colour stay finite"));
  CHECK(planted<mistake::same_names>().broken("names in the table are unique"));
  CHECK(planted<mistake::map_output>().broken("the output is a row of features"));
  CHECK(planted<mistake::adds_to_dx>().broken("the input gradient is written, not added"));
  // A layer's law, found through the encoder's kit: the gradient was not changed along with the value.
  CHECK(planted<mistake::not_finite_when_dark>().broken("the input gradient agrees with differences"));
}
