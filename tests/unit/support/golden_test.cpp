// SPDX-License-Identifier: BSD-3-Clause
#include "support/golden.hpp"

#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "pretext/core/error.hpp"
#include "support/catch.hpp"

using pretext::index_t;

TEST_CASE("golden: the formula's parts have their published values", "[support][golden]") {
  CHECK(golden::fnv1a("") == 0x811C9DC5u);
  CHECK(golden::fnv1a("a") == 0xE40C292Cu);
  CHECK(golden::fnv1a("foobar") == 0xBF9CF968u);
  CHECK(golden::mix32(0) == 0);
  for (index_t k = 0; k < 1000; ++k) {
    const double u = golden::uniform(golden::fnv1a("x"), k);
    REQUIRE((u > -1 && u < 1));
  }
}

TEST_CASE("golden: parameters by formula are those that Python computed", "[support][golden]") {
  const golden::file steps("simclr_steps");
  const auto names = steps.cases("initial.", "");
  REQUIRE(names.size() == 10);
  for (const std::string& name : names) {
    INFO(name);
    const golden::tensor stored = steps["initial." + name];
    const std::vector<double> computed = golden::parameter(name, stored.extents);
    REQUIRE(computed.size() == stored.values.size());
    for (std::size_t i = 0; i < computed.size(); ++i)
      REQUIRE(static_cast<double>(static_cast<float>(computed[i])) == Approx(stored.values[i]).epsilon(1e-7));
  }
}

TEST_CASE("golden: a convolution by plain loops gives the stored values in the documented layout", "[support][golden]") {
  const golden::file layers("layers");
  const auto cases = layers.cases("conv2d.", ".weight");
  CHECK(cases.size() == 14);
  for (const std::string& name : cases) {
    INFO(name);
    // <kernel>x<kernel>s<stride>p<padding>g<groups><word>
    const index_t stride = name[4] - '0', padding = name[6] - '0', groups = name[8] - '0';
    const auto x = layers["conv2d." + name + ".x"], w = layers["conv2d." + name + ".weight"],
               bias = layers["conv2d." + name + ".bias"], y = layers["conv2d." + name + ".y"];
    const index_t height = x.extents[2], width = x.extents[3], channels = x.extents[1], kernel = w.extents[2];
    const index_t outs = w.extents[0], ins = w.extents[1], rows = y.extents[2], columns = y.extents[3];
    REQUIRE(ins * groups == channels);
    REQUIRE(rows == (height + 2 * padding - kernel) / stride + 1);
    std::vector<double> mine;
    for (index_t b = 0; b < x.extents[0]; ++b)
      for (index_t o = 0; o < outs; ++o)
        for (index_t r = 0; r < rows; ++r)
          for (index_t c = 0; c < columns; ++c) {
            double sum = bias[o];
            for (index_t i = 0; i < ins; ++i)
              for (index_t u = 0; u < kernel; ++u)
                for (index_t v = 0; v < kernel; ++v) {
                  const index_t yy = r * stride - padding + u, xx = c * stride - padding + v;
                  const index_t channel = o / (outs / groups) * ins + i;
                  if (yy >= 0 && yy < height && xx >= 0 && xx < width)
                    sum += w[((o * ins + i) * kernel + u) * kernel + v] * x[((b * channels + channel) * height + yy) * width + xx];
                }
            mine.push_back(sum);
          }
    CHECK(golden::relative_error(mine, y) < 1e-13);
    mine.back() += 1;
    CHECK(golden::relative_error(mine, y) > 1e-3);
  }
}

TEST_CASE("golden: every stored gradient of NT-Xent is orthogonal to its rows, since cosine ignores length", "[support][golden]") {
  const golden::file objectives("objectives");
  const auto cases = objectives.cases("nt_xent.cosine.", ".dz");
  CHECK(cases.size() == 18);
  for (const std::string& name : cases) {
    INFO(name);
    const auto z = objectives["z." + name.substr(0, name.find("tau"))], dz = objectives["nt_xent.cosine." + name + ".dz"];
    REQUIRE(z.extents == dz.extents);
    for (index_t i = 0; i < z.extents[0]; ++i) {
      double along = 0;
      for (index_t d = 0; d < z.extents[1]; ++d) along += z[i * z.extents[1] + d] * dz[i * z.extents[1] + d];
      REQUIRE(std::fabs(along) < 1e-13);
    }
  }
}

TEST_CASE("golden: resnet_names.txt has torchvision's number of entries per net", "[support][golden]") {
  std::ifstream names(golden::folder() + "/resnet_names.txt");
  REQUIRE(names);
  std::vector<int> counts, claimed;
  for (std::string line; std::getline(names, line);) {
    if (line.starts_with("# ")) {
      claimed.push_back(std::stoi(line.substr(line.rfind(' '))));
      counts.push_back(0);
    } else {
      ++counts.back();
    }
  }
  CHECK(counts == claimed);
  CHECK(counts == std::vector<int>{122, 218, 320});
}

TEST_CASE("golden: the error measure sees one wrong value, a wrong size and a value that is not finite", "[support][golden]") {
  const golden::tensor reference{{4}, {1, -2, 3, 4}};
  CHECK(golden::relative_error(std::vector<float>{1, -2, 3, 4}, reference) == 0);
  CHECK(golden::relative_error(std::vector<float>{1, -2, 3, 4.4f}, reference) == Approx(0.1).epsilon(1e-5));
  CHECK(golden::relative_error(std::vector<double>{1, -2, 3}, reference) == HUGE_VAL);
  CHECK(golden::relative_error(std::vector<double>{1, -2, 3, std::nan("")}, reference) == HUGE_VAL);
  CHECK(golden::relative_error(std::vector<double>{1, -2, 3, std::numeric_limits<double>::infinity()}, reference) == HUGE_VAL);
  CHECK(golden::relative_error(std::vector<double>{0.5, 0, 0, 0}, golden::tensor{{4}, {0, 0, 0, 0}}) == 0.5);
}

TEST_CASE("golden: a name that is not there is an error that says so", "[support][golden]") {
  const golden::file layers("layers");
  CHECK_THROWS_AS(layers["no.such.tensor"], pretext::error);
  CHECK_THROWS_AS(golden::file("no_such_area"), pretext::error);
}
