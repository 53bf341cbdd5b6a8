// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "file.hpp"
#include "json_reader.hpp"

namespace pretext::io::json {

class value;

struct member;

/// Members in the order of the text, found by key in logarithmic time.
struct members {
  std::vector<member> list;
  std::vector<std::uint32_t> by_key;
};

/// A JSON value and everything below it.
///   const auto config = json::read("config.json");
///   config.get_integer("hidden_size");  config.get_number("layer_norm_eps", 1e-12);  config.at("architectures").items()
/// `as_*` and `get_*` throw io.212 where the kind differs; `get_*` with a fallback takes it for a missing key and null.
class value {
 public:
  value() = default;
  explicit value(bool b);
  explicit value(std::int64_t i);
  explicit value(double d);
  explicit value(std::string s);
  explicit value(std::vector<value> items);
  explicit value(members m);

  json::kind kind() const { return static_cast<json::kind>(data_.index()); }
  bool is_null() const { return kind() == kind::null; }

  bool as_boolean() const { return get<bool>(kind::boolean, {}); }
  std::int64_t as_integer() const { return get<std::int64_t>(kind::integer, {}); }
  /// An integer or a real.
  double as_number() const { return number({}); }
  const std::string& as_string() const { return get<std::string>(kind::string, {}); }
  const std::vector<value>& items() const { return get<std::vector<value>>(kind::array, {}); }
  const std::vector<member>& as_members() const { return get<members>(kind::object, {}).list; }

  /// The member with this key, or nullptr. Only for objects.
  const value* find(std::string_view key) const;
  /// The member with this key; io.213 where there is none.
  const value& at(std::string_view key) const {
    const value* found = find(key);
    if (found == nullptr)
      throw error("io.213", {"the key \"", key, "\" is missing; add it to the JSON file"});
    return *found;
  }

  bool get_boolean(std::string_view key) const { return at(key).get<bool>(kind::boolean, key); }
  bool get_boolean(std::string_view key, bool fallback) const {
    const value* v = present(key);
    return v != nullptr ? v->get<bool>(kind::boolean, key) : fallback;
  }
  std::int64_t get_integer(std::string_view key) const { return at(key).get<std::int64_t>(kind::integer, key); }
  std::int64_t get_integer(std::string_view key, std::int64_t fallback) const {
    const value* v = present(key);
    return v != nullptr ? v->get<std::int64_t>(kind::integer, key) : fallback;
  }
  double get_number(std::string_view key) const { return at(key).number(key); }
  double get_number(std::string_view key, double fallback) const {
    const value* v = present(key);
    return v != nullptr ? v->number(key) : fallback;
  }
  const std::string& get_string(std::string_view key) const { return at(key).get<std::string>(kind::string, key); }
  std::string get_string(std::string_view key, std::string_view fallback) const {
    const value* v = present(key);
    return v != nullptr ? v->get<std::string>(kind::string, key) : std::string(fallback);
  }

 private:
  template <class T>
  const T& get(json::kind wanted, std::string_view key) const {
    if (const T* found = std::get_if<T>(&data_)) return *found;
    wrong_kind(name_of(wanted), key);
  }
  double number(std::string_view key) const {
    if (const auto* i = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*i);
    if (const auto* d = std::get_if<double>(&data_)) return *d;
    wrong_kind("a number", key);
  }
  const value* present(std::string_view key) const {
    const value* v = find(key);
    return v != nullptr && !v->is_null() ? v : nullptr;
  }
  [[noreturn]] void wrong_kind(const char* wanted, std::string_view key) const {
    const std::string where = key.empty() ? std::string("a JSON value") : "the value of \"" + std::string(key) + "\"";
    throw error("io.212", {where, " should be ", wanted, " but is ", name_of(kind()), "; correct the JSON file"});
  }

