// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/parameters.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "pretext/nn/activation.hpp"
#include "pretext/nn/batch_norm.hpp"
#include "pretext/nn/conv2d.hpp"
#include "pretext/nn/linear.hpp"
#include "pretext/nn/residual.hpp"
#include "pretext/nn/sequential.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace nn = pretext::nn;
using px::extents;
using px::index_t;
using px::initialiser;
using px::parameter_entry;

namespace {

using network = nn::sequential<nn::conv2d<6, 3, nn::groups<2>>, nn::batch_norm, nn::relu, nn::residual<nn::conv2d<6, 1>>>;
const auto bound = nn::bind(network{}, px::image<4, 5, 5>{});

px::parameter_table table_of(const auto& layer) {
  px::parameter_table t;
  px::table_builder b(t);
  b.child("encoder", layer);
  return t;
}

parameter_entry plain(extents shape, initialiser start) {
  return {.name = "p", .file_shape = shape, .layout = {}, .size = shape.size(), .start = start};
}
std::vector<double> started(const std::vector<parameter_entry>& list, index_t size, std::uint64_t seed, std::uint64_t first = 0) {
  std::vector<double> v(static_cast<std::size_t>(size), 99.0);
  px::initialise(list, v.data(), seed, first);
  return v;
}
}  // namespace

