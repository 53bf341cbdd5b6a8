// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/json.hpp"

#include <limits>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace json = pretext::io::json;
using io_test::has;
using io_test::thrown;
using namespace std::string_literals;

namespace {
std::string refusal(std::string_view text) {
  return thrown([&] { json::parse(text, "f.json"); });
}
}  // namespace

TEST_CASE("json: every kind of value is read as what it is", "[io][json]") {
  const json::value v = json::parse(
      " { \"a\" : [ 1 , -2.5 , \"x\" , true , false , null , { } , [ ] ] ,\r\n\t\"big\" : 9223372036854775807, \"low\":-9223372036854775808 } ");
  const auto& items = v.at("a").items();
  REQUIRE(items.size() == 8);
  CHECK(items[0].as_integer() == 1);
  CHECK(items[1].as_number() == -2.5);
  CHECK(items[2].as_string() == "x");
  CHECK(items[3].as_boolean());
  CHECK_FALSE(items[4].as_boolean());
  CHECK(items[5].is_null());
  CHECK(items[6].as_members().empty());
  CHECK(items[7].items().empty());
  CHECK(v.get_integer("big") == std::numeric_limits<std::int64_t>::max());
  CHECK(v.get_integer("low") == std::numeric_limits<std::int64_t>::min());
  CHECK(v.as_members()[1].key == "big");
}

TEST_CASE("json: a text may be one bare value", "[io][json]") {
  CHECK(json::parse("0").as_integer() == 0);
  CHECK(json::parse("\"\"").as_string().empty());
  CHECK(json::parse("null").is_null());
  CHECK(json::parse(" true\n").as_boolean());
}

TEST_CASE("json: integers and reals are kept apart by how they are written", "[io][json]") {
  for (const char* real : {"1.0", "1e2", "1E2", "-0", "-0.0", "0e0", "10000000000000000000000000000000", "9223372036854775808"}) {
    INFO(real);
    const json::value v = json::parse(real);
    CHECK(v.kind() == json::kind::real);
    CHECK(has(thrown([&] { v.as_integer(); }), "pretext[io.212]"));
  }
  CHECK(json::parse("1000000000000000019884624838656").as_number() == 1e30);
  CHECK(json::parse("7").as_number() == 7.0);
  CHECK(json::parse("0.1").as_number() == 0.1);
  CHECK(json::parse("1.7976931348623157e308").as_number() == std::numeric_limits<double>::max());
  CHECK(json::parse("5e-324").as_number() == std::numeric_limits<double>::denorm_min());
  CHECK(std::signbit(json::parse("-0").as_number()));
}

TEST_CASE("json: escapes and UTF-8 give the characters they stand for", "[io][json]") {
  CHECK(json::parse(R"("\"\\\/\b\f\n\r\t")").as_string() == "\"\\/\b\f\n\r\t");
  CHECK(json::parse(R"("\u0041\u00e9\u4F60\uD83D\uDE42\u0000")").as_string() == "A\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x99\x82\0"s);
  CHECK(json::parse("\"\x7F \xC2\x80 \xE0\xA0\x80 \xED\x9F\xBF \xEF\xBF\xBF \xF0\x90\x80\x80 \xF4\x8F\xBF\xBF\"").as_string().size() == 26);
}

