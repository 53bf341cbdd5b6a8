// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/train/checkpoint.hpp"

#include <algorithm>
#include <filesystem>

#include "pretext/backend/reference/reference.hpp"
#include "support/catch.hpp"
#include "tiny.hpp"

namespace px = pretext;
namespace fs = std::filesystem;
namespace train = pretext::train;
using io_test::content;
using io_test::has;
using io_test::put;
using io_test::scratch;
using io_test::thrown;
using px::index_t;
using tiny::state;

namespace {
template <class R>
using trainer = train::trainer<R, px::backend::reference>;

/// As small as a checkpoint gets: 1 convolution, 1 norm, 1 linear layer, SGD.
struct smallest : px::recipe::simclr {
  using input = px::image<1, 4, 4>;
  using encoder = px::nn::sequential<px::nn::conv2d<2, 1>, px::nn::batch_norm, px::nn::global_avg_pool>;
  using head = px::nn::linear<2>;
  using views = px::augment::chain<px::augment::gaussian_noise>;
  using optimizer = px::optimizer::sgd;
};
using small = trainer<smallest>;

small::settings_type settings() {
  small::settings_type s{};
  s.batch_size = 4;
  return s;
}
px::data::image_set data() { return tiny::pictures(8, 4, 4); }

/// A folder with checkpoints of steps 1 and 2, and what they hold.
struct two_checkpoints {
  scratch place;
  std::string first, second, state1, state2;
  two_checkpoints() {
    small t(settings());
    t.step(tiny::batch(data(), 0, 4).list());
    first = train::save_checkpoint(t, place / "run");
    state1 = state(t);
    t.step(tiny::batch(data(), 4, 4).list());
    second = train::save_checkpoint(t, place / "run");
    state2 = state(t);
  }
};

/// Files of a disk that has room for so many bytes.
struct full_disk : px::io::posix_files {
  std::int64_t* room = nullptr;
  std::int64_t write(int file, const void* from, std::size_t bytes) const {
    if (*room <= 0) return -ENOSPC;
    const auto take = std::min(static_cast<std::int64_t>(bytes), *room);
    *room -= take;
    return posix_files::write(file, from, static_cast<std::size_t>(take));
  }
};
}  // namespace

TEST_CASE("checkpoint: what was saved is loaded, byte for byte, into a trainer that holds something else", "[train][checkpoint]") {
  const two_checkpoints made;
  small t(settings());
  for (int i = 0; i < 3; ++i) t.step(tiny::batch(data(), 0, 4).list());
  const auto found = t.resume(made.place / "run");
  CHECK(found.resumed);
  CHECK(found.step == 2);
  CHECK(found.file == made.second);
  CHECK(found.passed.empty());
  CHECK(state(t) == made.state2);
  CHECK(t.steps_done() == 2);
  train::load_checkpoint(t, made.first);
  CHECK(state(t) == made.state1);
}

TEST_CASE("checkpoint: a loop of one's own goes on in the epoch it was in", "[train][checkpoint]") {
  const scratch place;
  small first(settings()), second(settings());
  first.set_epoch(3, 9);
  first.step(tiny::batch(data(), 0, 4).list());
  train::save_checkpoint(first, place / "run");
  second.resume(place / "run");
  for (auto* t : {&first, &second}) CHECK(t->step(tiny::batch(data(), 4, 4).list()).epoch == 4);
  CHECK(tiny::memory(first) == tiny::memory(second));
}

TEST_CASE("checkpoint: the same state gives the same file", "[train][checkpoint]") {
  const two_checkpoints a, b;
  CHECK(content(a.second) == content(b.second));
  CHECK(content(a.first) != content(a.second));
}

