// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/train/describe.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "pretext/backend/simd/simd.hpp"
#include "pretext/recipe/joint_embedding.hpp"
#include "support/catch.hpp"
#include "support/heap_counter.hpp"

namespace px = pretext;
using px::index_t;
using px::backend::reference;
using px::train::trainer;

namespace {

template <class Base>
struct small : Base {
  using input = px::image<3, 12, 12>;
  using encoder = px::nn::sequential<px::nn::conv2d<8, 3>, px::nn::batch_norm, px::nn::relu, px::nn::max_pool2d<2>, px::nn::global_avg_pool>;
  using head = px::nn::mlp_batch_norm<12, 6>;
};
struct small_simclr : small<px::recipe::simclr> {};
struct small_byol : small<px::recipe::byol> {
  using predictor = px::nn::mlp<10, 6>;
  using optimizer = px::optimizer::sgd;
};
struct small_moco : small<px::recipe::moco> {
  using optimizer = px::optimizer::lars;
};
struct static_simclr : px::recipe::simclr {
  using input = px::image<1, 8, 8>;
  using encoder = px::nn::sequential<px::nn::conv2d<4, 3>, px::nn::relu, px::nn::global_avg_pool>;
  using head = px::nn::linear<4>;
};

template <class Recipe, class Backend>
typename trainer<Recipe, Backend>::settings_type settings(index_t batch) {
  typename trainer<Recipe, Backend>::settings_type s{};
  s.batch_size = batch;
  s.threads = 2;
  if constexpr (requires { s.negatives.size; }) s.negatives.size = 4 * batch;
  return s;
}

/// Pictures of noise.
struct pictures {
  std::vector<std::uint8_t> bytes;
  std::vector<px::image_view<const std::uint8_t>> views;
  explicit pictures(index_t n) : bytes(static_cast<std::size_t>(n * 432)) {
    std::uint32_t state = 9;
    for (auto& b : bytes) b = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    for (index_t i = 0; i < n; ++i) views.push_back({bytes.data() + 432 * i, 12, 12, 3});
  }
  px::image_list list(index_t n) const { return {views.data(), nullptr, n}; }
};

template <class Recipe, class Backend>
void compare(index_t batch) {
  using made = trainer<Recipe, Backend>;
  CAPTURE(batch, Backend::name);
  const auto s = settings<Recipe, Backend>(batch);
  const auto d = px::train::describe<made>(s);
  Backend be = [] {
    if constexpr (std::is_constructible_v<Backend, int>)
      return Backend(2);
    else
      return Backend();
  }();
  const pictures data(batch);
  heap_counter::start();
  made t(s, be);
  heap_counter::stop();
  CHECK(heap_counter::aligned_bytes == d.bytes);
  CHECK(t.bytes() == d.bytes);
  CHECK(t.players()[0].table.parameter_count() == d.parameters);

  heap_counter::start();
  for (int step = 0; step < 3; ++step) t.step(data.list(batch));
  const long calls = heap_counter::stop();
  CHECK(calls == 0);
  CHECK(t.report().finite);
}

}  // namespace

TEST_CASE("describe: the bytes are those of a trainer and of its allocations, and a step allocates nothing", "[train][describe][memory]") {
  for (const index_t batch : {1, 2, 13, 64}) {
    compare<small_simclr, reference>(batch);
    compare<small_byol, reference>(batch);
    compare<small_moco, reference>(batch);
  }
}

TEST_CASE("describe: the same on the SIMD back end", "[train][describe][memory][simd]") {
  for (const index_t batch : {2, 13}) {
    compare<small_simclr, px::backend::simd<>>(batch);
    compare<small_byol, px::backend::simd<>>(batch);
    compare<small_moco, px::backend::simd<>>(batch);
  }
}

TEST_CASE("describe: a step that does allocate is seen by this test", "[train][describe][memory]") {
  heap_counter::start();
  ::operator delete(::operator new(3));  // calls, not expressions: those may be left out
  px::buffer<float> b(32);
  const long calls = heap_counter::stop();
  CHECK(calls == 2);
  CHECK(heap_counter::aligned_bytes == 128);
}

