// SPDX-License-Identifier: BSD-3-Clause
// Parsers when memory runs out: std::bad_alloc, no leak, no crash, and nothing half-written.
#include <cstdlib>
#include <new>

#include "pretext/io/gzip.hpp"
#include "pretext/io/json.hpp"
#include "pretext/io/npy.hpp"
#include "pretext/io/safetensors.hpp"
#include "pretext/io/safetensors_writer.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace {
long allocations_left = -1;  // -1: no limit
long live = 0;
}  // namespace

void* operator new(std::size_t size) {
  if (allocations_left == 0) throw std::bad_alloc();
  if (allocations_left > 0) --allocations_left;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  ++live;
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) --live;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace io = pretext::io;

namespace {

/// Lets the first, the second, ... allocation of a call fail until it succeeds; returns how many there were.
template <class Call>
int fail_each_allocation(Call&& call) {
  for (int n = 0;; ++n) {
    const long before = live;
    bool failed = false;
    allocations_left = n;
    try {
      call();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    allocations_left = -1;
    if (live != before) return -1;
    if (!failed) return n;
  }
}

}  // namespace

TEST_CASE("allocation: JSON survives the failure of each", "[io][allocation]") {
  const std::string text = R"({"a long key, longer than a small string":[1,"another long text, longer than a small string",{"b":[[],2.5]}]})";
  CHECK(fail_each_allocation([&] { io::json::parse(text); }) > 5);
}

TEST_CASE("allocation: safetensors survive the failure of each, reading and writing", "[io][allocation]") {
  io_test::scratch dir;
  const std::string path = dir / "model.safetensors";
  const float x[4] = {1, 2, 3, 4};
  const std::vector<io::tensor_entry> tensors = {{"a name longer than a small string", io::dtype::f32, {2, 2}, x}, {"b", io::dtype::f64, {1}, x}};
  const std::vector<io::tensor_entry> other = {{"old", io::dtype::f32, {4}, x}};
  io::write_safetensors(path, other);
  const std::string old = io_test::content(path);
  bool sound = true;
  CHECK(fail_each_allocation([&] {
          if (allocations_left > 0) {
            const long left = allocations_left;
            allocations_left = -1;
            sound = sound && io_test::content(path) == old && dir.files() == 1;
            allocations_left = left;
          }
          io::write_safetensors(path, tensors);
        }) > 10);
  CHECK(sound);
  CHECK(io_test::content(path) != old);
  CHECK(fail_each_allocation([&] { io::read_safetensors(path).read<double>("b"); }) > 10);
}

TEST_CASE("allocation: npy and plain files survive the failure of each", "[io][allocation]") {
  io_test::scratch dir;
  const std::string path = dir / "array.npy";
  const std::vector<float> x(100, 1.0f);
  io::write_npy<float>(path, {10, 10}, x);
  CHECK(fail_each_allocation([&] { io::read_npy(path).read<double>(); }) > 3);
  CHECK(fail_each_allocation([&] { io::read_maybe_gzip(path); }) > 0);
}
