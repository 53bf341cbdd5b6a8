// SPDX-License-Identifier: BSD-3-Clause
// The contrastive family against PyTorch's loss and autograd, in double.
#include "pretext/objective/contrastive.hpp"
#include "rows_runner.hpp"
#include "support/catch.hpp"

namespace {
using namespace rows_runner;
namespace similarity = px::similarity;
using learned = px::objective::temperature::learned;

const golden::file& file() {
  static const golden::file f("objectives");
  return f;
}
/// "b7d16tau0.1" -> b7d16 and 0.1
struct named_case {
  std::string rows;
  double tau;
  explicit named_case(const std::string& text) : rows(text.substr(0, text.find("tau"))), tau(std::stod(text.substr(text.find("tau") + 3))) {}
  std::string width() const { return rows.substr(rows.find('d')); }
};
template <class Similarity>
Similarity with_width(Similarity s) {
  if constexpr (requires { s.width; }) s.width = static_cast<float>(file().number("gaussian.sigma"));  // 1.5, exact in float
  return s;
}
template <class Similarity>
std::vector<double> weight_of(const std::string& width) {
  if constexpr (std::is_same_v<Similarity, similarity::bilinear>) return file()["bilinear.weight." + width].values;
  else return {};
}
template <class Objective>
void compare(const std::string& name, const result<double>& r, const char* d_rows, double tau, index_t width) {
  INFO(name);
  CHECK(std::fabs(r.loss - file().number(name + ".loss")) <= 1e-10 * std::max(1.0, std::fabs(file().number(name + ".loss"))));
  CHECK(golden::relative_error(r.d_rows, file()[name + d_rows]) < 1e-10);
  // dL/du of u = log(1/tau) is -tau dL/dtau.
  CHECK(r.d_parameters[0] == Approx(-tau * file().number(name + ".dtau")).epsilon(1e-10).margin(1e-11));
  if (file().has(name + ".dweight")) {
    const auto first = r.d_parameters.begin() + px::parameter_alignment;
    CHECK(golden::relative_error(std::vector<double>(first, first + width * width), file()[name + ".dweight"]) < 1e-10);
  }
}

template <template <class, class> class Objective, class Similarity>
void self_pairs(const std::string& objective, const std::string& kind) {
  Objective<Similarity, learned> o;
  o.similarity = with_width(Similarity{});
  const std::string prefix = objective + "." + kind + ".";
  const auto cases = file().cases(prefix + "b", ".loss");
  REQUIRE(cases.size() >= 4);
  for (const std::string& text : cases) {
    const named_case c("b" + text);
    const auto z = rows(file()["z." + c.rows]);
    compare<decltype(o)>(prefix + "b" + text, run_pairs(o, z, with_temperature(c.tau, weight_of<Similarity>(c.width()))), ".dz", c.tau, z.columns);
  }
}
template <class Similarity>
void info_nce(const std::string& kind) {
  px::objective::nt_xent<Similarity, learned> o;
  o.similarity = with_width(Similarity{});
  for (const char* shape : {"b1d3k4", "b2d16k7", "b7d16k33"}) {
    const std::string name = std::string("info_nce.") + shape, width = std::string(shape).substr(2, std::string(shape).find('k') - 2);
    const auto q = rows(file()[name + ".q"]), k = rows(file()[name + ".k"]), n = rows(file()[name + ".n"]);
    const px::objective::target_pairs<double> in{q.view(), k.view(), n.view(), 1};
    compare<decltype(o)>(name + "." + kind, run(o, in, with_temperature(0.2, weight_of<Similarity>(width))), ".dq", 0.2, q.columns);
  }
}
}  // namespace

TEST_CASE("nt_xent: loss and gradients are PyTorch's for every similarity and a learned temperature", "[objective][nt_xent]") {
  self_pairs<px::objective::nt_xent, similarity::cosine>("nt_xent", "cosine");
  self_pairs<px::objective::nt_xent, similarity::dot>("nt_xent", "dot");
  self_pairs<px::objective::nt_xent, similarity::negative_squared_euclidean>("nt_xent", "sq");
  self_pairs<px::objective::nt_xent, similarity::gaussian_kernel>("nt_xent", "gaussian");
  self_pairs<px::objective::nt_xent, similarity::bilinear>("nt_xent", "bilinear");
}

TEST_CASE("decoupled: loss and gradients are PyTorch's for every similarity and a learned temperature", "[objective][decoupled]") {
  self_pairs<px::objective::decoupled, similarity::cosine>("dcl", "cosine");
  self_pairs<px::objective::decoupled, similarity::dot>("dcl", "dot");
  self_pairs<px::objective::decoupled, similarity::negative_squared_euclidean>("dcl", "sq");
  self_pairs<px::objective::decoupled, similarity::gaussian_kernel>("dcl", "gaussian");
  self_pairs<px::objective::decoupled, similarity::bilinear>("dcl", "bilinear");
}

TEST_CASE("nt_xent: against keys and a queue, loss and gradients are PyTorch's", "[objective][nt_xent][target_pairs]") {
  info_nce<similarity::cosine>("cosine");
  info_nce<similarity::dot>("dot");
  info_nce<similarity::negative_squared_euclidean>("sq");
  info_nce<similarity::gaussian_kernel>("gaussian");
  info_nce<similarity::bilinear>("bilinear");
}

TEST_CASE("nt_xent: dot products of rows of norm 12 do not overflow", "[objective][nt_xent]") {
  // Scores of several hundred: the loss is what is left of their difference, so the errors are absolute.
  const auto worst = [&](const auto& r) {
    const golden::tensor expected = file()["nt_xent.dot.long.dz"];
    double d = std::fabs(static_cast<double>(r.loss) - file().number("nt_xent.dot.long.loss"));
    for (index_t i = 0; i < expected.size(); ++i) d = std::max(d, std::fabs(static_cast<double>(r.d_rows[static_cast<std::size_t>(i)]) - expected[i]));
    return d;
  };
  const px::objective::nt_xent<similarity::dot> o{.temperature = 0.5f};
  CHECK(worst(run_pairs(o, rows(file()["nt_xent.dot.long.z"]))) < 1e-11);
  CHECK(worst(run_pairs(o, rows<float>(file()["nt_xent.dot.long.z"]))) < 3e-4);
}
