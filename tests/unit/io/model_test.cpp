// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/model.hpp"

#include <cmath>
#include <limits>

#include "../train/tiny.hpp"
#include "pretext/backend/reference/reference.hpp"
#include "pretext/train/trainer.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace io = pretext::io;
using io_test::has;
using io_test::scratch;
using io_test::thrown;
using px::index_t;

namespace {
using trainer = px::train::trainer<tiny::simclr, px::backend::reference>;
using settings = trainer::settings_type;

settings with_seed(std::uint64_t seed) {
  auto s = tiny::settings<trainer>(13);
  s.seed = seed;
  return s;
}

/// A file of one's own: the encoder's tensors, changed.
struct file_tensors {
  std::vector<std::vector<float>> values;
  std::vector<io::tensor_entry> entries;

  explicit file_tensors(const trainer& t, const std::string& prefix = "") {
    t.encoder().for_each_tensor([&](const px::parameter_entry& e, const std::vector<float>& v) {
      std::vector<std::int64_t> shape;
      for (int i = 0; i < e.file_shape.rank; ++i) shape.push_back(e.file_shape[i]);
      values.push_back(v);
      entries.push_back({prefix + e.name, io::dtype::f32, shape, nullptr});
    });
    for (std::size_t i = 0; i < values.size(); ++i) entries[i].data = values[i].data();
  }
  std::size_t find(const std::string& name) const {
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (entries[i].name == name) return i;
    FAIL("no tensor " << name);
    return 0;
  }
  void write(const std::string& path) const { io::write_safetensors(path, std::span<const io::tensor_entry>(entries)); }
};

std::string refusal(const std::string& path, const io::load_options& o = {}) {
  trainer t(with_seed(3));
  const std::string before = tiny::state(t);
  const std::string text = thrown([&] { io::load_safetensors(path, t.encoder(), o); });
  CHECK(tiny::state(t) == before);  // nothing is changed unless everything fits
  return text;
}
}  // namespace

TEST_CASE("model files: an encoder comes back with all its bits and the same features", "[io][model]") {
  const scratch place;
  trainer t(with_seed(1)), other(with_seed(2));
  t.fit(tiny::pictures(26));
  const auto data = tiny::pictures(5);
  const auto expected = t.encoder().embed(data);
  io::save_safetensors(place / "encoder.safetensors", t.encoder(), {{"trained_on", "noise"}});
  REQUIRE(other.encoder().embed(data) != expected);
  const std::vector<float> head(other.players()[0].parameters.begin() + px::segment_of(t.family().encoder().layer).parameters, other.players()[0].parameters.end());
  const auto unused = io::load_safetensors(place / "encoder.safetensors", other.encoder());
  CHECK(unused.empty());
  CHECK(other.encoder().embed(data) == expected);
  io::save_safetensors(place / "again.safetensors", other.encoder(), {{"trained_on", "noise"}});
  CHECK(io_test::content(place / "again.safetensors") == io_test::content(place / "encoder.safetensors"));
  CHECK(std::equal(head.begin(), head.end(), other.players()[0].parameters.end() - static_cast<index_t>(head.size())));  // the head is not the encoder's
  CHECK(tiny::padding_is_zero(other));
}

TEST_CASE("model files: names, shapes and types are those of torch", "[io][model]") {
  const scratch place;
  const trainer t(with_seed(1));
  io::save_safetensors(place / "e", t.encoder());
  const io::tensor_file file = io::read_safetensors(place / "e");
  using shape = std::vector<std::int64_t>;
  CHECK(file.tensors().size() == 14);
  CHECK(file.at("0.weight").shape == shape{5, 1, 3, 3});
  CHECK(file.at("4.weight").shape == shape{7, 5, 3, 3});
  CHECK(file.at("1.running_var").shape == shape{5});
  CHECK(file.at("1.num_batches_tracked").shape == shape{});
  CHECK(file.at("1.num_batches_tracked").type == io::dtype::i64);
  CHECK(file.at("0.weight").type == io::dtype::f32);
  CHECK(*file.find_metadata("format") == "pt");
  // element (o, c, y, x) of the file is where the convolution has it in memory: (y, x, c, o)
  const auto weight = file.read<float>("4.weight");
  const auto& e = t.encoder().table().parameters[4];
  REQUIRE(e.name == "4.weight");
  const float* memory = t.encoder().parameters().weights + e.offset;
  CHECK(weight[static_cast<std::size_t>(((6 * 5 + 2) * 3 + 1) * 3 + 0)] == memory[((1 * 3 + 0) * 5 + 2) * 7 + 6]);
}

