// SPDX-License-Identifier: BSD-3-Clause
// opt-in: conformance kits are for tests, not for programs
#pragma once

#include "../similarity/similarity.hpp"
#include "op_bench.hpp"

namespace pretext::check {

namespace detail {

/// A functor that uses most of a math policy.
struct trial_functor {
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::select(x > V(0), M::log(V(1) + M::exp(V(0) - x)), M::tanh(x) * M::sqrt(M::max(V(1), x * x)));
  }
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V derivative(const V& x) {
    return M::min(V(1), M::exp(x)) + M::erf(x);
  }
};

/// One that products may apply to their sums.
struct trial_clamp {
  static constexpr double least = -0.5;
  template <class M, class V>
  PRETEXT_HOST_DEVICE static V value(const V& x) {
    return M::max(V(-0.5), x);
  }
};

/// Momentum, as a rule with one state.
struct trial_rule {
  static constexpr int states = 1;
  template <class T>
  struct coefficients {
    T rate;
  };
  template <class T>
  PRETEXT_HOST_DEVICE coefficients<T> prepare(const update_range& r, const player_inputs& in, double weight_norm, double) const {
    return {static_cast<T>(in.rate * r.rate_multiplier / (1 + weight_norm))};
  }
  template <class M, class C, class V>
  PRETEXT_HOST_DEVICE static void apply(const C& c, const V& g, V& p, V& b, V&) {
    b = V(0.9f) * b + g;
    p = p - V(c.rate) * b;
  }
};

/// Writes a number that depends on the sample, through its scratch.
struct trial_writer {
  float* out = nullptr;
  index_t scratch_floats = 16;
  void operator()(index_t i, tensor_view<float> scratch) const {
    for (index_t k = 0; k < scratch_floats; ++k) scratch[k] = static_cast<float>(i * k);
    out[i] = scratch[scratch_floats - 1] + 1;
  }
};

template <class T, class B>
void matrix_ops(result& r, B& be, double tolerance) {
  const auto law = [&](auto o, auto&& run) { compare_op<T>(r, be, decltype(o)::name, tolerance, run); };
  law(op::matmul, [](auto& b, index_t m, index_t n) {
    for (const int bits : {0, 1, 2, 3, 4}) {
      const bool ta = (bits & 1) != 0, tb = (bits & 2) != 0;
      const extents ae = ta ? extents(5, m) : extents(m, 5), be_ = tb ? extents(n, 5) : extents(5, n);
      const auto a = b.in(ae), c = b.in(be_);
      b(op::matmul, a, c, bits == 4 ? b.sum({m, n}) : b.out({m, n}),
        op::matmul_options{.transpose_a = ta, .transpose_b = tb, .accumulate = bits == 4});
    }
  });
  law(op::linear, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, 6}), w = b.in({n, 6}), bias = b.in({n});
    b(op::linear, x, w, bias, b.out({m, n}));
    b(op::linear, x, w, decltype(bias){}, b.out({m, n}));
  });
  law(op::linear_map, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, 6}), w = b.in({n, 6}), bias = b.in({n});
    b(op::linear_map, trial_functor{}, x, w, bias, b.out({m, n}));
    b(op::linear_map, trial_clamp{}, x, w, bias, b.out({m, n}));
    b(op::linear_map, trial_clamp{}, x, w, decltype(bias){}, b.out({m, n}));
  });
  law(op::column_sums, [](auto& b, index_t m, index_t n) { b(op::column_sums, b.in({m, n}), b.sum({n})); });
  law(op::transpose_inner, [](auto& b, index_t m, index_t n) { b(op::transpose_inner, b.in({2, m, n}), b.out({2, n, m})); });
  law(op::copy_columns, [](auto& b, index_t m, index_t n) { b(op::copy_columns, b.in({m, n + 2}), b.sum({m, n + 3}), index_t{1}, index_t{2}, n); });
}

