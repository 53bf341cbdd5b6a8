// SPDX-License-Identifier: BSD-3-Clause
// The parts of text models, forward and backward: attention of packed q, k, v, the vocabulary loss at masked positions, a recurrent layer.
#include <pretext/nn/recurrent.hpp>
#include <pretext/objective/vocabulary.hpp>

#include "bench.hpp"

namespace {

using namespace bench;

bool begins(const options& o, std::string_view name) {
  if (o.wants(name) && o.list) std::printf("%.*s\n", static_cast<int>(name.size()), name.data());
  return o.wants(name) && !o.list;
}

void attention(const options& o, backend_type& be, const char* name, index_t samples, index_t length, index_t heads, index_t width, bool causal) {
  if (!begins(o, name)) return;
  const tensor qkv({samples, length, 3 * heads * width}, 1), dy({samples, length, heads * width}, 2), y(dy.shape), lse({samples, heads, length}),
      d(qkv.shape);
  const px::op::attention_options how{.heads = heads, .causal = causal};
  planned ours(be, [&](const auto& ctx) {
    ctx(px::op::attention, qkv.in(), px::extent{}, how, y.view(), lse.view());
    ctx(px::op::attention_gradient, qkv.in(), px::extent{}, how, y.in(), lse.in(), dy.in(), d.view());
  });
  if (o.exports()) {
    ours();
    archive all;
    all.add("qkv", qkv);
    all.add("dy", dy);
    all.add("y", y);
    all.add("dqkv", d);
    return all.write(o, "text", name);
  }
  const double pairs = static_cast<double>(samples * heads * length) * static_cast<double>(causal ? length + 1 : 2 * length) / 2;
  report(o, "text", name, {.gflop = 14e-9 * pairs * static_cast<double>(width), .scratch_mb = ours.scratch_mb()}, ours);
}

void vocabulary(const options& o, backend_type& be, const char* name, index_t positions, index_t wanted, index_t words, index_t width) {
  if (!begins(o, name)) return;
  const tensor hidden({positions, width}, 1), weight({words, width}, 2), bias({words}, 3), loss(px::extents(1)), d_weight(weight.shape), d_bias(bias.shape),
      d_hidden(hidden.shape);
  std::vector<std::int32_t> rows, labels;
  for (index_t k = 0; k < wanted; ++k) {
    rows.push_back(static_cast<std::int32_t>(k * positions / wanted));
    labels.push_back(static_cast<std::int32_t>(k * 7919 % words));
  }
  const px::objective::wanted_words slots{{rows.data(), wanted}, {labels.data(), wanted}};
  planned ours(be, [&](const auto& ctx) {
    const auto d = px::objective::mean_vocabulary_loss(ctx, px::activations<const float>(hidden.in()), slots, weight.in(), bias.in(), loss.view(),
                                                       d_weight.view(), d_bias.view());
    if (o.exports()) ctx(px::op::copy, px::as_const(px::tensor_view<float>(d)), d_hidden.view());
  });
  if (o.exports()) {
    ours();
    archive all;
    all.add("hidden", hidden);
    all.add("weight", weight);
    all.add("bias", bias);
    all.add("loss", loss);
    all.add("d_hidden", d_hidden);
    all.add("d_weight", d_weight);
    all.add("d_bias", d_bias);
    return all.write(o, "text", name);
  }
  const double gflop = 6e-9 * static_cast<double>(wanted) * static_cast<double>(words) * static_cast<double>(width);
  report(o, "text", name, {.gflop = gflop, .scratch_mb = ours.scratch_mb()}, ours);
}

template <class Spec, index_t Inputs>
void recurrent(const options& o, backend_type& be, const char* name, index_t samples, index_t length) {
  if (!begins(o, name)) return;
  const auto layer = px::nn::bind(Spec{}, px::sequence<Inputs>(px::extents(length, Inputs)));
  px::parameter_table table;
  px::table_builder(table).child("", layer);
  const tensor x({samples, length, Inputs}, 1), p(px::extents(table.parameter_extent)), dp(p.shape), dx(x.shape);
  fill(p.view(), 2, -0.05f, 0.05f);
  const px::extents out = px::nn::output_extents(layer, x.shape);
  const tensor y(out), dy(out, 3);
  planned ours(be, [&](const auto& ctx) {
    typename std::remove_cvref_t<decltype(layer)>::template cache<float> kept{};
    const px::parameter_view<float> params{p.view().data, nullptr};
    layer.forward(ctx, params, px::activations<const float>(x.in()), px::activations<float>(y.view()), kept);
    layer.backward(ctx, params, px::activations<const float>(x.in()), kept, px::activations<const float>(dy.in()), px::activations<float>(dx.view()),
                   px::gradient_view<float>{dp.view().data});
  });
  if (o.exports()) {
    ours();
    archive all;
    all.add("x", x);
    all.add("dy", dy);
    all.add("y", y);
    all.add("dx", dx);
    for (const auto& e : table.parameters) all.add(e.name, px::tensor_view<const float>{p.in().data + e.offset, e.file_shape});
    return all.write(o, "text", name);
  }
  double gflop = 0;
  for (const auto& e : table.parameters)
    if (e.what == px::role::weight) gflop += 6e-9 * static_cast<double>(e.size) * static_cast<double>(samples * length);
  report(o, "text", name, {.gflop = gflop, .scratch_mb = ours.scratch_mb()}, ours);
}

void measure(const options& o) {
  backend_type be(o.threads);
  attention(o, be, "attention BERT-mini", 32, 128, 4, 64, false);
  attention(o, be, "attention nanoGPT", 12, 64, 4, 32, true);
  attention(o, be, "attention BERT 512", 8, 512, 12, 64, false);
  attention(o, be, "attention GPT-2 1024", 4, 1024, 12, 64, true);
  vocabulary(o, be, "vocabulary MaskLM", 4096, 614, 10000, 512);
  vocabulary(o, be, "vocabulary BERT-mini", 4096, 614, 8192, 256);
  vocabulary(o, be, "vocabulary nanoGPT", 768, 768, 65, 128);
  recurrent<px::nn::lstm<512>, 256>(o, be, "lstm 512", 32, 128);
  recurrent<px::nn::gru<512>, 256>(o, be, "gru 512", 32, 128);
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
