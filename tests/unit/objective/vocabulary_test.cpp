// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/objective/vocabulary.hpp"

#include "pretext/backend/reference/reference.hpp"
#include "pretext/backend/simd/simd.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace px = pretext;
using px::extents;
using px::index_t;
using px::tensor_view;

namespace {
struct result {
  double loss = 0;
  std::vector<double> dh, dweight, dbias;
  std::vector<std::int32_t> correct;
};
template <class T, class B>
result run(B& be, const std::string& name, bool with_bias, std::vector<std::int32_t> labels, const std::vector<std::int32_t>& rows) {
  const golden::file f("text");
  auto h = f[name + ".h"].as<T>(), w = f[name + ".weight"].as<T>(), b = f[name + ".bias"].as<T>();
  std::vector<T> dw(w.size()), db(b.size()), dh(h.size()), loss(1);
  result r;
  r.correct.resize(rows.size());
  const std::vector<std::int32_t> count{5};
  const auto m = static_cast<index_t>(rows.size());
  px::buffer<std::byte> block(1 << 20);
  px::workspace memory(block.data(), 1 << 20);
  px::comm::null alone;
  px::step_inputs inputs{};
  const px::context<B, T> ctx{&be, &memory, &alone, &inputs};
  const auto see = []<class V>(std::vector<V>& v, const extents& e) { return tensor_view<V>{v.data(), e}; };
  const auto look = []<class V>(const std::vector<V>& v, const extents& e) { return tensor_view<const V>{v.data(), e}; };
  const auto d = px::objective::mean_vocabulary_loss(
      ctx, px::activations<const T>(look(h, {3, 3, 6})), {look(rows, {m}), look(labels, {m}), look(count, {1})}, look(w, {13, 6}),
      with_bias ? look(b, {13}) : tensor_view<const T>{}, see(loss, {1}), see(dw, {13, 6}), with_bias ? see(db, {13}) : tensor_view<T>{},
      see(r.correct, {m}));
  CHECK(d.shape == extents(3, 3, 6));
  dh.assign(d.begin(), d.end());
  r.loss = static_cast<double>(loss[0]);
  r.dh.assign(dh.begin(), dh.end());
  r.dweight.assign(dw.begin(), dw.end());
  r.dbias.assign(db.begin(), db.end());
  return r;
}
template <class T, class B>
void check(B& be, double limit) {
  const golden::file f("text");
  for (const std::string word : {"bias", "tied"}) {
    const std::string name = "vocabulary." + word;
    auto rows = f[name + ".rows"].as<std::int32_t>(), labels = f[name + ".labels"].as<std::int32_t>();
    // Slots beyond the count may hold anything.
    rows.insert(rows.end(), {100, -1}), labels.insert(labels.end(), {3, 1000});
    const result r = run<T>(be, name, word == "bias", labels, rows);
    CHECK(std::fabs(r.loss - f.number(name + ".loss")) <= limit * f.number(name + ".loss"));
    CHECK(golden::relative_error(r.dh, f[name + ".dh"]) <= limit);
    CHECK(golden::relative_error(r.dweight, f[name + ".dweight"]) <= limit);
    if (word == "bias") CHECK(golden::relative_error(r.dbias, f[name + ".dbias"]) <= limit);
    for (std::size_t k = 0; k < 5; ++k) CHECK(static_cast<double>(r.correct[k]) == f[name + ".correct"].values[k]);
    CHECK((r.correct[5] == -1 && r.correct[6] == -1));
  }
}
}  // namespace

TEST_CASE("mean_vocabulary_loss: loss and gradients are those of PyTorch's cross_entropy at the wanted positions", "[objective][vocabulary][golden]") {
  px::backend::reference specification;
  px::backend::simd<> be(2);
  check<double>(specification, 1e-12);
  check<double>(be, 1e-12);
  check<float>(be, 1e-5);
}
