// SPDX-License-Identifier: BSD-3-Clause
// Steps on a GPU: launched anew, captured and replayed the same bits, run for run; near those of the reference; checkpoints of both go on in the
// other. In double, so that near is 1e-9 after twelve steps.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "device.cuh"
#include "pretext/cuda.cuh"

namespace px = pretext;
namespace nn = pretext::nn;
using px::index_t;
using device = px::backend::cuda<>;

struct byol : px::recipe::byol {
  using input = px::image<1, 9, 7>;
  using encoder = nn::sequential<nn::conv2d<5, 3>, nn::batch_norm, nn::relu, nn::dropout, nn::global_avg_pool>;
  using head = nn::mlp_batch_norm<11, 6>;
  using predictor = nn::mlp_batch_norm<9, 6>;
  using views = px::augment::chain<px::augment::random_resized_crop, px::augment::horizontal_flip, px::augment::gaussian_noise>;
  using precision = px::train::f64;
};
template <class B>
using trainer = px::train::trainer<byol, B>;

struct numbers {
  std::vector<double> all;
  void counter(const std::string&, std::uint64_t& v) { all.push_back(static_cast<double>(v)); }
  void entries(const std::string&, const std::vector<px::parameter_entry>& list, double* data) {
    for (const auto& e : list) all.insert(all.end(), data + e.offset, data + e.offset + e.size);
  }
  void array(const std::string&, px::tensor_view<double> v) { all.insert(all.end(), v.data, v.data + v.size()); }
};
template <class T>
std::vector<double> state(T& t) {
  numbers n;
  t.visit_state(n);
  n.all.push_back(t.loss());
  return n.all;
}

px::data::image_set pictures() {
  std::vector<std::uint8_t> bytes(24 * 63);
  std::uint32_t s = 5;
  for (auto& b : bytes) b = static_cast<std::uint8_t>((s = s * 1664525u + 1013904223u) >> 24);
  return px::data::in_memory(bytes, 24, 9, 7, 1);
}
template <class T>
void run(T& t, int from, int to, bool ragged = false) {
  const auto data = pictures();
  t.set_steps_total(12);
  px::data::image_batch batch;
  for (int s = from; s < to; ++s) {
    std::vector<index_t> ids;
    for (index_t i = 0; i < (ragged && s % 3 == 1 ? 4 : 6); ++i) ids.push_back(s % 4 * 6 + i);
    data.gather(ids, batch);
    t.set_epoch(static_cast<std::uint64_t>(s / 4), 3);
    t.step({batch.images.data(), batch.ids.data(), batch.size()});
  }
}
template <class B>
typename trainer<B>::settings_type settings() {
  typename trainer<B>::settings_type s{};
  s.batch_size = 6;
  s.seed = 7;
  s.schedule.warmup_steps = 2;
  return s;
}

int faults = 0;
void expect(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  faults += holds ? 0 : 1;
}
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) worst = std::fmax(worst, std::fabs(a[i] - b[i]));
  return worst;
}

int main() {
  if (!cuda_test::has_device("the steps of a trainer")) return cuda_test::skipped;
  for (const bool ragged : {false, true}) {
    trainer<px::backend::reference> plain(settings<px::backend::reference>());
    run(plain, 0, 12, ragged);
    const auto expected = state(plain);
    std::vector<double> first;
    for (int turn = 0; turn < 20; ++turn) {
      trainer<device> t(settings<device>());
      t.record_steps(turn % 2 == 1);
      run(t, 0, 12, ragged);
      const auto now = state(t);
      if (turn == 0) {
        first = now;
        const double apart = distance(now, expected);
        std::printf("farthest from the reference after twelve steps: %.2e\n", apart);
        expect(apart < 1e-9, "near the reference");
      } else if (now != first) {
        expect(false, turn % 2 == 1 ? "a replayed run has other bits than one launched anew" : "two runs have the same bits");
      }
    }
  }
  const std::string place = (std::filesystem::temp_directory_path() / "pretext_cuda_steps").string();
  std::filesystem::remove_all(place);
  trainer<device> whole(settings<device>()), half(settings<device>()), resumed(settings<device>());
  trainer<px::backend::reference> other(settings<px::backend::reference>());
  run(whole, 0, 12);
  run(half, 0, 5);
  px::train::save_checkpoint(half, place);
  expect(resumed.resume(place).resumed && other.resume(place).resumed, "a checkpoint of the device is read by both");
  run(resumed, 5, 12);
  run(other, 5, 12);
  expect(state(resumed) == state(whole), "an interrupted run goes on with the same bits");
  expect(distance(state(other), state(whole)) < 1e-9, "it goes on on the CPU");
  const auto features = whole.encoder().embed(pictures()), on_cpu = [&] {
    trainer<px::backend::reference> t(settings<px::backend::reference>());
    run(t, 0, 12);
    return t.encoder().embed(pictures());
  }();
  double apart = 0;
  for (std::size_t i = 0; i < features.size(); ++i) apart = std::fmax(apart, std::fabs(static_cast<double>(features[i] - on_cpu[i])));
  expect(apart < 1e-5, "features are those of the CPU");
  std::filesystem::remove_all(place);
  return faults == 0 ? 0 : 1;
}
