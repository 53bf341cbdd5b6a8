// SPDX-License-Identifier: BSD-3-Clause
#include <pretext/augment/text/hide.hpp>
#include <pretext/check/corruption.hpp>

#include "support/catch.hpp"

namespace px = pretext;
namespace au = pretext::augment;

TEST_CASE("check::corruption: the library's corruptions obey every law", "[check][augment][text]") {
  const auto holds = [](const px::check::result& r) {
    INFO(r.text());
    CHECK(r.ok());
  };
  holds(px::check::corruption(au::bert_masking{}));
  holds(px::check::corruption(au::whole_word_masking{}, {.hides_always = false}));
  holds(px::check::corruption(au::span_masking{}));
  holds(px::check::corruption(au::hidden_embeddings{}));
  holds(px::check::corruption(au::random_replacement{}));
  holds(px::check::corruption(au::electra_input{}));
  holds(px::check::corruption(au::bert_masking{.choose = {.share = 1.0f}}));
}

namespace {

enum class mistake { none, counts_calls, ignores_the_sample, ignores_the_epoch, hides_special, reads_behind, too_much, descending, wrong_token,
                     unlisted, forgets, shows_special, leaves_short_ones, refuses };
std::uint64_t calls = 0;

/// Hides every ordinary token whose coin falls so.
template <mistake M>
struct coin {
  static constexpr std::string_view name = "coin";
  px::index_t capacity(px::index_t length) const { return M == mistake::too_much ? length / 2 : length; }
  void check() const {
    if (M == mistake::refuses) throw px::error("test.001", "no");
  }
  std::int32_t corrupt(px::rng::key key, const au::token_ids& ids, const au::token_row& in, const au::hidden_row& out) const {
    if (M == mistake::counts_calls) key.seed += ++calls;
    if (M == mistake::ignores_the_sample) key.sample = 0;
    if (M == mistake::ignores_the_epoch) key.epoch = 0;
    if (M == mistake::reads_behind) key.seed += static_cast<std::uint64_t>(in.tokens[in.length]);
    px::rng::stream draw(key);
    std::int32_t count = 0;
    const auto hide = [&](px::index_t t) {
      out.place[count] = static_cast<std::int32_t>(t);
      out.token[count++] = in.tokens[t] + (M == mistake::wrong_token);
      out.shown[t] = M == mistake::shows_special ? 1 : ids.mask;
    };
    for (px::index_t t = 0; t < in.length; ++t) {
      if (M != mistake::forgets) out.shown[t] = in.tokens[t];
      if (M == mistake::unlisted && t == 5) out.shown[t] = -1;
      if (!ids.ordinary(in.tokens[t]) && M != mistake::hides_special) continue;
      if (M == mistake::leaves_short_ones && in.length < 3) continue;
      if (draw.below(2) == 0 || count == 0) hide(t);
    }
    if (M == mistake::descending) std::reverse(out.place, out.place + count), std::reverse(out.token, out.token + count);
    return count;
  }
};
template <mistake M>
px::check::result planted() {
  return px::check::corruption(coin<M>{});
}

}  // namespace

TEST_CASE("check::corruption: planted defects are named", "[check][augment][text]") {
  INFO(planted<mistake::none>().text());
  CHECK(planted<mistake::none>().ok());
  CHECK(planted<mistake::counts_calls>().broken("the same key hides the same"));
  CHECK(planted<mistake::ignores_the_sample>().broken("samples are hidden differently"));
  CHECK(planted<mistake::ignores_the_epoch>().broken("every epoch hides anew"));
  CHECK(planted<mistake::reads_behind>().broken("what lies behind a sample is not read"));
  CHECK(planted<mistake::too_much>().broken("the capacity is enough, and nothing else is written"));
  CHECK(planted<mistake::forgets>().broken("every token is shown or replaced"));
  CHECK(planted<mistake::descending>().broken("places ascend and lie in the sample"));
  CHECK(planted<mistake::wrong_token>().broken("the list says what is gone"));
  CHECK(planted<mistake::unlisted>().broken("the list says what is gone"));
  CHECK(planted<mistake::hides_special>().broken("special tokens stay"));
  CHECK(planted<mistake::shows_special>().broken("what is shown is a mask, nothing or an ordinary token"));
  CHECK(planted<mistake::leaves_short_ones>().broken("something is hidden where it can be"));
  CHECK(planted<mistake::refuses>().broken("no sample is refused"));
}
