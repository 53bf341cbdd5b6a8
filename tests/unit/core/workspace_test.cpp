// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/core/workspace.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "pretext/core/error.hpp"
#include "support/catch.hpp"

namespace px = pretext;
using px::extents;
using px::workspace;

namespace {
/// The same walk on a plan and on memory.
template <class Check>
constexpr void walk(workspace& w, Check&& check) {
  check(w.take<float>(extents(3)));  // 64 bytes
  {
    const workspace::scope outer(w);
    check(w.take<double>(extents(9)));  // 128 bytes
    {
      const workspace::scope inner(w);
      check(w.take<float>(extents(100, 2)));  // 832 bytes: the peak is 64 + 128 + 832
    }
    check(w.take<float>(extents(10, 10)));  // 448 bytes
  }
  check(w.take<char>(extents(1)));
}
constexpr workspace planned() {
  workspace w;
  walk(w, [](const auto& v) { px::expects(v.data == nullptr, "test.100", "a plan has no memory"); });
  return w;
}
static_assert(planned().peak() == 1024 && planned().used() == 128 && planned().planning());
}  // namespace

TEST_CASE("workspace: what was planned is enough, pieces are aligned and follow each other", "[core][workspace]") {
  const px::buffer<std::byte> block(static_cast<px::index_t>(planned().peak()));
  workspace w(block.data(), block.bytes());
  std::vector<px::index_t> places;
  walk(w, [&](const auto& v) {
    REQUIRE(v.data != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(v.data) % 64 == 0);
    const auto* begin = reinterpret_cast<const std::byte*>(v.data);
    CHECK(begin >= block.data());
    CHECK(begin + v.size() * static_cast<px::index_t>(sizeof(v[0])) <= block.data() + block.size());
    places.push_back(begin - block.data());
    for (auto& x : v) x = {};
  });
  CHECK(places == std::vector<px::index_t>{0, 64, 192, 192, 64});  // a piece begins where the last one not given back ends
  CHECK(w.used() == 128);
  CHECK(w.peak() == 1024);
}

TEST_CASE("workspace: one byte less than planned is an error with its id, and leaves what was taken", "[core][workspace]") {
  const px::buffer<std::byte> block(1023);
  workspace w(block.data(), block.bytes());
  int taken = 0;
  std::string id;
  try {
    walk(w, [&](const auto&) { ++taken; });
  } catch (const px::error& e) {
    id = e.id();
  }
  CHECK(id == "memory.100");
  CHECK(taken == 2);
  CHECK(w.used() == 64);  // the scopes gave back what they had taken, the failed piece included
}

TEST_CASE("workspace: scopes give back, nothing else does", "[core][workspace]") {
  alignas(64) std::byte block[256];
  workspace w(block, sizeof block);
  const auto a = w.take<float>(extents(1));
  float* first = nullptr;
  {
    const workspace::scope s(w);
    first = w.take<float>(extents(1)).data;
    CHECK(w.used() == 128);
  }
  CHECK(w.used() == 64);
  CHECK(w.take<float>(extents(1)).data == first);
  CHECK(first != a.data);
  w.release(0);
  CHECK(w.take<float>(extents(1)).data == a.data);
  CHECK(w.take<float>(extents(0)).size() == 0);
}

TEST_CASE("workspace: the far end is a stack of its own", "[core][workspace]") {
  const auto steps = [](workspace& w) {
    const std::size_t mark = w.far_used();
    const auto passing = w.take_far<float>(extents(20));  // 128 bytes
    const auto kept = w.take<float>(extents(16));
    w.release_far(mark);
    const auto next = w.take_far<double>(extents(8));
    return std::vector<const void*>{passing.data, kept.data, next.data};
  };
  workspace plan;
  steps(plan);
  CHECK(plan.peak() == 192);
  const px::buffer<std::byte> block(192);
  workspace w(block.data(), 192);
  const auto at = steps(w);
  CHECK(at == std::vector<const void*>{block.data() + 64, block.data(), block.data() + 128});
  CHECK((w.used() == 64 && w.far_used() == 64));
  w.take<char>(extents(64));
  CHECK_THROWS_AS(w.take<char>(extents(1)), px::error);
  w.release(0);
  CHECK_THROWS_AS(w.take_far<char>(extents(192)), px::error);
  w.release_far(0);
  try {
    const workspace::scope step(w);
    w.take<char>(extents(64));
    w.take_far<char>(extents(64));
    throw px::error("test.101", "a step that fails");
  } catch (const px::error&) {
  }
  CHECK((w.used() == 0 && w.far_used() == 0));
}
