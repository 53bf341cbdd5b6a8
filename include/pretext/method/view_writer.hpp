// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "../augment/views.hpp"
#include "../core/image.hpp"
#include "../core/rng.hpp"
#include "../core/tensor.hpp"

namespace pretext::method {

/// The input shape of an image recipe: static extents as the type says, dynamic ones from the settings.
/// errors  pretext[value.305] a dynamic extent that was not given
template <class In>
constexpr In image_input(index_t height, index_t width, index_t channels) {
  static_assert(In::rank == 3, "pretext[recipe.105] this family takes images: `using input = image<C, H, W>`");
  const index_t given[3]{height, width, channels};
  extents e;
  e.rank = 3;
  for (int i = 0; i < 3; ++i) {
    const index_t fixed = In::fixed[static_cast<std::size_t>(i)];
    e[i] = fixed == dynamic ? given[i] : fixed;
    expects(e[i] >= 1, "value.305", "the input's height, width or channels are dynamic and not given; set input_height, input_width, input_channels");
  }
  return In(e);
}

/// Writes view v of sample b into row v B + b of a batch buffer, for op::for_each_sample. All groups of `Views` must have
/// one size; a family with several sizes makes one writer per group.
template <class Views, class T>
struct view_writer {
  const Views* views = nullptr;
  image_list in;
  tensor_view<T> out;  // (V B, H, W, C)
  rng::key key;
  index_t scratch_floats = 0;
  int group = -1;      // -1: all groups, one after the other

  constexpr view_writer(const Views& v, const image_list& list, tensor_view<T> o, rng::key k, augment::image_size source, int g = -1)
      : views(&v), in(list), out(o), key(k), group(g) {
    const augment::image_size target{o.extent(1), o.extent(2), o.extent(3)};
    scratch_floats = v.scratch_floats(source, target) + (std::is_same_v<T, float> ? 0 : target.size());
  }

  void operator()(index_t i, tensor_view<float> scratch) const {
    const index_t b = i % in.size;
    int number = static_cast<int>(i / in.size), of = group < 0 ? 0 : group;
    if (group < 0)
      while (number >= Views::count(of)) number -= Views::count(of++);
    augment::context memory{{scratch.data, static_cast<std::size_t>(scratch.size())}};
    const index_t pixels = out.size() / out.extent(0);
    const rng::key own = key.with_sample(in.ids == nullptr ? static_cast<std::uint64_t>(b) : in.ids[b]);
    T* const place = out.data + i * pixels;
    if constexpr (std::is_same_v<T, float>) {
      views->write(memory, own, of, number, in.images[b], image_view<float>{place, out.extent(1), out.extent(2), out.extent(3)});
    } else {
      const image_view<float> made{memory.take(pixels), out.extent(1), out.extent(2), out.extent(3)};
      views->write(memory, own, of, number, in.images[b], made);
      for (index_t k = 0; k < pixels; ++k) place[k] = static_cast<T>(made.data[k]);
    }
  }
};

}  // namespace pretext::method