template <class T, class B>
void convolution_ops(result& r, B& be, double tolerance) {
  const auto law = [&](auto o, auto&& run) { compare_op<T>(r, be, decltype(o)::name, tolerance, run); };
  // The sizes of a case give channels; pictures are small and odd.
  const auto geometry = [](index_t m, index_t n, index_t stride, index_t groups) {
    return conv2d_geometry{.in_h = 5, .in_w = 6, .in_c = m * groups, .out_h = (5 + 2 - 3) / stride + 1, .out_w = (6 + 2 - 3) / stride + 1,
                           .out_c = n * groups, .kernel_h = 3, .kernel_w = 3, .stride_h = stride, .stride_w = stride, .pad_h = 1,
                           .pad_w = 1, .groups = groups};
  };
  const auto each = [=](index_t m, index_t n, auto&& run) {
    const index_t few = n > 40 ? 40 : n;
    run(geometry(m, few, 1, 1));
    run(geometry(m > 7 ? 7 : m, few, 2, 2));
  };
  const auto maps = [](index_t b, index_t h, index_t w, index_t c) { return extents(b, h, w, c); };
  const auto weights = [](const conv2d_geometry& g) { return extents(g.groups, g.kernel_h, g.kernel_w, g.group_in(), g.group_out()); };
  law(op::conv2d, [=](auto& b, index_t m, index_t n) {
    each(m, n, [&](const conv2d_geometry& g) {
      const auto x = b.in(maps(2, 5, 6, g.in_c)), w = b.in(weights(g)), bias = b.in({g.out_c});
      b(op::conv2d, x, w, bias, b.out(maps(2, g.out_h, g.out_w, g.out_c)), g);
    });
  });
  law(op::conv2d_map, [=](auto& b, index_t m, index_t n) {
    each(m, n, [&](const conv2d_geometry& g) {
      const auto x = b.in(maps(2, 5, 6, g.in_c)), w = b.in(weights(g)), bias = b.in({g.out_c});
      b(op::conv2d_map, trial_functor{}, x, w, bias, b.out(maps(2, g.out_h, g.out_w, g.out_c)), g);
      b(op::conv2d_map, trial_clamp{}, x, w, bias, b.out(maps(2, g.out_h, g.out_w, g.out_c)), g);
    });
  });
  law(op::conv2d_moments, [=](auto& b, index_t m, index_t n) {
    each(m, n, [&](const conv2d_geometry& g) {
      const auto x = b.in(maps(2, 5, 6, g.in_c)), w = b.in(weights(g)), bias = b.in({g.out_c});
      b(op::conv2d_moments, x, w, bias, b.out(maps(2, g.out_h, g.out_w, g.out_c)), b.out({g.out_c}), b.out({g.out_c}), g);
    });
  });
  law(op::conv2d_input_gradient, [=](auto& b, index_t m, index_t n) {
    each(m, n, [&](const conv2d_geometry& g) {
      const auto dy = b.in(maps(2, g.out_h, g.out_w, g.out_c)), w = b.in(weights(g));
      b(op::conv2d_input_gradient, dy, w, b.out(maps(2, 5, 6, g.in_c)), g);
    });
  });
  law(op::conv2d_weight_gradient, [=](auto& b, index_t m, index_t n) {
    each(m, n, [&](const conv2d_geometry& g) {
      const auto x = b.in(maps(2, 5, 6, g.in_c)), dy = b.in(maps(2, g.out_h, g.out_w, g.out_c));
      b(op::conv2d_weight_gradient, x, dy, b.sum(weights(g)), g);
    });
  });
  const auto window = [](index_t c) {
    return pool2d_geometry{.in_h = 5, .in_w = 6, .channels = c, .out_h = 3, .out_w = 3, .kernel_h = 3, .kernel_w = 3, .stride_h = 2,
                           .stride_w = 2, .pad_h = 1, .pad_w = 1};
  };
  law(op::max_pool2d, [=](auto& b, index_t, index_t n) {
    const auto x = b.in(maps(2, 5, 6, n)), dy = b.in(maps(2, 3, 3, n));
    const auto argmax = b.integers(maps(2, 3, 3, n));
    b(op::max_pool2d, x, b.out(maps(2, 3, 3, n)), argmax, window(n));
    b(op::max_pool2d_backward, dy, as_const(argmax), b.out(maps(2, 5, 6, n)), window(n));
  });
  law(op::avg_pool2d, [=](auto& b, index_t, index_t n) {
    b(op::avg_pool2d, b.in(maps(2, 5, 6, n)), b.out(maps(2, 3, 3, n)), window(n));
    b(op::avg_pool2d_backward, b.in(maps(2, 3, 3, n)), b.out(maps(2, 5, 6, n)), window(n));
  });
  law(op::spatial_mean, [](auto& b, index_t m, index_t n) {
    b(op::spatial_mean, b.in({2, m, n}), b.out({2, n}));
    b(op::spatial_mean_backward, b.in({2, n}), b.out({2, m, n}));
  });
}

