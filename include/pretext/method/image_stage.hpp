// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../backend/context.hpp"
#include "../backend/ops/views.hpp"
#include "view_writer.hpp"

namespace pretext::method {

/// What families of images share: the size of the encoder's input and of the sources, and views written into a batch.
/// `Family` derives from it and has `views_type`, `encoder()`, `chosen()`, and in its settings views, input_height,
/// input_width, input_channels, source_height and source_width.
template <class Family>
class image_stage {
 public:
  constexpr augment::image_size input_size() const {
    const auto& in = self().encoder().layer.input;
    return {in[0], in[1], in[2]};
  }
  /// Images larger than this need a new plan.
  constexpr augment::image_size source_size() const {
    const augment::image_size in = input_size();
    const auto& s = self().chosen();
    return {s.source_height > 0 ? s.source_height.value() : in.height, s.source_width > 0 ? s.source_width.value() : in.width,
            in.channels};
  }
  void set_source_size(index_t height, index_t width) {
    auto& s = static_cast<Family&>(*this).settings_;
    s.source_height = height;
    s.source_width = width;
  }

 protected:
  /// The visits of the five sizes, for the settings' `fields`.
  template <class Self, class Visit>
  static constexpr void size_fields(Self& self, Visit&& visit) {
    visit("input_height", self.input_height);
    visit("input_width", self.input_width);
    visit("input_channels", self.input_channels);
    visit("source_height", self.source_height);
    visit("source_width", self.source_width);
  }
  /// The images of a batch where the back end reads them. What its kernels could only stop at is refused here.
  template <class Placer>
  image_list placed_images(const image_list& in, Placer& place) const {
    if (in.images != nullptr)  // null on a plan
      for (index_t i = 0; i < in.size; ++i) self().chosen().views.check_source(augment::size_of(in.images[i]), source_size(), input_size());
    return place.images(in, source_size().size());
  }
  /// (V B, H, W, C), view by view
  template <class S, class T = typename S::value_type>
  constexpr activations<const T> write_views(S& s, const image_list& in) const {
    using views_type = typename Family::views_type;
    const extents one = self().encoder().layer.input;
    const activations<T> x(s.ctx.take(one.prepend(views_type::view_count * in.size)));
    const moving_key key(rng::key{}, s.inputs, moving_key::by::epoch);
    s.ctx(op::for_each_sample, view_writer<views_type, T>(self().chosen().views, in, x, key, source_size()), x.extent(0));
    return x;
  }

 private:
  constexpr const Family& self() const { return static_cast<const Family&>(*this); }
};

}  // namespace pretext::method
