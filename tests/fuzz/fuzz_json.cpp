// SPDX-License-Identifier: BSD-3-Clause
// Any bytes either are refused with pretext::error or give a value that, written again, reads back as the same text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pretext/io/json.hpp"
#include "pretext/io/json_writer.hpp"

namespace json = pretext::io::json;

static void write(json::writer& out, const json::value& v) {
  switch (v.kind()) {
    case json::kind::null: out.value(nullptr); return;
    case json::kind::boolean: out.value(v.as_boolean()); return;
    case json::kind::integer: out.value(v.as_integer()); return;
    case json::kind::real: out.value(v.as_number()); return;
    case json::kind::string: out.value(v.as_string()); return;
    case json::kind::array:
      out.begin_array();
      for (const json::value& item : v.items()) write(out, item);
      out.end_array();
      return;
    case json::kind::object: break;
  }
  out.begin_object();
  for (const json::member& m : v.as_members()) {
    if (v.find(m.key) != &m.value) std::abort();
    out.key(m.key);
    write(out, m.value);
  }
  out.end_object();
}

static std::string written(const json::value& v) {
  json::writer out;
  write(out, v);
  return out.text();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  json::value v;
  try {
    v = json::parse(text, "fuzz");
  } catch (const pretext::error&) {
    return 0;
  }
  const std::string once = written(v);
  if (written(json::parse(once)) != once) std::abort();
  return 0;
}