TEST_CASE("json: each malformed text has its id, its byte and a reason", "[io][json]") {
  const struct {
    std::string text, id;
    int byte;
    std::string reason;
  } cases[] = {
      {"", "io.201", 0, "the text ends where a value should be"},
      {"  ", "io.201", 2, "the text ends"},
      {"{", "io.201", 1, "a key in double quotes"},
      {"{\"a\"", "io.201", 4, "':' after the key"},
      {"{\"a\":", "io.201", 5, "a value"},
      {"{\"a\":1", "io.201", 6, "',' or '}'"},
      {"{\"a\":1,", "io.201", 7, "a key"},
      {"{\"a\":1,}", "io.202", 7, "found '}'"},
      {"{a:1}", "io.202", 1, "found 'a'"},
      {"{'a':1}", "io.202", 1, "found '''"},
      {"{1:1}", "io.202", 1, "found '1'"},
      {"{\"a\" 1}", "io.202", 5, "':'"},
      {"{\"a\":1 \"b\":2}", "io.202", 7, "',' or '}'"},
      {"{,}", "io.202", 1, "found ','"},
      {"[1,]", "io.202", 3, "found ']'"},
      {"[,1]", "io.202", 1, "found ','"},
      {"[1 2]", "io.202", 3, "',' or ']'"},
      {"[1}", "io.202", 2, "found '}'"},
      {"]", "io.202", 0, "found ']'"},
      {"// c", "io.202", 0, "found '/'"},
      {"NaN", "io.202", 0, "found 'N'"},
      {"-Infinity", "io.202", 1, "a digit"},
      {"+1", "io.202", 0, "found '+'"},
      {".5", "io.202", 0, "found '.'"},
      {"1.", "io.201", 2, "a digit after the point"},
      {"1.e3", "io.202", 2, "a digit after the point"},
      {"1e", "io.201", 2, "exponent"},
      {"1e+", "io.201", 3, "exponent"},
      {"-", "io.201", 1, "a digit"},
      {"01", "io.203", 0, "leading zero"},
      {"-012", "io.203", 0, "leading zero"},
      {"0x10", "io.210", 1, "text follows"},
      {"1e999", "io.204", 0, "no double"},
      {"-1e400", "io.204", 0, "no double"},
      {std::string(400, '9'), "io.204", 0, "no double"},
      {"tru", "io.201", 3, "true, false or null"},
      {"trUe", "io.202", 2, "found 'U'"},
      {"nul1", "io.202", 3, "found '1'"},
      {"True", "io.202", 0, "found 'T'"},
      {"\"abc", "io.201", 4, "opens at byte 0 is never closed"},
      {"\"a\nb\"", "io.205", 2, "control character (byte 0x0A)"},
      {"\"a\0b\""s, "io.205", 2, "control character (byte 0x00)"},
      {"\0"s, "io.202", 0, "byte 0x00"},
      {"[1]\0"s, "io.210", 3, "text follows"},
      {"\"\\x\"", "io.206", 1, "unknown escape"},
      {"\"\\", "io.206", 1, "unknown escape"},
      {"\"\\u12G4\"", "io.206", 1, "four hexadecimal digits"},
      {"\"\\u12", "io.206", 1, "four hexadecimal digits"},
      {"\"\\uDC00\"", "io.206", 1, "low surrogate"},
      {"\"\\uD800\"", "io.206", 1, "high surrogate"},
      {"\"\\uD800\\u0041\"", "io.206", 1, "high surrogate"},
      {"\"\\uD800\\n\"", "io.206", 1, "high surrogate"},
      {"\xFF", "io.207", 0, "UTF-8"},
      {"\"\x80\"", "io.207", 1, "UTF-8"},
      {"\"\xC0\xAF\"", "io.207", 1, "UTF-8"},          // over-long
      {"\"\xE0\x9F\xBF\"", "io.207", 1, "UTF-8"},      // over-long
      {"\"\xED\xA0\x80\"", "io.207", 1, "UTF-8"},      // surrogate
      {"\"\xF4\x90\x80\x80\"", "io.207", 1, "UTF-8"},  // above U+10FFFF
      {"\"\xF5\x80\x80\x80\"", "io.207", 1, "UTF-8"},
      {"\"\xE4\xBD\"", "io.207", 1, "UTF-8"},          // cut off
      {"\"\xE4\xBD", "io.207", 1, "UTF-8"},
      {"[1]\xC3", "io.207", 3, "UTF-8"},
      {"\xEF\xBB\xBF{}", "io.202", 0, "byte order mark"},
      {"[\xC3\xA9]", "io.202", 1, "expected a value"},
      {"{\"a\":1,\"b\":2,\"a\":3}", "io.208", 13, "\"a\" appears twice"},
      {"{\"a\":1,\"\\u0061\":3}", "io.208", 7, "\"a\" appears twice"},
      {"[{\"x\":{\"\":1,\"\":1}}]", "io.208", 12, "appears twice"},
      {"{} {}", "io.210", 3, "text follows"},
      {"1 2", "io.210", 2, "text follows"},
  };
  for (const auto& c : cases) {
    const std::string what = refusal(c.text);
    INFO(c.text << " -> " << what);
    CHECK(has(what, "pretext[" + c.id + "]"));
    CHECK(has(what, "f.json, byte " + std::to_string(c.byte) + ": "));
    CHECK(has(what, c.reason));
  }
}

