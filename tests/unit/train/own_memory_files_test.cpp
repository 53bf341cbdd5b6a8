// SPDX-License-Identifier: BSD-3-Clause
// What leaves a device that the host plays, and comes back: checkpoints, encoders, features, whole runs of fit.
#include "own_memory.hpp"

#include "pretext/eval/encoder.hpp"
#include "pretext/eval/fine_tune.hpp"
#include "pretext/io/model.hpp"
#include "pretext/train/describe.hpp"

namespace {
using namespace own_memory;
using io_test::content;
using io_test::scratch;

}  // namespace

TEST_CASE("own_memory: checkpoints of both kinds of trainer are the same bytes and go on in the other", "[train][own_memory][cuda][checkpoint]") {
  const scratch place;
  trainer<byol, host> a(settings<byol, host>());
  trainer<byol, device> b(settings<byol, device>());
  run(a, 0, 7);
  run(b, 0, 7);
  const std::string of_host = px::train::save_checkpoint(a, place / "host"), of_device = px::train::save_checkpoint(b, place / "device");
  CHECK(content(of_host) == content(of_device));
  trainer<byol, host> to_host(settings<byol, host>());
  trainer<byol, device> to_device(settings<byol, device>());
  run(to_device, 0, 3);  // something else before
  REQUIRE(to_host.resume(place / "device").resumed);
  REQUIRE(to_device.resume(place / "host").resumed);
  run(a, 7, 12), run(b, 7, 12), run(to_host, 7, 12), run(to_device, 7, 12);
  const std::string expected = tiny::state(a);
  CHECK(tiny::differences(tiny::state(b), expected) == 0);
  CHECK(tiny::differences(tiny::state(to_host), expected) == 0);
  CHECK(tiny::differences(tiny::state(to_device), expected) == 0);
}

TEST_CASE("own_memory: an encoder's features, its files and what is tuned from it are those of the host", "[train][own_memory][cuda][encoder]") {
  const scratch place;
  const auto pictures = tiny::bars(30), test = tiny::bars(15, 9);
  trainer<simclr, host> a(settings<simclr, host>());
  trainer<simclr, device> b(settings<simclr, device>());
  run(a, 0, 5);
  run(b, 0, 5);
  CHECK(b.encoder().embed(pictures, 7) == a.encoder().embed(pictures, 7));
  a.encoder().settle_statistics(pictures);
  b.encoder().settle_statistics(pictures);
  CHECK(b.encoder().embed(pictures) == a.encoder().embed(pictures));
  px::io::save_safetensors(place / "a.safetensors", a.encoder());
  px::io::save_safetensors(place / "b.safetensors", b.encoder());
  CHECK(content(place / "a.safetensors") == content(place / "b.safetensors"));
  trainer<simclr, device> c(settings<simclr, device>());
  px::io::load_safetensors(place / "a.safetensors", c.encoder());
  CHECK(c.encoder().embed(pictures) == a.encoder().embed(pictures));
  const auto tuned_a = px::eval::fine_tune<simclr>(a.encoder(), pictures, test, {.steps = 3, .batch_size = 5});
  const auto tuned_b = px::eval::fine_tune<simclr>(b.encoder(), pictures, test, {.steps = 3, .batch_size = 5});
  CHECK(tuned_a.accuracy == tuned_b.accuracy);
  CHECK(tuned_a.probe_accuracy == tuned_b.probe_accuracy);
  CHECK(tuned_a.last_loss == tuned_b.last_loss);
}

namespace {
/// Reports that were there to see.
struct seen {
  std::vector<float>* losses;
  float* last;
  std::size_t* bytes;
  void on_epoch(auto&, const px::train::step_report& r) { losses->push_back(r.loss); }
  void on_end(auto& t, const px::train::step_report& r) {
    *last = r.loss;
    *bytes = t.bytes();
  }
};
}  // namespace

TEST_CASE("own_memory: fit keeps a small set on the device, and each epoch's report is of its last step", "[train][own_memory][cuda][fit]") {
  const auto pictures = tiny::pictures(20);
  std::vector<float> of_host, of_device;
  float last_host = 0, last_device = -1;
  trainer<byol, host> a(settings<byol, host>());
  std::size_t within = 0;
  a.fit(pictures, seen{&of_host, &last_host, &within});
  device be;
  trainer<byol, device> b(settings<byol, device>(), be);
  const std::size_t before = b.bytes();
  b.fit(pictures, seen{&of_device, &last_device, &within});
  CHECK(within - before == pictures.pixels().size());
  CHECK(b.bytes() == before);  // it may change once fit is over
  CHECK(of_device == of_host);
  CHECK(last_device == last_host);
  CHECK(tiny::differences(tiny::state(b), tiny::state(a)) == 0);
}

TEST_CASE("own_memory: describe knows the bytes on the device", "[train][own_memory][cuda][describe]") {
  const auto s = settings<byol, device>();
  device be;
  const auto d = px::train::describe<trainer<byol, device>>(s, be);
  const trainer<byol, device> t(s, be);
  CHECK(d.bytes == t.bytes());
  CHECK(be.bytes() >= t.bytes());
  CHECK(d.text().find("batch and inputs") != std::string::npos);
}