TEST_CASE("checkpoint: cut off at any byte it is passed over and the earlier one is used", "[train][checkpoint]") {
  const two_checkpoints made;
  const std::string whole = content(made.second);
  small t(settings());
  const std::string fresh = state(t);
  std::size_t wrong = 0;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    put(made.second, std::string_view(whole).substr(0, n));
    const auto found = t.resume(made.place / "run");
    wrong += !(found.resumed && found.step == 1 && found.passed.size() == 1 && found.file == made.first);
  }
  CHECK(wrong == 0);
  CHECK(state(t) == made.state1);
  put(made.first, "");  // nothing whole left
  put(made.second, std::string_view(whole).substr(0, whole.size() - 1));
  small untouched(settings());
  const auto found = untouched.resume(made.place / "run");
  CHECK(!found.resumed);
  CHECK(found.passed.size() == 2);
  CHECK(state(untouched) == fresh);
}

TEST_CASE("checkpoint: a flipped bit anywhere is seen, and the earlier one is used", "[train][checkpoint]") {
  const two_checkpoints made;
  const std::string whole = content(made.second);
  small t(settings());
  std::vector<std::size_t> unseen;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
    put(made.second, damaged);
    train::resume_result found;
    const std::string text = thrown([&] { found = t.resume(made.place / "run"); });
    if (text != "nothing") FAIL_CHECK("byte " << at << ": " << text);
    if (found.step == 1) continue;
    // Only where the meaning did not change: spaces behind the header, the words that other programs read.
    unseen.push_back(at);
    CHECK(state(t) == made.state2);
  }
  std::string places;
  for (const std::size_t at : unseen) places += whole[at];
  INFO("bytes that may change: " << places);
  CHECK(unseen.size() <= 16);
}

TEST_CASE("checkpoint: changed settings are named, but epochs, threads and source size may change", "[train][checkpoint]") {
  const two_checkpoints made;
  const auto resume = [&](auto&& change) {
    auto s = settings();
    change(s);
    small t(s);
    const std::string before = state(t);
    const std::string text = thrown([&] { t.resume(made.place / "run"); });
    if (text != "nothing") CHECK(state(t) == before);
    return text;
  };
  const std::string rate = resume([](auto& s) { s.optimizer.rate = 0.5; });
  CAPTURE(rate);
  CHECK(has(rate, "checkpoint.102"));
  CHECK(has(rate, "optimizer.rate was "));
  CHECK(has(rate, " and is now 0.5"));
  CHECK(has(resume([](auto& s) { s.seed = 3; }), "seed was 0 and is now 3"));
  CHECK(has(resume([](auto& s) { s.batch_size = 5; }), "batch_size was 4 and is now 5"));
  const std::string two = resume([](auto& s) { s.seed = 3, s.objective.temperature = 0.9f; });
  CHECK(has(two, "objective.temperature was 0.5 and is now 0.9"));
  CHECK(has(two, "seed was 0 and is now 3"));
  CHECK(resume([](auto& s) { s.epochs = 77; }) == "nothing");
  CHECK(resume([](auto& s) { s.threads = 3; }) == "nothing");
  CHECK(resume([](auto& s) { s.source_height = 9, s.source_width = 9; }) == "nothing");
}

TEST_CASE("checkpoint: notes are kept and a continuation is held to them", "[train][checkpoint]") {
  const scratch place;
  small t(settings());
  train::save_checkpoint(t, place / "run", {{"images", "500"}});
  CHECK(train::resume(t, place / "run", {{"images", "500"}}).resumed);
  CHECK(train::resume(t, place / "run").resumed);
  const std::string text = thrown([&] { train::resume(t, place / "run", {{"images", "60"}}); });
  CHECK(has(text, "checkpoint.102"));
  CHECK(has(text, "images was 500 and is now 60"));
}

