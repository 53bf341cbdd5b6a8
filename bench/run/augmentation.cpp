// SPDX-License-Identifier: BSD-3-Clause
// SimCLR's augmentation, bytes in and floats out, one view an image: crop, flip, colour jitter (p 0.8), grayscale (p 0.2), and
// from 96 pixels on blur (p 0.5).
#include <cmath>
#include <string>
#include <type_traits>

#include <pretext/augment/augment.hpp>
#include <pretext/method/view_writer.hpp>

#include "bench.hpp"

namespace {

using namespace bench;
namespace augment = px::augment;

using small_chain = augment::chain<augment::random_resized_crop, augment::horizontal_flip,
                                   augment::apply_with_probability<augment::color_jitter, 80>, augment::grayscale>;
using large_chain = augment::chain<augment::random_resized_crop, augment::horizontal_flip,
                                   augment::apply_with_probability<augment::color_jitter, 80>, augment::grayscale,
                                   augment::apply_with_probability<augment::gaussian_blur, 50>>;

/// What was decided for an image, for the peer to do the same: box, flip, jitter, grey, blur.
template <class Record>
std::vector<float> decisions(const Record& r) {
  const augment::box& b = augment::get<0>(r).part;
  const auto& jitter = augment::get<2>(r);
  const auto& c = jitter.inner;
  std::vector<float> v{static_cast<float>(b.top), static_cast<float>(b.left), static_cast<float>(b.height), static_cast<float>(b.width),
                       augment::get<1>(r).flipped ? 1.0f : 0.0f, jitter.applied ? 1.0f : 0.0f, c.brightness, c.contrast, c.saturation, c.hue};
  for (const auto which : c.order) v.push_back(static_cast<float>(which));
  v.push_back(augment::get<3>(r).grey ? 1.0f : 0.0f);
  if constexpr (std::is_same_v<Record, large_chain::record>) {
    const auto& blur = augment::get<4>(r);
    v.insert(v.end(), {blur.applied ? 1.0f : 0.0f, blur.inner.sigma, static_cast<float>(blur.inner.kernel)});
  } else {
    v.insert(v.end(), {0.0f, 1.0f, 1.0f});
  }
  return v;
}

template <class Chain>
void run_one(const options& o, backend_type& be, index_t side, index_t images) {
  const std::string name = std::to_string(side) + " pixels";
  if (!o.wants(name)) return;
  if (o.list) return void(std::printf("%s\n", name.c_str()));
  if (o.exports()) images = 12;

  // Soft pictures with some grain: what is saturated or flat would be cheaper to change.
  const index_t pixels = side * side * 3;
  const tensor grain(px::extents(images, side, side, 3));
  fill(grain.view(), 1, -20, 20);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(images * pixels));
  for (index_t i = 0; i < images * pixels; ++i) {
    const double y = static_cast<double>(i / (side * 3) % side) / static_cast<double>(side), x = static_cast<double>(i / 3 % side) / static_cast<double>(side);
    const double wave = 128 + 100 * std::sin(6 * x + static_cast<double>(i % 3) * 2 + static_cast<double>(i / pixels)) * std::cos(5 * y);
    bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(std::clamp(wave + static_cast<double>(grain.in()[i]), 0.0, 255.0));
  }
  std::vector<px::image_view<const std::uint8_t>> sources;
  std::vector<std::uint64_t> ids;
  for (index_t b = 0; b < images; ++b) {
    sources.push_back({bytes.data() + b * pixels, side, side, 3});
    ids.push_back(static_cast<std::uint64_t>(b));
  }

  using views_type = augment::views<augment::group<Chain, 1>>;
  const views_type views{};
  const tensor out(px::extents(images, side, side, 3));
  const px::image_list in{sources.data(), ids.data(), images};
  px::rng::key key{.seed = 1};
  planned ours(be, [&](const auto& ctx) {
    ctx(px::op::for_each_sample, px::method::view_writer<views_type, float>(views, in, out.view(), key, {side, side, 3}), images);
  });
  if (!o.exports())
    return report(o, "augmentation", name, {.scratch_mb = ours.scratch_mb(), .items = static_cast<double>(images)}, [&] {
      ++key.epoch;  // other draws each time, as in training
      ours();
    });
  ours();
  tensor as_floats(out.shape);
  for (index_t i = 0; i < images * pixels; ++i) as_floats.view()[i] = static_cast<float>(bytes[static_cast<std::size_t>(i)]);
  std::vector<float> all_decisions;
  for (const std::uint64_t id : ids) {
    const augment::image_size size{side, side, 3};
    const auto one = decisions(views.template chain_of<0>().draw(key.with_sample(id).with_view(0), size, size));
    all_decisions.insert(all_decisions.end(), one.begin(), one.end());
  }
  archive all;
  all.add("images", as_floats);
  all.add("decisions", px::tensor_view<const float>{all_decisions.data(), {images, static_cast<index_t>(all_decisions.size()) / images}});
  all.add("views", out);
  all.write(o, "augmentation", name);
}

void measure(const options& o) {
  backend_type be(o.threads);
  run_one<small_chain>(o, be, 32, 256);
  run_one<large_chain>(o, be, 96, 64);
  run_one<large_chain>(o, be, 224, 16);
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