template <class T, class B>
void elementwise_ops(result& r, B& be, double tolerance) {
  const auto law = [&](auto o, auto&& run) { compare_op<T>(r, be, decltype(o)::name, tolerance, run); };
  law(op::map, [](auto& b, index_t m, index_t n) { b(op::map, trial_functor{}, b.in({m, n}), b.out({m, n})); });
  law(op::map_backward, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, n}), dy = b.in({m, n});
    b(op::map_backward, trial_functor{}, x, dy, b.out({m, n}));
  });
  law(op::add, [](auto& b, index_t m, index_t n) { b(op::add, b.in({m, n}), b.sum({m, n})); });
  law(op::add_map, [](auto& b, index_t m, index_t n) { b(op::add_map, trial_functor{}, b.in({m, n}), b.sum({m, n})); });
  law(op::copy, [](auto& b, index_t m, index_t n) { b(op::copy, b.in({m, n}), b.out({m, n})); });
  law(op::fill, [](auto& b, index_t m, index_t n) {
    using V = typename std::remove_cvref_t<decltype(b)>::value_type;
    b(op::fill, V(0.25), b.out({m, n}));
    b(op::scale, V(1.5), b.sum({m, n}));
    b(op::shift, V(-0.5), b.sum({m, n}));
  });
  law(op::dropout, [](auto& b, index_t m, index_t n) {
    const rng::key key = rng::key{.seed = 3}.with_purpose(rng::purpose::dropout);
    b(op::dropout, key, 0.3, index_t{0}, b.in({m, n}), b.out({m, n}));
    b(op::dropout, key, 0.3, index_t{5}, b.in({m, n}), b.out({m, n}));  // a part of a batch that starts within a block
  });
  law(op::lerp, [](auto& b, index_t m, index_t n) {
    const double momentum = 0.9;
    b(op::lerp, &momentum, b.in({m * n}), b.sum({m * n}));
  });
  law(op::sum, [](auto& b, index_t m, index_t n) { b(op::sum, b.positive({m, n}), b.out({1})); });
  law(op::add_scaled, [](auto& b, index_t m, index_t n) {
    using V = typename std::remove_cvref_t<decltype(b)>::value_type;
    b(op::add_scaled, b.in({m, n}), V(0.5), b.sum({m, n}));
    b(op::add_scaled_squares, b.in({m, n}), V(0.5), b.sum({m, n}));
  });
}

