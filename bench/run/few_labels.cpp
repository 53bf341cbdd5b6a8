// SPDX-License-Identifier: BSD-3-Clause
// Few labels, many draws: an encoder kept by 01_simclr_images against its own linear probe and against the same network
// from scratch, with the settings of that program. One JSON line for each number of labels a class.
//
//   few_labels ENCODER.safetensors [data=PATH] [test=PATH] [samples=N] [seed=N] [draws=5] [per_class=10] [threads=N]
//              [steps=N] [rate=X] [encoder_rate=X] [layer_decay=X] [decay=X] [crop=X] [blend=X] [statistics_from=N] [scratch=1] [test_images=N]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <pretext/backend/simd/simd.hpp>

#include "../../examples/simclr_images/few_labels.hpp"
#include "../../examples/simclr_images/job.hpp"

namespace {

namespace px = pretext;

struct arguments {
  std::map<std::string, std::string> given;

  double number(const std::string& name, double otherwise) {
    const auto found = given.find(name);
    if (found == given.end()) return otherwise;
    const double value = std::strtod(found->second.c_str(), nullptr);
    given.erase(found);
    return value;
  }
  std::string text(const std::string& name) {
    const auto found = given.find(name);
    if (found == given.end()) return {};
    const std::string value = found->second;
    given.erase(found);
    return value;
  }
};

/// Mean and standard deviation over the draws.
struct spread {
  double sum = 0, squares = 0;
  int n = 0;
  void add(double x) {
    sum += x;
    squares += x * x;
    ++n;
  }
  double mean() const { return sum / n; }
  double deviation() const { return n < 2 ? 0.0 : std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1))); }
};

int run(const std::string& file, arguments a) {
  simclr_images::options o;
  o.data = a.text("data");
  o.test = a.text("test");
  o.samples = static_cast<long>(a.number("samples", 0));
  o.seed = static_cast<std::uint64_t>(a.number("seed", 0));
  const int draws = static_cast<int>(a.number("draws", 5));
  const auto only = static_cast<px::index_t>(a.number("per_class", 0));
  const bool with_scratch = a.number("scratch", 1) != 0;
  using recipe = simclr_images::conv;
  using backend_type = px::backend::simd<>;
  backend_type backend(static_cast<int>(a.number("threads", 0)));
  const auto images = simclr_images::open_data(o);
  const auto input = simclr_images::input_for(images.train);
  const bool grey = input.channels == 1;
  const auto test = images.test.first(std::min<px::index_t>(images.test.size(), static_cast<px::index_t>(a.number("test_images", 1e9))));

  px::train::trainer<recipe, backend_type>::settings_type s{};
  simclr_images::defaults<recipe>::set(s, grey || o.data.empty());
  s.input_height = input.height;
  s.input_width = input.width;
  s.input_channels = input.channels;
  px::train::trainer<recipe, backend_type> trainer(s, backend);
  px::io::load_safetensors(file, trainer.encoder());

  const double steps = a.number("steps", 0);
  const px::eval::fine_tune_options tune = [&] {
    px::eval::fine_tune_options t;
    t.flip = !grey;
    t.rate = a.number("rate", t.rate);
    t.encoder_rate = a.number("encoder_rate", t.encoder_rate);
    t.layer_decay = a.number("layer_decay", t.layer_decay);
    t.smallest_crop = a.number("crop", t.smallest_crop);
    t.blend = a.number("blend", t.blend);
    t.weight_decay = a.number("decay", t.weight_decay);
    t.statistics_from = static_cast<px::index_t>(a.number("statistics_from", static_cast<double>(t.statistics_from)));
    return t;
  }();
  if (!a.given.empty()) {
    std::fprintf(stderr, "there is no setting %s; see the head of few_labels.cpp\n", a.given.begin()->first.c_str());
    return 2;
  }

  const std::vector<px::index_t> numbers = only > 0 ? std::vector<px::index_t>{only} : std::vector<px::index_t>{1, 10, 100};
  for (const px::index_t per_class : numbers) {
    if (px::data::smallest_class(images.train) < per_class) break;
    spread scratch, probe, tuned, gain;
    for (int draw = 0; draw < draws; ++draw) {
      const auto seed = o.seed + static_cast<std::uint64_t>(draw);
      const auto few = px::data::few_labels(images.train, per_class, seed);
      auto settings = simclr_images::settings_for(per_class, !grey, seed);
      auto mine = tune;
      mine.seed = seed;
      mine.steps = steps > 0 ? static_cast<std::uint64_t>(steps) : settings.tune.steps;
      const auto found = px::eval::fine_tune<recipe>(trainer.encoder(), few, test, mine);
      probe.add(100 * found.probe_accuracy);
      tuned.add(100 * found.accuracy);
      gain.add(100 * (found.accuracy - found.probe_accuracy));
      if (with_scratch) scratch.add(100 * px::eval::train_from_scratch<recipe>(trainer.encoder(), few, test, settings.scratch).accuracy);
    }
    std::printf("{\"per_class\": %ld, \"draws\": %d, \"scratch\": [%.1f, %.1f], \"linear\": [%.1f, %.1f], \"finetuned\": [%.1f, %.1f], "
                "\"finetuned_over_linear\": [%.2f, %.2f]}\n",
                static_cast<long>(per_class), draws, with_scratch ? scratch.mean() : 0.0, scratch.deviation(), probe.mean(), probe.deviation(),
                tuned.mean(), tuned.deviation(), gain.mean(), gain.deviation());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  arguments a;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const auto equals = word.find('=');
    if (equals == std::string::npos) {
      std::fprintf(stderr, "%s: settings are written name=value; see the head of few_labels.cpp\n", word.c_str());
      return 2;
    }
    a.given[word.substr(0, equals)] = word.substr(equals + 1);
  }
  if (argc < 2) {
    std::fprintf(stderr, "which encoder? few_labels ENCODER.safetensors data=PATH\n");
    return 2;
  }
  try {
    return run(argv[1], a);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
