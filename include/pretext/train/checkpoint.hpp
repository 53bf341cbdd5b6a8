// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../core/order.hpp"
#include "../core/text.hpp"
#include "../io/safetensors.hpp"
#include "../io/safetensors_writer.hpp"
#include "../version.hpp"
#include "structure.hpp"

/// Everything a run needs to go on, in one safetensors file that is either whole or absent.
namespace pretext::train {

/// Settings that may differ between a run and its continuation: they do not change what was computed so far.
inline bool may_change(std::string_view setting) {
  return setting == "epochs" || setting == "threads" || setting == "source_height" || setting == "source_width";
}

/// What a resume found.
struct resume_result {
  bool resumed = false;
  std::uint64_t step = 0;
  std::string file;                 // the one loaded
  std::vector<std::string> passed;  // damaged files that were passed over, with reasons
};

namespace detail {
/// 64 bits over a run of bytes (FNV-1a over words): notices damage, protects against nobody.
inline std::uint64_t mix_bytes(std::uint64_t h, const void* data, std::size_t n) {
  const unsigned char* p = static_cast<const unsigned char*>(data);
  for (; n >= 8; n -= 8, p += 8) {
    std::uint64_t w;
    std::memcpy(&w, p, 8);
    h = (h ^ w) * 0x100000001B3u;
    h ^= h >> 29;
  }
  for (; n > 0; --n, ++p) h = (h ^ *p) * 0x100000001B3u;
  return h;
}
inline constexpr std::uint64_t mix_start = 0xCBF29CE484222325u;

inline std::vector<std::int64_t> shape_of(const extents& e) {
  std::vector<std::int64_t> s;
  for (int i = 0; i < e.rank; ++i) s.push_back(e[i]);
  return s;
}

/// The checksum of a checkpoint's texts, so that a damaged one is not taken for one of another recipe.
PRETEXT_COLD inline std::uint64_t mix_texts(const io::text_pairs& texts) {
  std::uint64_t h = mix_start;
  for (const std::size_t i : sorted_order(texts.size(), [&](std::size_t a, std::size_t b) { return texts[a].first < texts[b].first; })) {
    const auto& [name, text] = texts[i];
    if (name == "format" || name == "text_checksum") continue;  // the writer adds the one, the other is this number
    const std::uint64_t sizes[2]{name.size(), text.size()};
    h = mix_bytes(mix_bytes(mix_bytes(h, sizes, sizeof sizes), name.data(), name.size()), text.data(), text.size());
  }
  return h;
}

/// Gathers a trainer's state in file order.
template <class T>
struct state_writer {
  std::vector<std::vector<T>> values;
  std::vector<std::vector<std::uint64_t>> counters;
  std::vector<io::tensor_entry> tensors;
  std::uint64_t sum = mix_start;

  void counter(const std::string& name, std::uint64_t& value) {
    counters.push_back({value});
    sum = mix_bytes(sum, &value, sizeof value);
    tensors.push_back({name, io::dtype::u64, {}, counters.back().data()});
  }
  void entries(const std::string& prefix, const std::vector<parameter_entry>& list, const T* data) {
    for (const parameter_entry& e : list) {
      std::vector<T> file(static_cast<std::size_t>(e.size));
      to_file_order(e, data + e.offset, file.data());
      push(prefix + e.name, e.file_shape, std::move(file));
    }
  }
  void array(const std::string& name, tensor_view<T> v) { push(name, v.shape, std::vector<T>(v.begin(), v.end())); }

 private:
  void push(const std::string& name, const extents& shape, std::vector<T> file) {
    sum = mix_bytes(sum, file.data(), file.size() * sizeof(T));
    values.push_back(std::move(file));
    tensors.push_back({name, io::dtype_of<T>(), shape_of(shape), values.back().data()});
  }
};

/// Reads a file's tensors into memory of its own, in the same order; nothing of the trainer is touched before all is there.
template <class T>
struct state_reader {
  const io::tensor_file& file;
  std::vector<std::vector<T>> values{};
  std::vector<std::uint64_t> counters{};
  std::uint64_t sum = mix_start;

  void counter(const std::string& name, std::uint64_t&) {
    std::uint64_t value = 0;
    file.template read_into<std::uint64_t>(name, std::span<std::uint64_t>(&value, 1));
    sum = mix_bytes(sum, &value, sizeof value);
    counters.push_back(value);
  }
  void entries(const std::string& prefix, const std::vector<parameter_entry>& list, const T*) {
    for (const parameter_entry& e : list) pull(prefix + e.name, e.file_shape);
  }
  void array(const std::string& name, tensor_view<T> v) { pull(name, v.shape); }

 private:
  void pull(const std::string& name, const extents& shape) {
    if (file.at(name).shape != shape_of(shape))
      throw error("checkpoint.103", {file.file_name(), ": ", name,
          " has another shape than this trainer's; use the recipe it was written with"});
    values.push_back(file.template read<T>(name));
    sum = mix_bytes(sum, values.back().data(), values.back().size() * sizeof(T));
  }
};
/// The second walk: everything was read and checked, now it goes where it belongs.
template <class T>
struct state_placer {
  std::vector<std::vector<T>>& values;
  std::vector<std::uint64_t>& counters;
  std::size_t next_value = 0, next_counter = 0;

