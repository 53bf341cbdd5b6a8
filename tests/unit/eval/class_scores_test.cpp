// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/class_scores.hpp"

#include <limits>
#include <vector>

#include "eval_support.hpp"
#include "support/catch.hpp"
#include "text_support.hpp"

using namespace pretext::eval;
using eval_support::id_of;

TEST_CASE("class_retrieval: hits, predictions and labels by hand", "[eval][class_scores]") {
  const confusion_matrix m = confusion(std::vector<int>{0, 1, 1, 0, 2}, std::vector<int>{0, 1, 0, 0, 1}, 4);
  const auto r = class_retrieval(m);
  CHECK(r[0].hits == 2);
  CHECK(r[0].precision() == 1.0);
  CHECK(r[0].recall() == Approx(2.0 / 3).epsilon(1e-15));
  CHECK(r[0].f1() == Approx(0.8).epsilon(1e-15));
  CHECK(r[2].precision() == 0.0);
  CHECK(r[2].recall() == 0.0);  // nothing was there
  CHECK(r[3].f1() == 0.0);
  CHECK(micro_f1(m) == Approx(0.6).epsilon(1e-15));                          // the accuracy
  CHECK(micro_f1(m, 0) == Approx(2.0 * 1 / (3 + 2)).epsilon(1e-15));         // classes 1 and 2: one hit, three predicted, two there
  CHECK(weighted_f1(m) == Approx((3 * 0.8 + 2 * 0.5) / 5).epsilon(1e-15));
  CHECK(weighted_f1(confusion_matrix{}) == 0.0);
}

TEST_CASE("class_scores: equal scikit-learn's", "[eval][class_scores][golden]") {
  const auto& file = text_support::file();
  const confusion_matrix m = confusion(file["class.predicted"].as<int>(), file["class.labels"].as<int>(), 6);
  CHECK(micro_f1(m) == Approx(file.number("class.micro")).epsilon(1e-12));
  CHECK(micro_f1(m, 0) == Approx(file.number("class.micro_without_0")).epsilon(1e-12));
  CHECK(macro_f1(m) == Approx(file.number("class.macro")).epsilon(1e-12));
  CHECK(weighted_f1(m) == Approx(file.number("class.weighted")).epsilon(1e-12));
  const auto r = class_retrieval(m);
  for (pretext::index_t c = 0; c < 5; ++c) {
    const retrieval& one = r[static_cast<std::size_t>(c)];
    CHECK(one.precision() == Approx(file["class.precision"][c]).epsilon(1e-12));
    CHECK(one.recall() == Approx(file["class.recall"][c]).epsilon(1e-12));
    CHECK(one.f1() == Approx(file["class.f1"][c]).epsilon(1e-12));
  }
}

TEST_CASE("perplexity: of equally likely words it is their number", "[eval][class_scores]") {
  CHECK(perplexity(std::vector<double>(7, -std::log(50.0))) == Approx(50).epsilon(1e-12));
  CHECK(perplexity(std::vector<double>{std::log(0.5), std::log(0.125)}) == Approx(4).epsilon(1e-12));
  CHECK(perplexity(std::vector<double>{0.0}) == 1.0);
  CHECK(id_of([] { perplexity(std::vector<double>{}); }) == "eval.020");
  CHECK(id_of([] { perplexity(std::vector<double>{0.7}); }) == "eval.020");
  CHECK(id_of([] { perplexity(std::vector<double>{std::numeric_limits<double>::quiet_NaN()}); }) == "eval.020");
}
