// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/order.hpp"
#include "../core/view_of.hpp"
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

  json::kind kind() const { return kind_; }
  bool is_null() const { return kind() == kind::null; }

  bool as_boolean() const { return expect(kind::boolean, {}).number_.boolean; }
  std::int64_t as_integer() const { return expect(kind::integer, {}).number_.integer; }
  /// An integer or a real.
  double as_number() const { return number({}); }
  const std::string& as_string() const { return expect(kind::string, {}).text_; }
  const std::vector<value>& items() const;
  const std::vector<member>& as_members() const;

  /// The member with this key, or nullptr. Only for objects.
  const value* find(std::string_view key) const;
  /// The member with this key; io.213 where there is none.
  const value& at(std::string_view key) const {
    const value* found = find(key);
    if (found == nullptr)
      throw_error("io.213", {"the key \"", key, "\" is missing; add it to the JSON file"});
    return *found;
  }

  bool get_boolean(std::string_view key) const { return at(key).expect(kind::boolean, key).number_.boolean; }
  bool get_boolean(std::string_view key, bool fallback) const {
    const value* v = present(key);
    return v != nullptr ? v->expect(kind::boolean, key).number_.boolean : fallback;
  }
  std::int64_t get_integer(std::string_view key) const { return at(key).expect(kind::integer, key).number_.integer; }
  std::int64_t get_integer(std::string_view key, std::int64_t fallback) const {
    const value* v = present(key);
    return v != nullptr ? v->expect(kind::integer, key).number_.integer : fallback;
  }
  double get_number(std::string_view key) const { return at(key).number(key); }
  double get_number(std::string_view key, double fallback) const {
    const value* v = present(key);
    return v != nullptr ? v->number(key) : fallback;
  }
  const std::string& get_string(std::string_view key) const { return at(key).expect(kind::string, key).text_; }
  std::string get_string(std::string_view key, std::string_view fallback) const {
    const value* v = present(key);
    return v != nullptr ? v->expect(kind::string, key).text_ : std::string(fallback);
  }

 private:
  const value& expect(json::kind wanted, std::string_view key) const {
    if (kind_ != wanted) wrong_kind(name_of(wanted), key);
    return *this;
  }
  double number(std::string_view key) const {
    if (kind_ == kind::integer) return static_cast<double>(number_.integer);
    if (kind_ == kind::real) return number_.real;
    wrong_kind("a number", key);
  }
  const value* present(std::string_view key) const {
    const value* v = find(key);
    return v != nullptr && !v->is_null() ? v : nullptr;
  }
  [[noreturn]] void wrong_kind(const char* wanted, std::string_view key) const {
    const std::string where = key.empty() ? std::string("a JSON value") : "the value of \"" + std::string(key) + "\"";
    throw_error("io.212", {where, " should be ", wanted, " but is ", name_of(kind()), "; correct the JSON file"});
  }

  // Plain members and not a variant, which every program that includes this would pay for in compile time.
  union any_number {
    std::int64_t integer = 0;
    double real;
    bool boolean;
  };
  struct below;
  json::kind kind_ = kind::null;
  any_number number_{};
  std::string text_;
  std::shared_ptr<const below> below_;  // a value does not change: copies share what lies below
};

struct member {
  std::string key;
  json::value value;
};

/// What lies below an array or an object.
struct value::below {
  std::vector<value> items;
  members object;
};

inline value::value(bool b) : kind_(kind::boolean) { number_.boolean = b; }
inline value::value(std::int64_t i) : kind_(kind::integer) { number_.integer = i; }
inline value::value(double d) : kind_(kind::real) { number_.real = d; }
inline value::value(std::string s) : kind_(kind::string), text_(std::move(s)) {}
inline value::value(std::vector<value> items) : kind_(kind::array), below_(new below{std::move(items), {}}) {}
inline value::value(members m) : kind_(kind::object), below_(new below{{}, std::move(m)}) {}

inline const std::vector<value>& value::items() const { return expect(kind::array, {}).below_->items; }
inline const std::vector<member>& value::as_members() const { return expect(kind::object, {}).below_->object.list; }

inline const value* value::find(std::string_view key) const {
  const members& m = expect(kind::object, {}).below_->object;
  const auto found = std::lower_bound(m.by_key.begin(), m.by_key.end(), key,
                                      [&](std::uint32_t i, std::string_view k) { return m.list[i].key < k; });
  return found != m.by_key.end() && m.list[*found].key == key ? &m.list[*found].value : nullptr;
}

/// What a text may ask for. A value takes 64 bytes of memory, an array or object 90 more.
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
  return parse(text_of(view_of(bytes)), path, most);
}

}  // namespace pretext::io::json