  void counter(const std::string&, std::uint64_t& value) { value = counters[next_counter++]; }
  void entries(const std::string&, const std::vector<parameter_entry>& list, T* data) {
    for (const parameter_entry& e : list) from_file_order(e, values[next_value++].data(), data + e.offset);
  }
  void array(const std::string&, tensor_view<T> v) {
    const std::vector<T>& from = values[next_value++];
    std::copy(from.begin(), from.end(), v.begin());
  }
};

inline constexpr std::string_view checkpoint_prefix = "checkpoint-", checkpoint_suffix = ".safetensors";

/// The steps of the checkpoint files in a folder, newest first.
inline std::vector<std::uint64_t> checkpoint_steps(const std::string& folder) {
  std::vector<std::uint64_t> steps;
  std::error_code ignored;
  for (const auto& f : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = f.path().filename().string();
    if (name.size() <= checkpoint_prefix.size() + checkpoint_suffix.size() || !name.starts_with(checkpoint_prefix) ||
        !name.ends_with(checkpoint_suffix))
      continue;
    const std::string digits = name.substr(checkpoint_prefix.size(), name.size() - checkpoint_prefix.size() - checkpoint_suffix.size());
    if (digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string::npos) continue;
    steps.push_back(std::stoull(digits));
  }
  reorder(steps, sorted_order(steps.size(), [&](std::size_t a, std::size_t b) { return steps[a] > steps[b]; }));
  return steps;
}
inline std::string checkpoint_path(const std::string& folder, std::uint64_t step) {
  std::string digits = std::to_string(step);
  if (digits.size() < 9) digits.insert(0, 9 - digits.size(), '0');
  return joined({folder, "/", checkpoint_prefix, digits, checkpoint_suffix});
}
/// The first line in which two texts differ, for a message.
inline std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const std::string x = a.substr(i, a.find('\n', i) - i), y = b.substr(j, b.find('\n', j) - j);
    if (x != y) return {x, y};
    i = std::min(a.size(), i + x.size() + 1);
    j = std::min(b.size(), j + y.size() + 1);
  }
  return {};
}
inline void make_folder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    throw error("checkpoint.100", {folder, ": this folder for checkpoints cannot be made (", failed.message(),
        "); choose another or check permissions"});
}
inline std::string hex(std::uint64_t v) {
  std::string s(16, '0');
  for (int i = 15; i >= 0; --i, v >>= 4) s[static_cast<std::size_t>(i)] = "0123456789abcdef"[v & 15];
  return s;
}
}  // namespace detail

/// What else a run depends on, by name: the number of its images, say. A checkpoint keeps them and holds a continuation
/// to them as to settings.
using notes = io::text_pairs;

/// Writes one checkpoint file of the trainer's present state into `folder` (made if missing), atomically, and returns its
/// path. An interrupted or failed write leaves the earlier ones as they were.
/// errors  pretext[checkpoint.100] the folder cannot be made; pretext[io.111-115] the file cannot be written
template <class Trainer, class Files = io::posix_files>
std::string save_checkpoint(Trainer& trainer, const std::string& folder, const notes& kept = {}, Files files = {}) {
  detail::state_writer<typename Trainer::value_type> state;
  trainer.visit_state(state);
  io::text_pairs metadata{{"pretext", PRETEXT_VERSION_STRING}, {"structure", structure(trainer)}, {"checksum", detail::hex(state.sum)}};
  for_each_setting(trainer.settings(),
                   [&](const std::string& name, const std::string& value) { metadata.emplace_back("setting." + name, value); });
  for (const auto& [name, value] : kept) metadata.emplace_back("note." + name, value);
  metadata.emplace_back("text_checksum", detail::hex(detail::mix_texts(metadata)));
  detail::make_folder(folder);
  const std::string path = detail::checkpoint_path(folder, trainer.steps_done());
  io::write_safetensors(path, std::span<const io::tensor_entry>(state.tensors), metadata, files);
  return path;
}