  // In the order of json::kind.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<value>, members> data_;
};

struct member {
  std::string key;
  json::value value;
};

// Here, where `member` is complete: a constructor needs to know how to destroy what it made.
inline value::value(bool b) : data_(b) {}
inline value::value(std::int64_t i) : data_(i) {}
inline value::value(double d) : data_(d) {}
inline value::value(std::string s) : data_(std::move(s)) {}
inline value::value(std::vector<value> items) : data_(std::move(items)) {}
inline value::value(members m) : data_(std::move(m)) {}

inline const value* value::find(std::string_view key) const {
  const members& m = get<members>(kind::object, {});
  const auto found = std::lower_bound(m.by_key.begin(), m.by_key.end(), key,
                                      [&](std::uint32_t i, std::string_view k) { return m.list[i].key < k; });
  return found != m.by_key.end() && m.list[*found].key == key ? &m.list[*found].value : nullptr;
}

/// What a text may ask for. A value takes about 60 bytes of memory.
struct limits {
  int depth = 64;
  std::size_t values = 16'000'000;
};

namespace detail {

class builder {
 public:
  builder(std::string_view text, std::string_view name, limits most)
      : reader_(text, name, most.depth), left_(most.values), most_(most.values) {}

  value document() {
    value v = next();
    reader_.finish();
    return v;
  }

 private:
  value next() {
    const kind k = reader_.peek();
    if (left_-- == 0)
      reader_.fail("io.211", "more than " + std::to_string(most_) + " values", reader_.offset());
    switch (k) {
      case kind::null: reader_.null(); return value{};
      case kind::boolean: return value(reader_.boolean());
      case kind::integer:
      case kind::real: return number();
      case kind::string: {
        std::string s;
        reader_.string(s);
        return value(std::move(s));
      }
      case kind::array: {
        std::vector<value> items;
        reader_.begin_array();
        while (reader_.next_element()) items.push_back(next());
        return value(std::move(items));
      }
      case kind::object: break;
    }
    return object();
  }

  value number() {
    const std::size_t start = reader_.offset();
    const number_text n = reader_.number();
    std::int64_t i = 0;
    double d = 0;
    if (to_integer(n, i)) return value(i);
    // Also an integer beyond 64 bits, such as the 10^30 that tokenizer files carry: a number, but not as_integer().
    if (!to_double(n, d)) reader_.fail("io.204", "a number that no double can hold", start);
    return value(d);
  }

  value object() {
    members m;
    std::vector<std::size_t> offsets;
    reader_.begin_object();
    std::string key;
    while (reader_.next_member(key)) {
      offsets.push_back(reader_.key_offset());
      m.list.push_back({key, value{}});
      m.list.back().value = next();
    }
    // Ties by position: of two equal keys the later one is reported.
    for (const std::size_t i : sorted_order(m.list.size(), [&](std::size_t a, std::size_t b) { return m.list[a].key < m.list[b].key; }))
      m.by_key.push_back(static_cast<std::uint32_t>(i));
    for (std::size_t i = 1; i < m.by_key.size(); ++i)
      if (m.list[m.by_key[i]].key == m.list[m.by_key[i - 1]].key)
        reader_.fail("io.208", "the key \"" + m.list[m.by_key[i]].key + "\" appears twice in one object",
                     offsets[m.by_key[i]]);
    return value(std::move(m));
  }

  reader reader_;
  std::size_t left_;
  std::size_t most_;
};

}  // namespace detail

/// Reads one JSON text (RFC 8259), strictly: no duplicate keys, no byte order mark, no comments, no trailing commas.
/// An integer that 64 bits hold is an integer; every other number a real. Members keep the order of the text.
/// errors  io.201-211 with `name` and the byte
inline value parse(std::string_view text, std::string_view name = "JSON text", limits most = {}) {
  return detail::builder(text, name, most).document();
}

/// The same for a file of at most max_bytes.
inline value read(const std::string& path, std::uint64_t max_bytes = 256'000'000, limits most = {}) {
  const std::vector<std::byte> bytes = read_file(path, max_bytes);
  return parse(text_of(bytes), path, most);
}

}  // namespace pretext::io::json