template <class T, class B>
void norm_ops(result& r, B& be, double tolerance) {
  const auto law = [&](auto o, auto&& run) { compare_op<T>(r, be, decltype(o)::name, tolerance, run); };
  law(op::column_moments, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, n});
    const auto mean = b.out({n});
    b(op::column_moments, x, mean, b.out({n}));
  });
  law(op::rstd_of_moments, [](auto& b, index_t, index_t n) {
    b(op::rstd_of_moments, b.positive({n}), 4.0, 1e-5, b.out({n}));
    const auto mean = b.in({n}), m2 = b.positive({n});
    const auto running = b.sum({n});
    b(op::update_running_moments, mean, m2, 4.0, 0.1, running, b.positive_sum({n}));
  });
  law(op::normalize_columns, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, n}), mean = b.in({n}), rstd = b.positive({n}), gamma = b.in({n}), beta = b.in({n});
    b(op::normalize_columns, x, mean, rstd, gamma, beta, b.out({m, n}));
    b(op::scale_columns, x, rstd, gamma, b.out({m, n}));
  });
  law(op::batch_norm_sums, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, n}), dy = b.in({m, n}), mean = b.in({n}), rstd = b.positive({n}), gamma = b.in({n}), s = b.in({n}), t = b.in({n});
    const auto sums = b.out({n});
    b(op::batch_norm_sums, x, dy, mean, rstd, sums, b.out({n}));
    b(op::batch_norm_input_gradient, x, dy, mean, rstd, gamma, s, t, static_cast<double>(m), b.out({m, n}));
  });
  law(op::normalize_columns_map, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, n}), dy = b.in({m, n}), mean = b.in({n}), rstd = b.positive({n}), gamma = b.in({n}), beta = b.in({n}), s = b.in({n}), t = b.in({n});
    b(op::normalize_columns_map, trial_functor{}, x, mean, rstd, gamma, beta, b.out({m, n}));
    const auto sums = b.out({n});
    b(op::batch_norm_map_sums, trial_functor{}, x, dy, mean, rstd, gamma, beta, sums, b.out({n}));
    b(op::batch_norm_map_input_gradient, trial_functor{}, x, dy, mean, rstd, gamma, beta, s, t, static_cast<double>(m), b.out({m, n}));
    b(op::batch_norm_map_input_gradient, trial_functor{}, x, dy, mean, rstd, gamma, beta, s, t, 0.0, b.out({m, n}));
  });
  law(op::layer_norm, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, n}), gamma = b.in({n}), beta = b.in({n}), dy = b.in({m, n}), mean = b.in({m}), rstd = b.positive({m});
    const auto y = b.out({m, n}), own_mean = b.out({m});
    b(op::layer_norm, x, gamma, beta, 1e-5, y, own_mean, b.out({m}));
    b(op::layer_norm_input_gradient, x, gamma, mean, rstd, dy, b.out({m, n}));
    const auto dgamma = b.sum({n});
    b(op::layer_norm_parameter_gradient, x, dy, mean, rstd, dgamma, b.sum({n}));
  });
  law(op::row_normalize, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, n}), unit = b.in({m, n}), norms = b.positive({m}), dy = b.in({m, n});
    const auto y = b.out({m, n});
    b(op::row_normalize, x, 1e-8, y, b.out({m}));
    b(op::row_normalize_backward, unit, norms, dy, b.sum({m, n}));
  });
}

template <class T, class B>
void row_ops(result& r, B& be, double tolerance) {
  const auto law = [&](auto o, auto&& run) { compare_op<T>(r, be, decltype(o)::name, tolerance, run); };
  law(op::gather_rows, [](auto& b, index_t m, index_t n) {
    const auto table = b.in({5, n}), dy = b.in({m, n});
    const auto ids = b.ids(m, 5);
    b(op::gather_rows, table, ids, b.out({m, n}));
    b(op::scatter_add_rows, dy, ids, b.sum({5, n}));
  });
  law(op::aggregate_neighbours, [](auto& b, index_t m, index_t n) {  // a ring, each node with its two neighbours
    std::vector<std::int32_t> offsets, columns;
    for (index_t i = 0; i <= m; ++i) offsets.push_back(static_cast<std::int32_t>(2 * i));
    for (index_t i = 0; i < m; ++i)
      for (const index_t to : {(i + 1) % m, (i + m - 1) % m}) columns.push_back(static_cast<std::int32_t>(to));
    const extent graph{.samples = 1, .nodes = m, .offsets = offsets.data(), .columns = columns.data()};
    for (const bool mean : {false, true}) {
      b(op::aggregate_neighbours, b.in({m, n}), graph, mean, b.out({m, n}));
      b(op::aggregate_neighbours_backward, b.in({m, n}), graph, mean, b.sum({m, n}));
    }
  });
  law(op::sample_mean, [](auto& b, index_t m, index_t n) {
    const std::vector<std::int32_t> lengths{static_cast<std::int32_t>(m), static_cast<std::int32_t>((m + 1) / 2)};
    const extent text{.samples = 2, .length = m, .lengths = lengths.data()};
    b(op::sample_mean, b.in({2, m, n}), text, b.out({2, n}));
    b(op::sample_mean_backward, b.in({2, n}), text, b.out({2, m, n}));
  });
  law(op::softmax_cross_entropy, [](auto& b, index_t m, index_t n) {
    const auto logits = b.in({m, n});
    const auto losses = b.out({m});
    b(op::softmax_cross_entropy, logits, b.ids(m, n), losses, b.out({m, n}));
  });
  law(op::row_dot, [](auto& b, index_t m, index_t n) {
    const auto x = b.in({m, n}), y = b.in({m, n}), w = b.in({m});
    b(op::row_dot, x, y, b.out({m}));
    b(op::add_scaled_rows, w, x, b.sum({m, n}));
  });
  law(op::embedding_std, [](auto& b, index_t m, index_t n) { b(op::embedding_std, b.in({m, n}), b.out({1})); });
}

