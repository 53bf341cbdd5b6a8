// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <type_traits>

#include "../augment/block_context.hpp"
#include "../augment/views.hpp"
#include "../core/image.hpp"
#include "../core/step_inputs.hpp"
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
/// one size; a family with several sizes makes one writer per group. It holds the views' numbers itself and everything else by
/// address, so that a back end may copy its bytes to where it runs, and run it again for a later step.
template <class Views, class T>
struct view_writer {
  Views views;
  image_list in;
  tensor_view<T> out;  // (V B, H, W, C)
  moving_key key;
  index_t scratch_floats = 0;
  augment::image_size size;
  int first = 0;       // the number of its first view

  constexpr view_writer(const Views& v, const image_list& list, tensor_view<T> o, const moving_key& k, augment::image_size source, int g = -1)
      : views(v), in(list), out(o), key(k), size{o.extent(1), o.extent(2), o.extent(3)}, first(g < 0 ? 0 : Views::first_view(g)) {
    scratch_floats = v.scratch_floats(source, size) + (std::is_same_v<T, float> ? 0 : size.size());
  }

  void operator()(index_t i, tensor_view<float> scratch) const {
    augment::context memory{{scratch.data, static_cast<std::size_t>(scratch.size())}};
    write(memory, i);
  }
  /// The same by a block of threads of a GPU.
  static constexpr bool shares_work = true;
  PRETEXT_EITHER_SIDE template <class Block>
  PRETEXT_HOST_DEVICE void write_shared(Block& block, float* scratch, index_t floats, index_t i) const {
    augment::block_context<Block> context(block, scratch, floats);
    write(context, i);
  }
  /// The same by whoever works in a context: a thread of the CPU, or a block of threads of a GPU.
  PRETEXT_EITHER_SIDE template <class Context>
  PRETEXT_HOST_DEVICE void write(Context& memory, index_t i) const {
    const index_t b = i % in.size, pixels = size.size();
    const int number = first + static_cast<int>(i / in.size);
    const rng::key own = key.with_sample(in.ids == nullptr ? static_cast<std::uint64_t>(b) : in.ids[b]);
    T* const place = out.data + i * pixels;
    if constexpr (std::is_same_v<T, float>) {
      views.make(memory, own, number, in.images[b], image_view<float>{place, size.height, size.width, size.channels});
    } else {
      const image_view<float> made{memory.take(pixels), size.height, size.width, size.channels};
      views.make(memory, own, number, in.images[b], made);
      memory.for_each(pixels, [&](index_t k) { place[k] = static_cast<T>(made.data[k]); });
    }
  }
};

}  // namespace pretext::method