TEST_CASE("model files: another network's file is refused with the tensor's name", "[io][model]") {
  const scratch place;
  const trainer t(with_seed(1));
  file_tensors wider(t);
  wider.entries[wider.find("4.weight")].shape = {5, 7, 3, 3};
  wider.write(place / "shape");
  const std::string shape = refusal(place / "shape");
  CHECK(has(shape, "io.341"));
  CHECK(has(shape, "\"4.weight\""));
  file_tensors lacking(t);
  lacking.entries.erase(lacking.entries.begin() + static_cast<index_t>(lacking.find("5.bias")));
  lacking.write(place / "lacking");
  const std::string missing = refusal(place / "lacking");
  CHECK(has(missing, "io.340"));
  CHECK(has(missing, "\"5.bias\""));
  lacking = file_tensors(t);
  lacking.entries.erase(lacking.entries.begin() + static_cast<index_t>(lacking.find("5.running_mean")));
  lacking.write(place / "statistics");
  CHECK(has(refusal(place / "statistics"), "io.340"));
  CHECK(has(refusal(place / "nowhere"), "io.101"));
}

TEST_CASE("model files: a NaN or an infinity is refused, unless it is allowed", "[io][model]") {
  const scratch place;
  const trainer t(with_seed(1));
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()})
    for (const char* name : {"0.weight", "5.running_var"}) {
      file_tensors f(t);
      f.values[f.find(name)].back() = bad;
      f.write(place / "bad");
      const std::string text = refusal(place / "bad");
      CHECK(has(text, "io.342"));
      CHECK(has(text, name));
    }
  trainer other(with_seed(2));
  io::load_safetensors(place / "bad", other.encoder(), {.allow_non_finite = true});
  CHECK(tiny::state(other, false) != tiny::state(const_cast<trainer&>(t), false));
}

TEST_CASE("model files: a prefix is put before the names, and what was not used is listed", "[io][model]") {
  const scratch place;
  trainer t(with_seed(1)), other(with_seed(2));
  file_tensors f(t, "module.backbone.");
  const float classifier[2]{1, 2};
  f.entries.push_back({"module.fc.weight", io::dtype::f32, {2}, classifier});
  f.entries.push_back({"0.weight", io::dtype::f32, {2}, classifier});
  f.write(place / "prefixed");
  CHECK(has(refusal(place / "prefixed"), "io.34"));
  auto unused = io::load_safetensors(place / "prefixed", other.encoder(), {.prefix = "module.backbone."});
  std::sort(unused.begin(), unused.end());
  CHECK(unused == io::unused_tensors{"0.weight", "module.fc.weight"});
  CHECK(other.encoder().embed(tiny::pictures(3)) == t.encoder().embed(tiny::pictures(3)));
}

TEST_CASE("model files: counters may lack; other tensors only where that is allowed, which keeps the own values", "[io][model]") {
  const scratch place;
  trainer t(with_seed(1)), other(with_seed(2));
  file_tensors f(t);
  f.entries.erase(f.entries.begin() + static_cast<index_t>(f.find("1.num_batches_tracked")));
  f.write(place / "counter");
  io::load_safetensors(place / "counter", other.encoder());
  f.entries.erase(f.entries.begin() + static_cast<index_t>(f.find("0.bias")));
  f.write(place / "bias");
  CHECK(has(refusal(place / "bias"), "io.340"));
  trainer third(with_seed(3));
  const auto own = [](trainer& x, const char* name) {
    std::vector<float> out;
    x.encoder().for_each_tensor([&](const px::parameter_entry& e, const std::vector<float>& v) {
      if (e.name == name) out = v;
    });
    return out;
  };
  const auto bias = own(third, "0.bias");
  io::load_safetensors(place / "bias", third.encoder(), {.allow_missing = true});
  CHECK(own(third, "0.bias") == bias);
  CHECK(own(third, "0.weight") == own(t, "0.weight"));
}