template <class T, class B>
void sequence_ops(result& r, B& be, double tolerance) {
  const auto law = [&](auto o, auto&& run) { compare_op<T>(r, be, decltype(o)::name, tolerance, run); };
  law(op::attention, [](auto& b, index_t m, index_t n) {
    const std::vector<std::int32_t> lengths{static_cast<std::int32_t>(m), static_cast<std::int32_t>(m / 2)};
    const extent text{.samples = 2, .length = m, .lengths = lengths.data()};
    for (const bool causal : {false, true}) {
      const op::attention_options o{.heads = 2, .causal = causal, .dropout = causal ? 0.3 : 0.0};
      const auto qkv = b.in({2, m, 6 * n}), dy = b.in({2, m, 2 * n});
      const auto y = b.out({2, m, 2 * n}), lse = b.out({2, 2, m});
      b(op::attention, qkv, text, o, y, lse);
      b(op::attention_gradient, qkv, text, o, as_const(y), as_const(lse), dy, b.out({2, m, 6 * n}));
    }
  });
  law(op::add_positions, [](auto& b, index_t m, index_t n) {
    const std::vector<std::int32_t> lengths{static_cast<std::int32_t>(m / 2), static_cast<std::int32_t>(m)};
    const extent text{.samples = 2, .length = m, .lengths = lengths.data()};
    b(op::add_positions, b.in({m, n}), text, b.sum({2, m, n}));
    b(op::add_positions_gradient, b.in({2, m, n}), text, b.sum({m, n}));
    b(op::rotate_positions, text, index_t{2}, 10000.0, m % 2 == 1, b.sum({2, m, 12 * n}));
    b(op::sinusoidal_positions, b.out({m, n}));
  });
  law(op::vocabulary_loss, [](auto& b, index_t m, index_t n) {
    using M = master_t<typename std::remove_cvref_t<decltype(b)>::value_type>;
    std::vector<std::int32_t> places, words;
    for (index_t k = 0; k < m; ++k) {
      places.push_back(static_cast<std::int32_t>(m - k));
      words.push_back(k % 4 == 3 ? -1 : static_cast<std::int32_t>(k * 5 % n));
    }
    const tensor_view<const std::int32_t> rows{places.data(), m}, labels{words.data(), m}, all{};
    const auto hidden = b.in({m + 2, 5}), weight = b.in({n, 5}), bias = b.in({n});
    const auto number = b.out({1}), losses = b.out({m});
    b(op::count_slots, labels, all, number);
    b(op::vocabulary_loss, hidden, rows, labels, all, weight, bias, as_const(number), losses, b.integers({m}), b.out({m + 2, 5}), b.sum({n, 5}), b.sum({n}));
    b(op::vocabulary_loss, hidden, rows, labels, all, weight, decltype(bias){}, as_const(number), b.out({m}), tensor_view<std::int32_t>{}, tensor_view<M>{},
      tensor_view<M>{}, tensor_view<M>{});
  });
  law(op::add_gathered_rows, [](auto& b, index_t m, index_t n) {
    const auto table = b.in({5, n});
    const auto ids = b.ids(m, 5);
    b(op::add_gathered_rows, table, ids, b.sum({m, n}));
    b(op::add_gathered_rows, table, decltype(ids){}, b.sum({m, n}));
  });
}

