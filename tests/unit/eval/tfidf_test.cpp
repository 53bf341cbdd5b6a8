// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/tfidf.hpp"

#include <cmath>
#include <vector>

#include "eval_support.hpp"
#include "support/catch.hpp"
#include "text_support.hpp"

using namespace pretext::eval;
using eval_support::id_of;
using documents = std::vector<std::vector<std::int32_t>>;

TEST_CASE("word_list: words in lower case, numbered as they come", "[eval][tfidf]") {
  word_list words;
  CHECK(words.add("The cat, the CAT!") == std::vector<std::int32_t>{0, 1, 0, 1});
  CHECK(words.add("caf\xC3\xA9_1 2x") == std::vector<std::int32_t>{2, 3});
  CHECK(words.find("a cat of 2x") == std::vector<std::int32_t>{1, 3});
  CHECK(words.size() == 4);
  CHECK(words.number("caf\xC3\xA9_1") == 2);
  CHECK(words.number("dog") == -1);
  CHECK(words.add("").empty());
  word_list two(2);
  two.add("a bc");
  CHECK(two.size() == 1);
}

TEST_CASE("tfidf: by hand", "[eval][tfidf]") {
  const documents d{{0, 1, 1}, {0}};
  const tfidf raw(d, 3, {.normalise = false});
  CHECK(raw.weight(0) == 1.0);  // in every document
  CHECK(raw.weight(1) == Approx(std::log(1.5) + 1).epsilon(1e-15));
  CHECK(raw.weight(2) == Approx(std::log(3.0) + 1).epsilon(1e-15));
  const sparse_rows x = raw(documents{{1, 0, 1}, {}, {7, -1}});
  CHECK(x.begin == std::vector<std::size_t>{0, 2, 2, 2});
  CHECK(x.column == std::vector<std::int32_t>{0, 1});
  CHECK(x.value[0] == 1.0f);
  CHECK(x.value[1] == Approx(2 * (std::log(1.5) + 1)).epsilon(1e-6));
  CHECK(tfidf(d, 3, {.sublinear = true, .normalise = false})(documents{{1, 1}}).value[0] == Approx((1 + std::log(2.0)) * (std::log(1.5) + 1)).epsilon(1e-6));
  CHECK(id_of([] { tfidf(documents{}, 3); }) == "eval.024");
  CHECK(id_of([] { tfidf(documents{{3}}, 3); }) == "eval.024");
  CHECK(id_of([] { tfidf(documents{{-1}}, 3); }) == "eval.024");
  CHECK(id_of([&] { dense_rows(x, std::vector<int>{1}); }) == "eval.004");
}

TEST_CASE("tfidf: equals scikit-learn's TfidfVectorizer", "[eval][tfidf][golden]") {
  word_list words;
  for (int i = 0; i < 40; ++i) words.add("w" + std::to_string(i));
  documents d;
  for (const std::string& t : text_support::texts("tfidf.texts")) d.push_back(words.find(t));
  const documents train(d.begin(), d.begin() + 40);
  for (const auto& [name, options] : {std::pair{"plain", tfidf_options{}}, {"sublinear", tfidf_options{.sublinear = true}}, {"raw", tfidf_options{.normalise = false}}}) {
    const tfidf model(train, 40, options);
    INFO(name);
    CHECK(golden::relative_error(dense_rows(model(d)).values, text_support::file()[std::string("tfidf.") + name]) < 1e-6);
    for (std::int32_t w = 0; w < 40; ++w) CHECK(model.weight(w) == Approx(text_support::file()["tfidf.weights"][w]).epsilon(1e-12));
  }
}
