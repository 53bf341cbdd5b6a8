// SPDX-License-Identifier: BSD-3-Clause
// The examples of docs/policies/corruption.md, compiled and run. The text between marks is the page's.
// [doc:own_corruption]
#include "pretext/augment/text/hide.hpp"

/// Hides the last tokens of every sample: a prompt and its continuation.
struct hidden_end {
  pretext::setting<int> tokens = pretext::default_value(4);

  static constexpr std::string_view name = "hidden_end";
  static constexpr bool shows_mask = true;

  pretext::index_t capacity(pretext::index_t length) const { return length < tokens ? length : tokens.value(); }

  std::int32_t corrupt(pretext::rng::key key, const pretext::augment::token_ids& ids, const pretext::augment::token_row& in,
                       const pretext::augment::hidden_row& out) const {
    const auto wanted = 1 + pretext::rng::stream(key).below(static_cast<std::uint32_t>(tokens.value()));
    std::int32_t count = 0;
    for (pretext::index_t t = 0; t < in.length; ++t) {
      const bool hidden = t + wanted >= in.length && ids.ordinary(in.tokens[t]);
      out.shown[t] = hidden ? ids.mask : in.tokens[t];
      if (!hidden) continue;
      out.place[count] = static_cast<std::int32_t>(t);
      out.token[count++] = in.tokens[t];
    }
    return count;
  }
};
// [/doc:own_corruption]

#include "hidden.hpp"
#include "pretext/check/corruption.hpp"
#include "support/catch.hpp"

TEST_CASE("corruption page: the example hides the end of a sample and obeys the laws", "[docs][augment][text]") {
  using namespace hidden;
  STATIC_REQUIRE(au::Corruption<hidden_end>);
  const auto r = pretext::check::corruption(hidden_end{}, {.hides_always = false});  // the end may be special
  INFO(r.text());
  CHECK(r.ok());
  CHECK(corrupt(hidden_end{.tokens = 1}, {200, 201, 202}, key(0)).place == std::vector<std::int32_t>{2});
}
