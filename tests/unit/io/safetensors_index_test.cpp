// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/safetensors_index.hpp"

#include "scratch.hpp"
#include "support/catch.hpp"

namespace io = pretext::io;
using io_test::has;
using io_test::thrown;

TEST_CASE("safetensors index: tensors lead to files, each file is listed once", "[io][safetensors]") {
  io_test::scratch dir;
  io_test::put(dir / "i.json", R"({"metadata":{"total_size":24,"more":[1]},"weight_map":{"b":"m-2.safetensors","a":"m-1.safetensors","c":"m-2.safetensors"},"x":1})");
  const io::safetensors_index index = io::read_safetensors_index(dir / "i.json");
  CHECK(index.file_of == io::text_pairs{{"a", "m-1.safetensors"}, {"b", "m-2.safetensors"}, {"c", "m-2.safetensors"}});
  CHECK(index.files == std::vector<std::string>{"m-1.safetensors", "m-2.safetensors"});
}

TEST_CASE("safetensors index: a file outside the folder is never named", "[io][safetensors]") {
  for (const char* bad : {"\"../x\"", "\"/etc/passwd\"", "\"a/b\"", "\"..\"", "\".\"", "\"\"", "\"a\\\\b\"", "\"C:x\"", "\"a\\u0000b\"", "1", "null"}) {
    INFO(bad);
    const std::string what = thrown([&] { io::parse_safetensors_index(std::string("{\"weight_map\":{\"w\":") + bad + "}}", "i.json"); });
    CHECK(has(what, "pretext[io.331] i.json: tensor \"w\" should be in "));
  }
  CHECK(has(thrown([] { io::parse_safetensors_index("{}", "i.json"); }), "the key \"weight_map\" is missing"));
  CHECK(has(thrown([] { io::parse_safetensors_index(R"({"weight_map":[]})", "i.json"); }), "should be an object"));
  CHECK(has(thrown([] { io::parse_safetensors_index(R"({"weight_map":{"a":"x","a":"y"}})", "i.json"); }), "\"a\" appears twice"));
}