TEST_CASE("parameter table: names, shapes, roles and places of a small network", "[core][parameters]") {
  const px::parameter_table t = table_of(bound);
  std::vector<std::string> names;
  for (const auto& e : t.parameters) names.push_back(e.name);
  REQUIRE(names == std::vector<std::string>{"encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "encoder.1.bias", "encoder.3.main.weight", "encoder.3.main.bias"});
  CHECK(t.parameters[0].file_shape == extents(6, 2, 3, 3));  // as PyTorch: (out, in / groups, kernel, kernel)
  CHECK(t.parameters[4].file_shape == extents(6, 6, 1, 1));
  CHECK(t.parameters[0].what == px::role::weight);
  CHECK(t.parameters[1].what == px::role::bias);
  CHECK(t.parameters[2].what == px::role::scale);
  CHECK(t.parameters[0].depth == 0);
  CHECK(t.parameters[1].depth == 0);
  CHECK(t.parameters[2].depth == 1);
  CHECK(t.parameters[4].depth == 2);
  REQUIRE(t.buffers.size() == 3);
  CHECK(t.buffers[0].name == "encoder.1.running_mean");
  CHECK(t.buffers[2].name == "encoder.1.num_batches_tracked");
  CHECK(t.buffers[2].what == px::role::counter);
  CHECK(t.buffers[2].size == 1);
  CHECK(t.parameter_count() == 6 * 2 * 9 + 6 + 6 + 6 + 36 + 6);
}

TEST_CASE("parameter table: every entry starts at a multiple of 16 behind the one before, and the sizes agree with segment_of", "[core][parameters]") {
  const px::parameter_table t = table_of(bound);
  for (const auto* list : {&t.parameters, &t.buffers}) {
    index_t end = 0;
    for (const auto& e : *list) {
      CHECK(e.offset % px::parameter_alignment == 0);
      CHECK(e.offset == end);
      CHECK(e.size == e.file_shape.size());
      end = e.offset + px::padded(e.size);
    }
    CHECK(end == (list == &t.parameters ? t.parameter_extent : t.buffer_extent));
  }
  const px::segment_size s = px::segment_of(bound);
  CHECK(s.parameters == t.parameter_extent);
  CHECK(s.buffers == t.buffer_extent);
  static_assert(px::padded(0) == 0 && px::padded(1) == 16 && px::padded(16) == 16 && px::padded(17) == 32);
}

TEST_CASE("file order: a convolution with groups, element by element", "[core][parameters][layout]") {
  const px::parameter_table t = table_of(bound);
  const parameter_entry& e = t.parameters[0];  // groups 2, 3 outputs and 2 inputs each, 3 x 3
  std::vector<float> memory(static_cast<std::size_t>(e.size)), file(memory.size()), back(memory.size());
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
  px::to_file_order(e, memory.data(), file.data());
  // memory (group, ky, kx, in, out), file (group out, in, ky, kx)
  for (index_t g = 0; g < 2; ++g)
    for (index_t o = 0; o < 3; ++o)
      for (index_t c = 0; c < 2; ++c)
        for (index_t y = 0; y < 3; ++y)
          for (index_t x = 0; x < 3; ++x) {
            const index_t in_memory = (((g * 3 + y) * 3 + x) * 2 + c) * 3 + o, in_file = (((g * 3 + o) * 2 + c) * 3 + y) * 3 + x;
            REQUIRE(file[static_cast<std::size_t>(in_file)] == static_cast<float>(in_memory));
          }
  px::from_file_order(e, file.data(), back.data());
  CHECK(back == memory);
}

TEST_CASE("file order: there and back for all layers and odd sizes, also into another type", "[core][parameters][layout]") {
  const auto check = [](const auto& layer) {
    for (const auto& e : table_of(layer).parameters) {
      INFO(e.name);
      std::vector<double> memory(static_cast<std::size_t>(e.size)), back(memory.size());
      std::vector<float> file(memory.size(), -1);
      for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<double>(i) + 0.5;
      px::to_file_order(e, memory.data(), file.data());
      px::from_file_order(e, file.data(), back.data());
      CHECK(back == memory);
    }
  };
  check(nn::bind(nn::linear<7>{}, px::features<13>{}));
  check(nn::bind(nn::conv2d<1, 1>{}, px::image<1, 1, 1>{}));
  check(nn::bind(nn::conv2d<31, 5>{}, px::image<7, 9, 9>{}));
  check(nn::bind(nn::conv2d<12, 3, nn::groups<12>>{}, px::image<12, 9, 9>{}));
}

TEST_CASE("initialise: values do not depend on the layout", "[core][parameters][initialise]") {
  const px::parameter_table t = table_of(bound);
  std::vector<parameter_entry> as_files = t.parameters;
  for (auto& e : as_files) e.layout = {};
  const auto memory = started(t.parameters, t.parameter_extent, 3), file = started(as_files, t.parameter_extent, 3);
  CHECK(memory != file);
  for (const auto& e : t.parameters) {
    std::vector<double> ordered(static_cast<std::size_t>(e.size));
    px::to_file_order(e, memory.data() + e.offset, ordered.data());
    CHECK(std::equal(ordered.begin(), ordered.end(), file.begin() + e.offset));
  }
}

TEST_CASE("initialise: padding is never written", "[core][parameters][initialise]") {
  const px::parameter_table t = table_of(bound);
  const auto v = started(t.parameters, t.parameter_extent, 3);
  for (const auto& e : t.parameters)
    for (index_t i = e.offset + e.size; i < e.offset + px::padded(e.size); ++i) CHECK(v[static_cast<std::size_t>(i)] == 99.0);
}

TEST_CASE("initialise: a function of seed and position, float and double alike", "[core][parameters][initialise]") {
  const std::vector<parameter_entry> one{plain({5, 3}, initialiser::uniform(3))};
  CHECK(started(one, 16, 1) == started(one, 16, 1));
  CHECK(started(one, 16, 1) != started(one, 16, 2));
  CHECK(started(one, 16, 1) != started(one, 16, 1, 1));
  std::vector<float> single(16, 99.0f);
  px::initialise(one, single.data(), 1);
  const auto exact = started(one, 16, 1);
  for (std::size_t i = 0; i < 15; ++i) CHECK(single[i] == static_cast<float>(exact[i]));
  // the same tensor of a longer list has the same values
  std::vector<parameter_entry> two{one[0], plain({2}, initialiser::uniform(1))};
  two[1].offset = 16;
  const auto longer = started(two, 32, 1);
  CHECK(std::equal(exact.begin(), exact.begin() + 15, longer.begin()));
}

TEST_CASE("initialise: each kind of start has the distribution it names", "[core][parameters][initialise]") {
  constexpr index_t n = 20000;
  const auto moments = [](const std::vector<double>& v) {
    double mean = 0, squares = 0, largest = 0;
    for (const double x : v) {
      mean += x / n;
      squares += x * x / n;
      largest = std::max(largest, std::fabs(x));
    }
    return std::array<double, 3>{mean, std::sqrt(squares), largest};
  };
  const auto uniform = moments(started({plain({n}, initialiser::uniform(25, 2))}, n, 1));
  CHECK(std::fabs(uniform[0]) < 5 * 0.4 / std::sqrt(3.0 * n));
  CHECK(uniform[1] == Approx(0.4 / std::sqrt(3.0)).epsilon(0.02));
  CHECK(uniform[2] <= 0.4);
  CHECK(uniform[2] > 0.399);
  const auto fan = moments(started({plain({n}, initialiser::normal_by_fan(50, std::sqrt(2.0)))}, n, 1));
  CHECK(fan[1] == Approx(0.2).epsilon(0.02));
  CHECK(fan[2] > 0.6);
  const auto normal = moments(started({plain({n}, initialiser::normal(3))}, n, 1));
  CHECK(std::fabs(normal[0]) < 5 * 3 / std::sqrt(static_cast<double>(n)));
  CHECK(normal[1] == Approx(3).epsilon(0.02));
  CHECK(started({plain({2}, initialiser::constant(7))}, 2, 1) == std::vector<double>{7, 7});
  CHECK(started({plain({1}, initialiser::minus_log(0.1))}, 1, 1)[0] == Approx(std::log(10.0)).epsilon(1e-10));
  CHECK(started({plain({2, 2}, initialiser::identity())}, 4, 1) == std::vector<double>{1, 0, 0, 1});
  CHECK(started({plain({}, initialiser::constant(4))}, 1, 1) == std::vector<double>{4});
}

TEST_CASE("parameter_reader: hands out a layer's tensors where the table says they are", "[core][parameters]") {
  const px::parameter_table t = table_of(bound);
  std::vector<float> weights(static_cast<std::size_t>(t.parameter_extent)), buffers(static_cast<std::size_t>(t.buffer_extent)), gradients(weights.size());
  const px::parameter_view<float> all{weights.data(), buffers.data()};
  px::parameter_reader children(all);
  px::gradient_reader gradient_children(px::gradient_view<float>{gradients.data()});
  const auto convolution = px::nn::detail::child<0>(bound.children);
  const auto norm = px::nn::detail::child<1>(bound.children);
  px::parameter_reader first(children.child(convolution));
  CHECK(first.parameter(convolution.weight_extents()).data == weights.data());
  CHECK(first.parameter({6}).data == weights.data() + t.parameters[1].offset);
  px::parameter_reader second(children.child(norm));
  CHECK(second.parameter({6}).data == weights.data() + t.parameters[2].offset);
  CHECK(second.buffer({6}).data == buffers.data());
  CHECK(second.buffer({6}).data == buffers.data() + t.buffers[1].offset);
  (void)gradient_children.child(convolution);
  px::gradient_reader gradient(gradient_children.child(norm));
  CHECK(gradient.parameter({6}).data == gradients.data() + t.parameters[2].offset);
  // on a plan there is no memory, and everything stays null
  px::parameter_reader nothing(px::parameter_view<float>{});
  (void)nothing.child(convolution);
  CHECK(nothing.parameter({6}).data == nullptr);
  static_assert(!px::is_wanted<px::no_gradient> && px::is_wanted<px::gradient_view<float>>);
}
