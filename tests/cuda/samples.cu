// SPDX-License-Identifier: BSD-3-Clause
// ptx: shared_sample_kernel has bar.sync
#include <cmath>
#include <vector>

#include "pretext/augment/augment.hpp"
#include "pretext/augment/text/hide.hpp"
#include "pretext/method/hide_tokens.hpp"
#include "pretext/method/noise.hpp"
#include "pretext/method/view_writer.hpp"
#include "staged.cuh"

namespace au = pretext::augment;
using namespace pretext;

namespace {

/// Pictures in memory of the device and of the host.
struct sources {
  std::vector<std::uint8_t> bytes;
  std::vector<image_view<const std::uint8_t>> here, there;
  std::vector<std::uint64_t> ids;
  backend::device_buffer<std::uint8_t> pixels;
  backend::device_buffer<image_view<const std::uint8_t>> images;
  backend::device_buffer<std::uint64_t> numbers;

  sources(index_t count, index_t side, index_t channels) : pixels(count * side * side * channels), images(count), numbers(count) {
    std::uint32_t seed = 3;
    for (index_t i = 0; i < pixels.size(); ++i) bytes.push_back(static_cast<std::uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24));
    for (index_t i = 0; i < count; ++i) {
      const index_t at = i * side * side * channels, h = side - i % 3, w = side - i % 2;
      here.push_back({bytes.data() + at, h, w, channels});
      there.push_back({pixels.data() + at, h, w, channels});
      ids.push_back(static_cast<std::uint64_t>(40 + 3 * i));
    }
    pixels.upload(bytes.data());
    images.upload(there.data());
    numbers.upload(ids.data());
  }
};

/// All views of some pictures on the GPU and by the reference: within `tolerance`, and the same bits every time.
template <class Views>
void agrees(check::result& r, backend::cuda<>& be, const char* what, const Views& views, index_t side, double tolerance) {
  for (const index_t channels : {1, 3}) {
    const index_t count = 300, from = 40, rows = count * Views::view_count;
    const sources in(count, from, channels);
    const extents shape{rows, side, side, channels};
    const rng::key key{.seed = 11, .epoch = 1};
    const au::image_size largest{from, from, channels};
    std::vector<float> wanted(static_cast<std::size_t>(shape.size())), got(wanted.size()), again(wanted.size());
    {
      const method::view_writer<Views, float> writer(views, {in.here.data(), in.ids.data(), count}, {wanted.data(), shape}, key, largest);
      buffer<std::byte> block(static_cast<index_t>(backend::reference::scratch_bytes(op::for_each_sample, writer, rows)) + 64);
      workspace memory(block.data(), block.bytes() / 64 * 64);
      backend::reference().run(op::for_each_sample, memory, writer, rows);
    }
    const backend::device_buffer<float> out(shape.size());
    const method::view_writer<Views, float> writer(views, {in.images.data(), in.numbers.data(), count}, {out.data(), shape}, key, largest);
    const auto bytes = (be.scratch_bytes(op::for_each_sample, writer, rows) + 63) / 64 * 64;
    const backend::device_buffer<std::byte> block(static_cast<index_t>(bytes));
    for (std::vector<float>* to : {&got, &again}) {
      workspace memory(block.data(), bytes);
      be.run(op::for_each_sample, memory, writer, rows);
      be.synchronise();
      out.download(to->data(), be.stream());
    }
    double most = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double d = std::fabs(static_cast<double>(got[i]) - static_cast<double>(wanted[i]));
      if (!(d <= most)) most = d;
    }
    r.add(std::string(what) + ": the views of the reference", most <= tolerance, most <= tolerance ? "" : "off by " + std::to_string(most));
    r.add(std::string(what) + ": the same bits twice", got == again);
  }
}

/// Writers that work alone: hidden tokens to the bit, noise but for the rounding of its last digit.
void alone(check::result& r, backend::cuda<>& be) {
  using policy_type = au::bert_masking;
  const policy_type policy{};
  const index_t n = 200, length = 24, capacity = policy.capacity(length);
  const au::token_ids ids(60, 1, {});
  std::vector<std::int32_t> text(static_cast<std::size_t>(n * length)), lengths;
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::int32_t>(2 + i * 7 % 50);
  for (index_t i = 0; i < n; ++i) lengths.push_back(static_cast<std::int32_t>(i % (length + 1)));
  const index_t row = n * length, slots = n * capacity, size = 2 * row + 2 * slots + n;
  const auto over = [&](std::int32_t* at, const std::int32_t* words, const std::int32_t* long_) {
    method::token_batch in;
    in.tokens = words, in.lengths = long_, in.samples = n, in.length = length;
    return method::token_hider<policy_type>{policy, ids, in, rng::key{.seed = 4}, capacity, at, at + row, at + row + slots, at + row + 2 * slots,
                                            at + row + 2 * slots + n};
  };
  std::vector<std::int32_t> wanted(static_cast<std::size_t>(size)), got(wanted.size());
  workspace none;
  backend::reference().run(op::for_each_sample, none, over(wanted.data(), text.data(), lengths.data()), n);
  const backend::device_buffer<std::int32_t> words(n * length), long_(n), out(size);
  words.upload(text.data());
  long_.upload(lengths.data());
  be.run(op::for_each_sample, none, over(out.data(), words.data(), long_.data()), n);
  be.synchronise();
  out.download(got.data(), be.stream());
  r.add("token_hider: the tokens of the reference", got == wanted);

  std::vector<float> sums(static_cast<std::size_t>(n * 5)), there(sums.size());
  backend::reference().run(op::for_each_sample, none, method::noise_adder<float>{rng::key{.seed = 4}, sums.data(), 5}, n);
  const backend::device_buffer<float> noise(n * 5);
  be.run(op::for_each_sample, none, method::noise_adder<float>{rng::key{.seed = 4}, noise.data(), 5}, n);
  be.synchronise();
  noise.download(there.data(), be.stream());
  double most = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) most = std::fmax(most, std::fabs(static_cast<double>(sums[i]) - static_cast<double>(there[i])));
  r.add("noise_adder: the noise of the reference", most <= 1e-6);
}

}  // namespace

int main() {
  using simclr = au::chain<au::random_resized_crop, au::horizontal_flip, au::apply_with_probability<au::color_jitter, 80>, au::grayscale,
                           au::apply_with_probability<au::gaussian_blur>, au::normalize>;
  using shapes = au::chain<au::gaussian_noise, au::cutout, au::random_crop, au::vertical_flip, au::affine, au::rotation>;
  using plain = au::chain<au::resized_center_crop, au::center_crop, au::solarize, au::resize>;
  return cuda_test::run_laws("augmentation", [](auto& r, auto&) {
    backend::cuda<> be;
    agrees(r, be, "simclr", au::two_views<simclr>(), 32, 5e-6);
    agrees(r, be, "simclr of small views", au::two_views<simclr>(), 5, 5e-6);
    agrees(r, be, "shapes and plain crops", au::asymmetric<shapes, plain>(), 24, 2e-6);
    alone(r, be);
  });
}