template <class T, class B>
void contrastive_ops(result& r, B& be, double tolerance) {
  const auto law = [&](auto o, auto&& run) { compare_op<T>(r, be, decltype(o)::name, tolerance, run); };
  const auto streamed = [](auto& b, const auto& pair, index_t m, index_t n, op::pair_mask mask) {
    const index_t rows = 2 * m;
    using V = typename std::remove_cvref_t<decltype(b)>::value_type;
    const auto x = b.in({rows, n}), it = b.positive({1});
    auto z = b.sum({rows, n});
    b(op::scale, static_cast<V>(1 / std::sqrt(static_cast<double>(n))), z);
    const auto ids = b.integers({rows});
    b(op::pair_indices, index_t{0}, m, rows, ids);
    const auto lse = b.out({rows}), scores = b.out({rows}), expected = b.out({rows}), d = b.sum({rows, n});
    b(op::contrastive_forward, pair, as_const(z), as_const(z), as_const(ids), mask, it, lse, scores);
    b(op::contrastive_gradient, pair, as_const(z), as_const(z), as_const(ids), as_const(ids), mask, it, as_const(lse), as_const(lse), V(0.5), d, expected);
    const auto lse2 = b.positive_sum({rows}), scores2 = b.out({rows}), expected2 = b.sum({rows});
    b(op::positive_forward, pair, as_const(z), x, it, true, lse2, scores2);
    b(op::positive_gradient, pair, as_const(z), x, it, true, as_const(lse2), V(0.5), b.sum({rows, n}), expected2);
  };
  law(op::contrastive_forward, [=](auto& b, index_t m, index_t n) { streamed(b, pretext::similarity::dot{}, m + 1, n, {0, false}); });
  law(op::contrastive_gradient, [=](auto& b, index_t m, index_t n) {
    streamed(b, pretext::similarity::gaussian_kernel{}, m + 1, n, {0, true});
    streamed(b, pretext::similarity::negative_squared_euclidean{}, m + 1, n, {0, false});
  });
  law(op::scheduled_inverse, [](auto& b, index_t, index_t) {
    step_inputs inputs{};
    inputs.progress = 0.25;
    b(op::scheduled_inverse, 0.5, 0.1, static_cast<const step_inputs*>(&inputs), b.out({1}));
  });
}

