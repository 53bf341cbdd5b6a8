// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/backend/context.hpp>
#include <pretext/backend/simd/simd.hpp>
#include <pretext/io/json_writer.hpp>
#include <pretext/io/safetensors_writer.hpp>

/// What the speed programs share: options, numbers to compute with, timing, one JSON line a case.
namespace bench {

namespace px = pretext;
using px::index_t;
using backend_type = px::backend::simd<>;

struct options {
  int threads = 1;
  int rounds = 9;            // at least so many timed runs of a case
  double seconds = 0.3;      // and at least so much time in them
  std::string only;          // cases whose name contains this
  std::string export_to;     // a folder for inputs and results of small forms; nothing is timed then
  bool list = false;         // names of the cases alone

  bool wants(std::string_view name) const { return only.empty() || name.find(only) != std::string_view::npos; }
  bool exports() const { return !export_to.empty(); }
};

inline options parse(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--list") {
      o.list = true;
      continue;
    }
    const char* const value = i + 1 < argc ? argv[++i] : nullptr;
    if (value != nullptr && flag == "--threads")
      o.threads = std::max(1, std::atoi(value));
    else if (value != nullptr && flag == "--rounds")
      o.rounds = std::max(1, std::atoi(value));
    else if (value != nullptr && flag == "--seconds")
      o.seconds = std::atof(value);
    else if (value != nullptr && flag == "--only")
      o.only = value;
    else if (value != nullptr && flag == "--export")
      o.export_to = value;
    else {
      std::fprintf(stderr, "usage: %s [--threads N] [--rounds N] [--seconds S] [--only CASE-SUBSTRING] [--export DIR] [--list]\n", argv[0]);
      std::exit(2);
    }
  }
  return o;
}

// ---- memory

/// MB from /proc/self/status; 0 where there is none.
inline double status_mb(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::strtod(line.c_str() + field.size() + 1, nullptr) / 1024;
  return 0;
}
/// The peak that follows is that of what follows, not of an earlier case.
inline void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// ---- numbers

/// Numbers in [low, high) that depend on the seed and their place alone.
inline void fill(px::tensor_view<float> v, std::uint64_t seed, float low = -1, float high = 1) {
  for (index_t i = 0; i < v.size(); ++i) {
    std::uint64_t x = seed * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(i);  // splitmix64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    v[i] = low + (high - low) * static_cast<float>((x ^ (x >> 31)) >> 40) * 0x1p-24f;
  }
}

/// A tensor that owns its memory, which has been written once: no page fault is left for the timed part.
struct tensor {
  px::buffer<float> memory;
  px::extents shape;

  explicit tensor(const px::extents& e) : memory(e.size()), shape(e) {}
  tensor(const px::extents& e, std::uint64_t seed) : tensor(e) { fill(view(), seed); }
  px::tensor_view<float> view() const { return {memory.data(), shape}; }
  px::tensor_view<const float> in() const { return {memory.data(), shape}; }
};

/// Named tensors of one case for the peer to check.
class archive {
 public:
  void add(std::string name, px::tensor_view<const float> v) {
    std::vector<std::int64_t> shape(v.shape.values, v.shape.values + v.rank());
    entries_.push_back({std::move(name), px::io::dtype::f32, std::move(shape), v.data});
  }
  void add(std::string name, px::tensor_view<float> v) { add(std::move(name), px::as_const(v)); }
  void add(std::string name, const tensor& t) { add(std::move(name), t.in()); }
  void write(const options& o, std::string_view workload, std::string_view name) const {
    std::filesystem::create_directories(o.export_to);
    std::string file = std::string(workload) + "." + std::string(name) + ".safetensors";
    std::replace(file.begin(), file.end(), ' ', '_');
    px::io::write_safetensors(o.export_to + "/" + file, px::view_of(entries_));
  }

 private:
  std::vector<px::io::tensor_entry> entries_;
};

// ---- running and timing

/// A piece of a step, written as a layer writes it (`f(ctx)`), in memory that was planned first.
template <class F>
class planned {
 public:
  using context_type = px::context<backend_type, float>;

  planned(backend_type& be, F f) : f_(std::move(f)) {
    px::workspace plan;
    f_(context_type{&be, &plan, &alone_, &inputs_});
    block_ = px::buffer<std::byte>(static_cast<index_t>(plan.peak() + 64));
    memory_ = px::workspace(block_.data(), plan.peak());
    ctx_ = {&be, &memory_, &alone_, &inputs_};
  }
  planned(const planned&) = delete;
  planned& operator=(const planned&) = delete;

  void operator()() {
    memory_.release(0);
    f_(ctx_);
  }
  double scratch_mb() const { return static_cast<double>(memory_.capacity()) / 1048576; }

 private:
  F f_;
  px::comm::null alone_;
  px::step_inputs inputs_{};
  px::buffer<std::byte> block_;
  px::workspace memory_;
  context_type ctx_;
};

/// What is known of a case besides its time; 0 where it does not apply.
struct work {
  double gflop = 0;       // 2 x the multiply-adds that the result asks for
  double gbytes = 0;      // that have to move between memory and processor
  double scratch_mb = 0;
  double items = 0;       // images of one run, where images a second are meant
  std::string peer = {};  // whose code it is, where it is not ours
};

/// Times `f` and prints its line. Runs before the first timed one fill the caches and start the threads.
template <class F>
void report(const options& o, std::string_view workload, std::string_view name, const work& w, F&& f) {
  using clock = std::chrono::steady_clock;
  const auto once = [&] {
    const auto begin = clock::now();
    f();
    return std::chrono::duration<double, std::milli>(clock::now() - begin).count();
  };
  const double before = status_mb("VmRSS:");
  forget_peak();
  once();
  for (double warm = 0; warm < std::min(100.0, 300 * o.seconds);) warm += once();
  std::vector<double> times;
  for (double total = 0; static_cast<int>(times.size()) < o.rounds || total < 1000 * o.seconds;) {
    times.push_back(once());
    total += times.back();
  }
  std::sort(times.begin(), times.end());
  px::io::json::writer line;
  line.begin_object().member("workload", workload).member("case", name);
  if (!w.peer.empty()) line.member("peer", w.peer);
  line.member("threads", o.threads).member("ms_median", times[times.size() / 2]).member("ms_min", times.front());
  line.member("gflop", w.gflop).member("gbytes", w.gbytes);
  if (w.items > 0) line.member("items", w.items);
  if (w.scratch_mb > 0) line.member("scratch_mb", w.scratch_mb);
  line.member("rss_before_mb", before).member("peak_rss_mb", status_mb("VmHWM:"));
  line.member("arch", backend_type::arch_name).end_object();
  std::printf("%s\n", line.text().c_str());
  std::fflush(stdout);
}

/// `body(options)` with the sentences of failures on standard error.
template <class F>
int run(int argc, char** argv, F&& body) {
  try {
    body(parse(argc, argv));
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}

}  // namespace bench
