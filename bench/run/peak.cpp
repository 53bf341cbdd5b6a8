// SPDX-License-Identifier: BSD-3-Clause
// What the machine can do: multiply-adds in registers, and bytes copied between arrays of 256 MB.
#include <cstring>
#include <string>
#include <utility>

#include "bench.hpp"

namespace {

using namespace bench;
using vec = px::simd::vec<float, px::simd::native_arch>;

/// 12 independent sums hide the latency of a multiply-add on every processor we know of, and fit into 16 registers.
template <std::size_t... I>
float multiply_add(index_t turns, float factor, float term, std::index_sequence<I...>) {
  const vec a(factor), b(term);
  vec sums[]{vec(static_cast<float>(I))...};
  for (index_t i = 0; i < turns; ++i) ((sums[I] = xsimd::fma(sums[I], a, b)), ...);
  vec total(0.0f);
  ((total = total + sums[I]), ...);
  float lanes[px::simd::lanes<float, px::simd::native_arch>];
  total.store_unaligned(lanes);
  return lanes[0];
}

void copy_vectors(const float* from, float* to, index_t n) {
  constexpr index_t step = px::simd::lanes<float, px::simd::native_arch>;
  for (index_t i = 0; i < n; i += step) vec::load_aligned(from + i).store_aligned(to + i);
}

void copy_with_libc(const float* from, float* to, index_t n) { std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float)); }

#ifdef __SSE2__
/// Around the caches: the line that is written is not read first. A line is 64 bytes.
void copy_past_caches(const float* from, float* to, index_t n) {
#ifdef __AVX512F__
  for (index_t i = 0; i < n; i += 16) _mm512_stream_ps(to + i, _mm512_load_ps(from + i));
#else
  for (index_t i = 0; i < n; i += 16)
    for (index_t k = 0; k < 16; k += 4) _mm_stream_ps(to + i + k, _mm_load_ps(from + i + k));
#endif
  _mm_sfence();
}
#endif

void measure(const options& o) {
  px::thread_pool pool(o.threads);
  const auto wanted = [&](const std::string& name) {
    if (o.list && o.wants(name)) std::printf("%s\n", name.c_str());
    return !o.list && !o.exports() && o.wants(name);
  };

  if (wanted("multiply_add")) {
    constexpr index_t turns = 1'000'000;
    const index_t pieces = 8 * o.threads;  // more than threads: one that starts late does less
    constexpr index_t flop = 2 * 12 * px::simd::lanes<float, px::simd::native_arch>;
    // Through memory that the compiler must read and write, so that nothing is computed ahead.
    volatile float factor = 0.999f, term = 0.001f, kept = 0;
    const double total = static_cast<double>(flop) * static_cast<double>(turns * pieces);
    std::vector<float> sums(static_cast<std::size_t>(pieces * 16));
    report(o, "peak", "multiply_add", {.gflop = total * 1e-9}, [&] {
      pool.parallel_for(pieces, [&](index_t t) {
        sums[static_cast<std::size_t>(t * 16)] = multiply_add(turns, factor, term, std::make_index_sequence<12>{});
      });
      kept = sums[0];
    });
  }

  const auto copy = [&](const std::string& name, auto&& part) {
    if (!wanted(name)) return;
    const index_t n = 256 * 1024 * 1024 / 4, chunk = n / 64;
    const tensor from(px::extents(n), 1), to{px::extents(n)};
    const double gbytes = 2 * static_cast<double>(n) * 4e-9;
    report(o, "peak", name, {.gbytes = gbytes}, [&] {
      pool.parallel_for(n, chunk, [&](index_t begin, index_t end) { part(from.memory.data() + begin, to.memory.data() + begin, end - begin); });
    });
  };
  copy("copy", copy_vectors);
  copy("libc_memcpy", copy_with_libc);
#ifdef __SSE2__
  copy("streaming_store", copy_past_caches);
#endif
}

}  // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, measure); }
