// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/json_writer.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "pretext/core/rng.hpp"
#include "pretext/io/json.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace json = pretext::io::json;
using io_test::has;
using io_test::thrown;
using namespace std::string_literals;

TEST_CASE("json writer: objects and arrays are written on one line in the order of the calls", "[io][json]") {
  json::writer w;
  w.begin_object().member("step", 3).member("loss", 0.25f).member("name", "a").member("ok", true).member("none", nullptr);
  w.key("views").begin_array().value(1).value(std::uint64_t{18446744073709551615u}).begin_array().end_array().end_array();
  w.key("o").begin_object().end_object().end_object();
  CHECK(w.text() == R"({"step":3,"loss":0.25,"name":"a","ok":true,"none":null,"views":[1,18446744073709551615,[]],"o":{}})");
  CHECK(json::writer().value(std::string("x")).text() == "\"x\"");
}

TEST_CASE("json writer: what is written reads back as the same text", "[io][json]") {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xC3\xA9 \xE4\xBD\xA0 \xF0\x9F\x99\x82 </script>";
  json::writer w;
  w.begin_object().member(all, all).end_object();
  const json::value v = json::parse(w.text());
  CHECK(v.get_string(all) == all);
  CHECK(w.text().find('\n') == std::string::npos);
}

TEST_CASE("json writer: bytes that are not UTF-8 become the replacement character", "[io][json]") {
  CHECK(json::writer().value("a\xFF\xC3").text() == "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST_CASE("json writer: reals read back bit for bit, as reals, and what JSON lacks is null", "[io][json]") {
  CHECK(json::writer().value(1.0).text() == "1.0");
  CHECK(json::writer().value(-0.0).text() == "-0.0");
  CHECK(json::writer().value(0.1f).text() == "0.1");
  CHECK(json::writer().value(1e300).text() == "1e+300");
  CHECK(json::writer().value(std::nan("")).text() == "null");
  CHECK(json::writer().value(-std::numeric_limits<float>::infinity()).text() == "null");
  pretext::rng::stream draws(pretext::rng::key{.seed = 5});
  int wrong = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t bits = draws.bits64();
    const double d = std::bit_cast<double>(bits);
    const float f = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (std::isfinite(d)) {
      const json::value v = json::parse(json::writer().value(d).text());
      wrong += v.kind() != json::kind::real || std::bit_cast<std::uint64_t>(v.as_number()) != bits;
    }
    if (std::isfinite(f)) {
      const float back = static_cast<float>(json::parse(json::writer().value(f).text()).as_number());
      wrong += std::memcmp(&back, &f, sizeof f) != 0;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("json writer: calls out of order are refused", "[io][json]") {
  const auto refused = [](auto&& call) {
    return has(thrown([&] { json::writer w; call(w); }), "pretext[io.214]");
  };
  CHECK(refused([](auto& w) { w.text(); }));
  CHECK(refused([](auto& w) { w.begin_object().text(); }));
  CHECK(refused([](auto& w) { w.begin_object().value(1); }));
  CHECK(refused([](auto& w) { w.begin_object().key("a").key("b"); }));
  CHECK(refused([](auto& w) { w.begin_object().key("a").end_object(); }));
  CHECK(refused([](auto& w) { w.begin_object().end_array(); }));
  CHECK(refused([](auto& w) { w.begin_array().key("a"); }));
  CHECK(refused([](auto& w) { w.end_object(); }));
  CHECK(refused([](auto& w) { w.value(1).value(2); }));
  CHECK(refused([](auto& w) { w.begin_array().end_array().begin_array(); }));
}
