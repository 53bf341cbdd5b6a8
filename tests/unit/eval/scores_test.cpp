// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/eval/scores.hpp"

#include <vector>

#include "eval_support.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace pretext::eval;
using eval_support::id_of;

TEST_CASE("accuracy: three of four right is 0.75", "[eval][scores]") {
  CHECK(accuracy(std::vector<int>{0, 1, 2, 2}, std::vector<int>{0, 1, 2, 0}) == 0.75);
  CHECK(accuracy(std::vector<int>{5}, std::vector<int>{5}) == 1.0);
  CHECK(id_of([] { accuracy(std::vector<int>{}, std::vector<int>{}); }) == "eval.010");
  CHECK(id_of([] { accuracy(std::vector<int>{1}, std::vector<int>{1, 2}); }) == "eval.010");
}

TEST_CASE("confusion: counts lie at (true class, predicted class)", "[eval][scores]") {
  const confusion_matrix m = confusion(std::vector<int>{0, 1, 1, 0}, std::vector<int>{0, 1, 0, 0}, 3);
  CHECK(m(0, 0) == 2);
  CHECK(m(0, 1) == 1);
  CHECK(m(1, 0) == 0);
  CHECK(m(1, 1) == 1);
  CHECK(m(2, 2) == 0);
  CHECK(id_of([] { confusion(std::vector<int>{3}, std::vector<int>{0}, 3); }) == "eval.005");
  CHECK(id_of([] { confusion(std::vector<int>{0}, std::vector<int>{-1}, 3); }) == "eval.005");
}

TEST_CASE("macro_f1: by hand, over the classes that occur", "[eval][scores]") {
  // Class 0: 2 hits, 3 labelled, 2 predicted: 4/5. Class 1: 1 hit, 1 labelled, 2 predicted: 2/3. Class 2 does not occur.
  const confusion_matrix m = confusion(std::vector<int>{0, 1, 1, 0}, std::vector<int>{0, 1, 0, 0}, 3);
  CHECK(macro_f1(m) == Approx((0.8 + 2.0 / 3.0) / 2).epsilon(1e-12));
  CHECK(macro_f1(confusion(std::vector<int>{0, 1}, std::vector<int>{1, 0}, 2)) == 0.0);
}

TEST_CASE("scores: equal scikit-learn's", "[eval][scores][golden]") {
  const golden::file file("eval");
  const auto predicted = file["logistic.strong.predictions"].as<int>(), labels = file["test_labels"].as<int>();
  const confusion_matrix m = confusion(predicted, labels, 3);
  const auto want = file["confusion"].as<std::int64_t>();
  CHECK(m.counts == want);
  CHECK(macro_f1(m) == Approx(file.number("f1")).epsilon(1e-12));
}