TEST_CASE("json: depth and number of values are capped", "[io][json]") {
  const auto nested = [](int n) { return std::string(static_cast<std::size_t>(n), '[') + std::string(static_cast<std::size_t>(n), ']'); };
  CHECK_NOTHROW(json::parse(nested(64)));
  CHECK(has(refusal(nested(65)), "pretext[io.209]"));
  CHECK(has(refusal(std::string(1000000, '[')), "pretext[io.209]"));
  CHECK_NOTHROW(json::parse("[1,2,3]", "t", {.values = 4}));
  CHECK(has(thrown([] { json::parse("[1,2,3,4]", "t", {.values = 4}); }), "pretext[io.211] t, byte 7"));
}

TEST_CASE("json: a text cut at any byte is refused", "[io][json]") {
  const std::string text = R"({"a":[1,-2.5e+3,"x\u00e9\n",true,null],"b":{"c":false}})";
  CHECK_NOTHROW(json::parse(text));
  for (std::size_t n = 0; n < text.size(); ++n) {
    INFO(text.substr(0, n));
    CHECK(has(refusal(std::string_view(text).substr(0, n)), "pretext[io.20"));
  }
}

TEST_CASE("json: members are found by key among many", "[io][json]") {
  std::string text = "{";
  for (int i = 0; i < 50000; ++i) text += "\"k" + std::to_string(i * 7919 % 50000) + "\":" + std::to_string(i) + ",";
  text.back() = '}';
  const json::value v = json::parse(text);
  int wrong = 0;
  for (int i = 0; i < 50000; ++i) wrong += v.get_integer("k" + std::to_string(i * 7919 % 50000)) != i;
  CHECK(wrong == 0);
  CHECK(v.find("k50000") == nullptr);
  CHECK(v.as_members()[1].key == "k7919");
}

TEST_CASE("json: getters name the key that is missing or of another kind", "[io][json]") {
  const json::value v = json::parse(R"({"n":3,"r":1.5,"s":"t","b":true,"z":null})");
  CHECK(v.get_integer("n") == 3);
  CHECK(v.get_integer("none", 8) == 8);
  CHECK(v.get_integer("z", 8) == 8);
  CHECK(v.get_number("n") == 3.0);
  CHECK(v.get_number("r", 0.0) == 1.5);
  CHECK(v.get_number("q", 0.25) == 0.25);
  CHECK(v.get_string("s") == "t");
  CHECK(v.get_string("none", "d") == "d");
  CHECK(v.get_boolean("b"));
  CHECK(v.get_boolean("none", true));
  CHECK(has(thrown([&] { v.get_integer("none"); }), "pretext[io.213] the key \"none\" is missing"));
  CHECK(has(thrown([&] { v.get_integer("r"); }), "pretext[io.212] the value of \"r\" should be an integer but is a number with a fraction"));
  CHECK(has(thrown([&] { v.get_integer("s", 1); }), "\"s\" should be an integer but is a string"));
  CHECK(has(thrown([&] { v.get_string("z"); }), "but is null"));
  CHECK(has(thrown([&] { v.get_number("s"); }), "\"s\" should be a number but is a string"));
  CHECK(has(thrown([&] { v.items(); }), "should be an array but is an object"));
  CHECK(has(thrown([&] { json::parse("[1]").find("a"); }), "should be an object but is an array"));
}

TEST_CASE("json: a file is read with its name in the errors", "[io][json]") {
  io_test::scratch dir;
  io_test::put(dir / "c.json", R"({"hidden_size": 768})");
  CHECK(json::read(dir / "c.json").get_integer("hidden_size") == 768);
  io_test::put(dir / "c.json", "{]");
  CHECK(has(thrown([&] { json::read(dir / "c.json"); }), "c.json, byte 1: expected a key in double quotes, found ']'"));
  CHECK(has(thrown([&] { json::read(dir / "c.json", 1); }), "pretext[io.103]"));
}