TEST_CASE("checkpoint: other files in the folder are nothing to it", "[train][checkpoint]") {
  const two_checkpoints made;
  const auto in_run = [&](const std::string& name) { return made.place / ("run/" + name); };
  put(in_run("checkpoint-.safetensors"), "x");
  put(in_run("checkpoint-12x.safetensors"), "x");
  put(in_run("checkpoint-99999999999999999999999.safetensors"), "x");
  put(in_run("checkpoint-000000009.safetensors.tmp"), "x");
  put(in_run(".pretext-1-0.tmp"), "x");
  put(in_run("encoder.safetensors"), "x");
  small t(settings());
  const auto found = t.resume(made.place / "run");
  CHECK(found.step == 2);
  CHECK(found.passed.empty());
  // a file of encoder weights under a checkpoint's name is passed over with a reason
  put(in_run("checkpoint-000000009.safetensors"), content(in_run("encoder.safetensors")));
  CHECK(t.resume(made.place / "run").passed.size() == 1);
  CHECK(!t.resume(made.place / "nowhere").resumed);
  CHECK(!t.resume(in_run("encoder.safetensors")).resumed);
}

TEST_CASE("checkpoint: a folder that cannot be made or written is one sentence, and before the first step", "[train][checkpoint]") {
  const scratch place;
  put(place / "file", "x");
  small t(settings());
  CHECK(has(thrown([&] { train::save_checkpoint(t, place / "file/run"); }), "checkpoint.100"));
  CHECK(has(thrown([&] { train::save_checkpoint(t, place / "file"); }), "checkpoint.100"));
  int steps = 0;
  struct counting {
    int* steps;
    void on_step(const train::step_report&) { ++*steps; }
  };
  CHECK(has(thrown([&] { t.fit(data(), counting{&steps}, train::checkpoint(place / "file/run")); }), "checkpoint.100"));
  CHECK(steps == 0);
  t.fit(data(), counting{&steps}, train::checkpoint(place / "run"));
  CHECK(steps == 20);
  for (const auto& f : fs::directory_iterator(place / "run")) CHECK(has(f.path().filename().string(), "checkpoint-"));
}

TEST_CASE("checkpoint: a disk that is full leaves the earlier one and nothing else", "[train][checkpoint]") {
  const two_checkpoints made;
  const std::string earlier = content(made.second);
  const auto size = static_cast<std::int64_t>(earlier.size());
  small t(settings());
  t.resume(made.place / "run");
  t.step(tiny::batch(data(), 0, 4).list());
  for (const std::int64_t bytes : {std::int64_t{0}, std::int64_t{1}, std::int64_t{8}, size / 2, size - 1}) {
    std::int64_t room = bytes;
    full_disk disk;
    disk.room = &room;
    const std::string text = thrown([&] { train::save_checkpoint(t, made.place / "run", {}, disk); });
    CAPTURE(bytes, text);
    CHECK(has(text, "io.112"));
    CHECK(has(text, "No space left"));
    CHECK(content(made.second) == earlier);
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& f : fs::directory_iterator(made.place / "run")) ++files;
    CHECK(files == 2);
  }
}

TEST_CASE("checkpoint: the callback keeps the newest ones, writes at the end, and removes no file of a longer run", "[train][checkpoint]") {
  const scratch place;
  const auto names = [&] {
    std::vector<std::string> all;
    for (const auto& f : fs::directory_iterator(place / "run")) all.push_back(f.path().filename().string());
    std::sort(all.begin(), all.end());
    return all;
  };
  auto s = settings();
  s.epochs = 4;  // 8 steps
  small t(s);
  train::checkpoint keeper(place / "run/", {.every_steps = 3});
  t.fit(data(), keeper);
  CHECK(names() == std::vector<std::string>{"checkpoint-000000006.safetensors", "checkpoint-000000008.safetensors"});
  CHECK(keeper.last_file() == place / "run/checkpoint-000000008.safetensors");
  s.epochs = 2;
  small shorter(s);
  shorter.fit(data(), train::checkpoint(place / "run", {.keep = 1}));
  CHECK(names() == std::vector<std::string>{"checkpoint-000000004.safetensors", "checkpoint-000000006.safetensors", "checkpoint-000000008.safetensors"});
  small again(s);
  again.fit(data(), train::checkpoint(place / "other", {.every_steps = 1, .keep = 0}));  // never none
  CHECK(fs::exists(place / "other/checkpoint-000000004.safetensors"));
  CHECK(!fs::exists(place / "other/checkpoint-000000003.safetensors"));
}