template <class T, class B>
void update_ops(result& r, B& be, double tolerance) {
  const auto law = [&](auto o, auto&& run) { compare_op<T>(r, be, decltype(o)::name, tolerance, run); };
  law(op::update, [](auto& b, index_t m, index_t n) {
    const index_t size = m * n + 16;
    const std::vector<update_range> ranges{{0, m * n, 0.5, 1.0, true}, {m * n + 8, 5, 1.0, 0.0, false}};
    const tensor_view<const update_range> where{ranges.data(), extents(2)};
    player_inputs in;
    in.rate = 0.1;
    in.clip_scale = 0.5;
    const auto g = b.sum({size}), p = b.sum({size}), state = b.sum({size});
    const auto norms = b.doubles({2, 2});
    b(op::range_norms, as_const(p), as_const(g), where, norms);
    b(op::update, trial_rule{}, where, as_const(norms), static_cast<const player_inputs*>(&in), g, p, state, decltype(state){});
  });
  law(op::sum_squares, [](auto& b, index_t m, index_t n) {
    const auto squares = b.doubles({1});
    b(op::sum_squares, b.in({m * n}), squares);
    player_inputs in;
    double bad = 0;
    b(op::clip_scale, as_const(squares), 0.5, &in, &bad);
    const auto seen = b.doubles({3});
    seen[0] = in.clip_scale, seen[1] = in.gradient_norm, seen[2] = bad;
  });
  law(op::hold_momentum, [](auto& b, index_t, index_t) {
    const auto seen = b.doubles({2});
    for (const double bad : {0.0, 1.0}) {
      double momentum = 0.75;
      b(op::hold_momentum, &bad, &momentum);
      seen[bad == 0 ? 0 : 1] = momentum;
    }
  });
  law(op::put_back, [](auto& b, index_t m, index_t n) {
    for (const double bad : {0.0, 1.0}) b(op::put_back, &bad, b.in({m, n}), b.sum({m, n}));
  });
  law(op::enqueue_rows, [](auto& b, index_t m, index_t n) {
    step_inputs inputs{};
    inputs.step = 5;  // of three places the last
    b(op::enqueue_rows, b.in({m, n}), static_cast<const step_inputs*>(&inputs), b.sum({3 * m, n}));
  });
  law(op::begin_step, [](auto& b, index_t, index_t) {
    step_inputs values{}, inputs{};
    values.step = 3, values.epoch = 2, values.seed = 9, values.progress = 0.5, values.players[1].rate = 0.25, values.momentum[2] = 0.75;
    inputs.players[1].updates = 7, inputs.non_finite = 1, inputs.bad_steps = 4;
    b(op::begin_step, values, &inputs);
    const auto seen = b.doubles({9});
    const double numbers[]{static_cast<double>(inputs.step),    static_cast<double>(inputs.epoch), static_cast<double>(inputs.seed),
                           inputs.progress,                     inputs.players[1].rate,            inputs.momentum[2],
                           static_cast<double>(inputs.players[1].updates), inputs.non_finite,      static_cast<double>(inputs.bad_steps)};
    for (index_t i = 0; i < 9; ++i) seen[i] = numbers[i];
  });
  law(op::for_each_sample, [](auto& b, index_t m, index_t) {
    std::vector<float> made(static_cast<std::size_t>(m), -1.0f);
    b(op::for_each_sample, trial_writer{made.data()}, m);
    const auto seen = b.doubles({m});
    for (index_t i = 0; i < m; ++i) seen[i] = static_cast<double>(made[static_cast<std::size_t>(i)]);
  });
}

}  // namespace detail

/// The laws of a back end: every op on sizes from 1 x 1 to 4 x 257 agrees with the reference in double, within the
/// tolerance of T, in the scratch memory that it says it takes, with the same bits twice; a row of a product does not
/// depend on the rows beside it.
///   backend::simd<> be; check::backend(be)
template <class T = float, class B>
result backend(B& be, double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-10) {
  result r(std::string("back end ") + B::name);
  detail::matrix_ops<T>(r, be, tolerance);
  detail::convolution_ops<T>(r, be, tolerance);
  detail::elementwise_ops<T>(r, be, tolerance);
  detail::norm_ops<T>(r, be, tolerance);
  detail::row_ops<T>(r, be, tolerance);
  detail::contrastive_ops<T>(r, be, tolerance);
  detail::sequence_ops<T>(r, be, tolerance);
  detail::update_ops<T>(r, be, tolerance);

  bool alone = true;
  for (const index_t rows : {2, 9, 37}) {
    detail::op_bench<B, T> b(be);
    const auto x = b.in({rows, 21}), w = b.in({19, 21}), bias = b.in({19});
    const auto all = b.out({rows, 19}), one = b.out({1, 19});
    b(op::linear, x, w, bias, all);
    for (index_t i = 0; i < rows; ++i) {
      b(op::linear, x.slice(i, i + 1), w, bias, one);
      for (index_t j = 0; j < 19; ++j) alone = alone && all(i, j) == one(0, j);
    }
  }
  r.add("a row of linear does not depend on the rows beside it", alone);
  return r;
}

}  // namespace pretext::check