/// Loads one checkpoint file; the trainer is untouched unless everything in the file is right.
/// errors  pretext[checkpoint.101] another recipe (names the first part that differs); pretext[checkpoint.102] another
///         setting or note; pretext[checkpoint.103] a tensor of another shape; pretext[checkpoint.104] damaged
template <class Trainer>
void load_checkpoint(Trainer& trainer, const std::string& path, const notes& expected = {}) {
  using T = typename Trainer::value_type;
  const io::tensor_file file = io::read_safetensors(path);
  const std::string* wanted = file.find_metadata("structure");
  const std::string* checksum = file.find_metadata("checksum");
  if (wanted == nullptr || checksum == nullptr)
    throw error("checkpoint.104", {path, ": this file is no checkpoint of a trainer; its metadata lacks the structure or the checksum"});
  const std::string* texts = file.find_metadata("text_checksum");
  if (texts == nullptr || *texts != detail::hex(detail::mix_texts(file.metadata())))
    throw error("checkpoint.104", {path, ": the texts do not match their checksum, the file is damaged; use an earlier checkpoint"});
  const std::string own = structure(trainer);
  if (*wanted != own) {
    const auto [theirs, mine] = detail::first_difference(*wanted, own);
    throw error("checkpoint.101", {path, ": this checkpoint is of another recipe: it has \"", theirs, "\" where this trainer has \"", mine,
        "\"; use the recipe it was written with, or another folder"});
  }
  std::string differing;
  const auto compare = [&](const char* kind, const std::string& name, const std::string& value) {
    const std::string* before = file.find_metadata(kind + name);
    if (before != nullptr && *before != value) append(differing, {(differing.empty() ? "" : ", "), name, " was ", *before, " and is now ",
                                                   value});
  };
  for_each_setting(trainer.settings(), [&](const std::string& name, const std::string& value) {
    if (!may_change(name)) compare("setting.", name, value);
  });
  for (const auto& [name, value] : expected) compare("note.", name, value);
  if (!differing.empty())
    throw error("checkpoint.102", {path, ": settings differ from the checkpoint's: ", differing, "; keep them, or start in another folder"});
  detail::state_reader<T> read{file};
  trainer.visit_state(read);
  if (detail::hex(read.sum) != *checksum)
    throw error("checkpoint.104", {path, ": the numbers do not match the checksum, the file is damaged; use an earlier checkpoint"});
  detail::state_placer<T> place{read.values, read.counters};
  trainer.visit_state(place);
}

/// Continues from the newest whole checkpoint of a folder. Damaged files are passed over and listed; a folder without a
/// whole one leaves the trainer as it is. A checkpoint of another recipe, with other settings or notes is an error.
template <class Trainer>
resume_result resume(Trainer& trainer, const std::string& folder, const notes& expected = {}) {
  resume_result result;
  for (const std::uint64_t step : detail::checkpoint_steps(folder)) {
    const std::string path = detail::checkpoint_path(folder, step);
    try {
      load_checkpoint(trainer, path, expected);
      result.resumed = true;
      result.step = trainer.steps_done();
      result.file = path;
      return result;
    } catch (const error& e) {
      if (e.id() == "checkpoint.101" || e.id() == "checkpoint.102") throw;
      result.passed.emplace_back(e.what());
    }
  }
  return result;
}

/// What `trainer.resume(folder)` runs, found by argument-dependent lookup so that the trainer needs no file code.
template <class Trainer>
resume_result resume_from(Trainer& trainer, const std::string& folder) {
  return resume(trainer, folder);
}

/// A callback that writes checkpoints: every `every_steps` steps, or every epoch where that is 0, and at the end. Keeps
/// the newest `keep`; older files are removed only once a newer one is whole.
class checkpoint {
 public:
  struct options {
    std::uint64_t every_steps = 0;
    std::size_t keep = 2;
    train::notes notes = {};
  };
  explicit checkpoint(std::string folder) : checkpoint(std::move(folder), options{}) {}
  checkpoint(std::string folder, options o) : folder_(std::move(folder)), options_(o) {
    while (folder_.size() > 1 && folder_.back() == '/') folder_.pop_back();
  }

  /// A folder that cannot be written is an error at once, not after the first epoch.
  template <class Info>
  void on_start(const Info&) {
    detail::make_folder(folder_);
    const std::string probe = folder_ + "/.pretext-probe-" + std::to_string(io::posix_files{}.process()) + ".tmp";
    io::write_file_atomically(probe, std::string_view("x"));
    io::posix_files{}.remove(probe.c_str());
  }
  template <class Trainer, class Report>
  void on_step(Trainer& trainer, const Report& report) {
    if (options_.every_steps > 0 && report.step % options_.every_steps == 0) save(trainer);
  }
  template <class Trainer, class Report>
  void on_epoch(Trainer& trainer, const Report&) {
    if (options_.every_steps == 0) save(trainer);
  }
  template <class Trainer, class Report>
  void on_end(Trainer& trainer, const Report&) {
    if (!saved_ || last_step_ != trainer.steps_done()) save(trainer);
  }
  const std::string& last_file() const { return last_file_; }
  /// Sets a note of the files to come; only notes that a resume expects are held against it.
  void note(std::string_view name, std::string value) {
    for (auto& [key, kept] : options_.notes)
      if (key == name) return void(kept = std::move(value));
    options_.notes.emplace_back(name, std::move(value));
  }

 private:
  template <class Trainer>
  void save(Trainer& trainer) {
    last_file_ = save_checkpoint(trainer, folder_, options_.notes);
    last_step_ = trainer.steps_done();
    saved_ = true;
    const auto steps = detail::checkpoint_steps(folder_);
    for (std::size_t i = std::max<std::size_t>(1, options_.keep); i < steps.size(); ++i) {
      if (steps[i] >= last_step_) continue;  // of a longer run that stood here before; not ours to remove
      std::error_code ignored;
      std::filesystem::remove(detail::checkpoint_path(folder_, steps[i]), ignored);
    }
  }
  std::string folder_, last_file_;
  options options_;
  std::uint64_t last_step_ = 0;
  bool saved_ = false;
};

}  // namespace pretext::train
