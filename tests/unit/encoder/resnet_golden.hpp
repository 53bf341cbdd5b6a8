// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fstream>
#include <sstream>
#include <utility>

#include "network.hpp"
#include "pretext/encoder/resnet.hpp"
#include "support/catch.hpp"

/// One network against torchvision's: names, sizes, features and gradients.
namespace resnet_golden {

using namespace network;

/// Any size: the blocks behind both stems are then the same types, compiled once.
using picture = px::image<3, px::dynamic, px::dynamic>;

/// The lines of a net in the names file, fc left out: (name, shape as text).
inline std::vector<std::pair<std::string, std::string>> names_of(const std::string& net) {
  std::ifstream in(golden::folder() + "/resnet_names.txt");
  std::vector<std::pair<std::string, std::string>> found;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first, second, third;
    words >> first >> second >> third;
    if (first == "#")
      inside = second == net;
    else if (inside && !first.starts_with("fc."))
      found.emplace_back(first, third);
  }
  return found;
}
inline std::string text(const px::extents& e) {
  std::string s = "[";
  for (int i = 0; i < e.rank; ++i) s += (i == 0 ? "" : ",") + std::to_string(e[i]);
  return s + "]";
}

template <class Spec>
void check_names(const std::string& net, index_t with_classifier) {
  const runner<Spec, picture> r(picture(px::extents(64, 64, 3)));
  std::vector<std::pair<std::string, std::string>> parameters, buffers;
  for (auto& line : names_of(net)) (line.first.find("running_") != std::string::npos || line.first.ends_with("tracked") ? buffers : parameters).push_back(line);
  REQUIRE(parameters.size() > 50);
  REQUIRE(r.table.parameters.size() == parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    REQUIRE(r.table.parameters[i].name == parameters[i].first);
    REQUIRE(text(r.table.parameters[i].file_shape) == parameters[i].second);
  }
  REQUIRE(r.table.buffers.size() == buffers.size());
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    REQUIRE(r.table.buffers[i].name == buffers[i].first);
    REQUIRE(text(r.table.buffers[i].file_shape) == buffers[i].second);
  }
  const index_t width = static_cast<px::extents>(r.layer.output()).size();
  CHECK(r.table.parameter_count() + 1000 * width + 1000 == with_classifier);
}

template <class Spec>
void check_numbers(const std::string& net, const std::string& stem, index_t size) {
  static const golden::file file("resnet");
  const std::string prefix = net + "." + stem + ".";
  runner<Spec, picture, patches> r(picture(px::extents(size, size, 3)));
  r.fill_by_formula();
  CHECK(r.table.parameter_count() == static_cast<index_t>(file.number(prefix + "encoder_parameters")));
  const std::vector<double> x = channels_last(golden::uniform("input", 2 * 3 * size * size), 2, 3, size, size);
  const index_t width = static_cast<px::extents>(r.layer.output()).size();
  const std::vector<double> coefficients = golden::uniform("coefficients", 2 * width);
  std::vector<double> dx;
  const std::vector<double> h = r.run({2, size, size, 3}, x, px::run_mode::train, &coefficients, &dx);
  const auto same = [&](const std::vector<double>& mine, const std::string& name) {
    INFO(prefix + name);
    CHECK(golden::relative_error(mine, file[prefix + name]) < 1e-10);
  };
  same(h, "h_train");
  same({norm(dx)}, "input_grad_norm");
  std::vector<double> norms;
  for (const auto& e : r.table.parameters) norms.push_back(norm(r.gradient(e.name)));
  same(norms, "gradient_norms");
  // Every norm by itself as well: a small one must not hide behind a large one.
  const golden::tensor expected = file[prefix + "gradient_norms"];
  for (std::size_t i = 0; i < norms.size(); ++i) {
    INFO(r.table.parameters[i].name);
    CHECK(norms[i] == Approx(expected.values[i]).epsilon(1e-10));
  }
  for (const char* name : {"bn1.weight", "bn1.bias", "conv1.weight"})
    if (file.has(prefix + name + ".grad")) same(r.gradient(name), std::string(name) + ".grad");
  for (const std::string& name : file.cases(prefix, ".running_mean")) {
    same(r.buffer(name + ".running_mean"), name + ".running_mean");
    same(r.buffer(name + ".running_var"), name + ".running_var");
  }
  same(r.run({2, size, size, 3}, x, px::run_mode::evaluate), "h_eval");
}

}  // namespace resnet_golden