TEST_CASE("describe: so is one that calls malloc or a relative, itself, in a library or on another thread", "[train][describe][memory]") {
  if (!heap_counter::counts_malloc) {
    WARN("malloc is not counted here: under a sanitizer, or without glibc");
    return;
  }
  // Through pointers that the compiler must read: it may leave out a pair of malloc and free.
  void* (*volatile plain)(std::size_t) = std::malloc;
  void* (*volatile zeroed)(std::size_t, std::size_t) = std::calloc;
  void* (*volatile resized)(void*, std::size_t) = std::realloc;
  void* (*volatile aligned)(std::size_t, std::size_t) = std::aligned_alloc;
  int (*volatile posix)(void**, std::size_t, std::size_t) = ::posix_memalign;
  void (*volatile release)(void*) = std::free;
  char* (*volatile copied)(const char*) = ::strdup;
  const auto calls = [](auto&& what) {
    heap_counter::start();
    what();
    return heap_counter::stop();
  };
  CHECK(calls([] {}) == 0);
  CHECK(calls([&] { release(plain(3)); }) == 1);
  CHECK(calls([&] { release(resized(zeroed(3, 5), 1000)); }) == 2);
  CHECK(calls([&] { release(aligned(64, 128)); }) == 1);
  CHECK(calls([&] {
          void* p = nullptr;
          if (posix(&p, 64, 100) == 0) release(p);
        }) == 1);
  CHECK(calls([&] { release(copied("in the C library")); }) == 1);
  std::atomic<int> turn = 0;
  std::thread other([&] {
    while (turn != 1) std::this_thread::yield();
    release(plain(3));
    turn = 2;
  });
  CHECK(calls([&] {
          turn = 1;
          while (turn != 2) std::this_thread::yield();
        }) == 1);
  other.join();
}

TEST_CASE("describe: planned memory is a constant", "[train][describe]") {
  using made = trainer<static_simclr, reference>;
  constexpr auto plan = px::train::planned_memory<made>({.batch_size = 4});
  // conv2d 4 (1, 3, 3) + 4, linear (4, 4) + 4, each entry padded to 16 floats: 48 + 16 + 16 + 16
  static_assert(plan.parameters == 96 * sizeof(float) && plan.gradients == plan.parameters && plan.optimizer == 2 * plan.parameters);
  static_assert(plan.buffers == 0 && plan.targets == 0 && plan.states == 0);
  static_assert(plan.workspace > 8 * 64 * 5 * sizeof(float) && plan.workspace < 65536);
  static_assert(plan.flops > 2.0 * 8 * 64 * 36 && plan.launches > 10);
  made t({.batch_size = 4});
  CHECK(t.bytes() == plan.total());
}

TEST_CASE("describe: shapes, parameters and costs of every layer", "[train][describe]") {
  const auto d = px::train::describe<trainer<small_byol, reference>>({.batch_size = 8});
  REQUIRE(d.players.size() == 1);
  const auto& p = d.players[0];
  CHECK(p.name == "online");
  CHECK(p.optimizer == "sgd");
  const auto find = [&](const std::string& place) {
    for (const auto& l : p.layers)
      if (l.place == place) return l;
    FAIL("no layer " << place);
    return p.layers[0];
  };
  CHECK(find("encoder.0").kind == "conv2d stride 1 padding 1 groups 1");
  CHECK(find("encoder.0").output == px::extents(12, 12, 8));
  CHECK(find("encoder.0").parameters == 8 * 27 + 8);
  CHECK(find("encoder.0").flops == 2.0 * 144 * 8 * 27);
  CHECK(find("encoder.1").parameters == 16);
  CHECK(find("encoder.2").parameters == 0);
  CHECK(find("encoder.2").flops == 12 * 12 * 8);
  CHECK(find("encoder.3").output == px::extents(6, 6, 8));
  CHECK(find("encoder").output == px::extents(8));
  CHECK(find("encoder").parameters == 8 * 27 + 8 + 16);
  CHECK(find("head.3").output == px::extents(6));
  CHECK(find("predictor.0").flops == 2.0 * 6 * 10);
  CHECK(find("encoder").flops >= find("encoder.0").flops);
  CHECK(d.parameters == 8 * 27 + 8 + 16 + (8 * 12 + 24 + 12 * 6 + 6) + (6 * 10 + 10 + 10 * 6 + 6));
  REQUIRE(d.targets.size() == 1);
  CHECK(d.targets[0].bytes == d.memory.targets);

  const auto moco = px::train::describe<trainer<small_moco, reference>>({.batch_size = 8});
  REQUIRE(moco.states.size() == 1);
  CHECK(moco.states[0].shape == px::extents(4096, 6));
  CHECK(moco.memory.states == 4096 * 6 * sizeof(float));
}

TEST_CASE("describe: the page reads well", "[train][describe]") {
  const std::string text = px::train::describe<trainer<small_moco, reference>>({.batch_size = 16}).text();
  CAPTURE(text);
  for (const char* part : {"joint_embedding on reference, f32, batch 16\n", "player online: ", "lars", "encoder.0", "12 x 12 x 8",
                           "62.2 kFLOP", "queue 4096 x 6", "98,304 bytes", "\n  target  ", "working memory of a step", "step: "})
    CHECK(text.find(part) != std::string::npos);
  std::size_t start = 0;
  for (std::size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    CHECK(end - start < 120);
    CHECK((end == start || text[end - 1] != ' '));
  }
  if (std::getenv("PRETEXT_SHOW") != nullptr) std::puts(text.c_str());
}

TEST_CASE("describe: settings that make no sense are refused as the trainer does", "[train][describe][error]") {
  using made = trainer<small_simclr, reference>;
  CHECK_THROWS_WITH(px::train::describe<made>({.batch_size = 0}), Catch::Contains("value.301"));
}
