// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/list.hpp"
#include "../core/order.hpp"
#include "../core/text.hpp"
#include "../core/view_of.hpp"
#include "../io/directory.hpp"
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

PRETEXT_COLD inline std::vector<std::int64_t> shape_of(const extents& e) {
  std::vector<std::int64_t> s(static_cast<std::size_t>(e.rank));
  for (int i = 0; i < e.rank; ++i) s[static_cast<std::size_t>(i)] = e[i];
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

/// A part of a trainer's state, where it lies.
template <class T>
struct state_part {
  parameter_entry entry;  // with its whole name
  T* data = nullptr;      // of a counter: nullptr
  std::uint64_t* counter = nullptr;
};

/// All of a trainer's state in file order: the one visitor, so that the rest is compiled once for all recipes.
template <class T>
struct state_list {
  list<state_part<T>> parts{};

  PRETEXT_COLD void counter(const std::string& name, std::uint64_t& value) {
    state_part<T>& p = parts.add();
    p.counter = &value;
    p.entry.name = name;
  }
  PRETEXT_COLD void entries(const std::string& prefix, const std::vector<parameter_entry>& list, T* data) {
    for (const parameter_entry& e : list) {
      state_part<T>& p = parts.add();
      p.data = data + e.offset;
      p.entry = e;
      p.entry.name = joined({prefix, e.name});
    }
  }
  PRETEXT_COLD void array(const std::string& name, tensor_view<T> v) {
    state_part<T>& p = parts.add();
    p.data = v.data;
    p.entry.name = name;
    p.entry.file_shape = v.shape;
    p.entry.size = v.size();
  }
};
template <class Trainer>
state_list<master_t<typename Trainer::value_type>> state_of(Trainer& trainer) {
  state_list<master_t<typename Trainer::value_type>> list;
  trainer.visit_state(list);
  return list;
}

/// A copy of some state in file order.
template <class T>
struct state_copy {
  std::vector<T> values;                // of the tensors, one after another
  std::vector<std::uint64_t> counters;  // one a part; 0 where it is a tensor
  std::uint64_t sum = mix_start;

  explicit state_copy(const state_list<T>& state) : counters(state.parts.size()) {
    std::size_t n = 0;
    for (const state_part<T>& p : state.parts) n += p.data == nullptr ? 0 : static_cast<std::size_t>(p.entry.size);
    values = std::vector<T>(n);
  }
};
template <class T>
PRETEXT_COLD state_copy<T> copy_state(const state_list<T>& state) {
  state_copy<T> copy(state);
  T* file = copy.values.data();
  for (std::size_t i = 0; i < state.parts.size(); ++i) {
    const state_part<T>& p = state.parts[i];
    if (p.data == nullptr) {
      copy.counters[i] = *p.counter;
      copy.sum = mix_bytes(copy.sum, p.counter, sizeof *p.counter);
    } else {
      to_file_order(p.entry, static_cast<const T*>(p.data), file);
      copy.sum = mix_bytes(copy.sum, file, static_cast<std::size_t>(p.entry.size) * sizeof(T));
      file += p.entry.size;
    }
  }
  return copy;
}
/// The same from a file; nothing of the trainer is touched.
template <class T>
PRETEXT_COLD state_copy<T> read_state(const io::tensor_file& file, const state_list<T>& state) {
  state_copy<T> copy(state);
  T* values = copy.values.data();
  for (std::size_t i = 0; i < state.parts.size(); ++i) {
    const state_part<T>& p = state.parts[i];
    const std::string& name = p.entry.name;
    if (p.data == nullptr) {
      std::uint64_t& value = copy.counters[i];
      file.template read_into<std::uint64_t>(name, std::span<std::uint64_t>(&value, 1));
      copy.sum = mix_bytes(copy.sum, &value, sizeof value);
      continue;
    }
    if (file.at(name).shape != shape_of(p.entry.file_shape))
      throw_error("checkpoint.103", {file.file_name(), ": ", name,
          " has another shape than this trainer's; use the recipe it was written with"});
    const std::size_t size = static_cast<std::size_t>(p.entry.size);
    file.template read_into<T>(name, std::span<T>(values, size));
    copy.sum = mix_bytes(copy.sum, values, size * sizeof(T));
    values += size;
  }
  return copy;
}
/// Everything was read and checked, now it goes where it belongs.
template <class T>
PRETEXT_COLD void place_state(const state_copy<T>& copy, const state_list<T>& state) {
  const T* values = copy.values.data();
  for (std::size_t i = 0; i < state.parts.size(); ++i) {
    const state_part<T>& p = state.parts[i];
    if (p.data == nullptr) {
      *p.counter = copy.counters[i];
    } else {
      from_file_order(p.entry, values, p.data);
      values += p.entry.size;
    }
  }
}
/// The tensors of a copy, for a file; valid as long as the copy.
template <class T>
PRETEXT_COLD list<io::tensor_entry> tensors_of(const state_list<T>& state, const state_copy<T>& copy) {
  list<io::tensor_entry> tensors(state.parts.size());
  const T* values = copy.values.data();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const state_part<T>& p = state.parts[i];
    io::tensor_entry& tensor = tensors[i];
    tensor.name = p.entry.name;
    if (p.data == nullptr) {
      tensor.type = io::dtype::u64;
      tensor.data = &copy.counters[i];
    } else {
      tensor.type = io::dtype_of<T>();
      tensor.shape = shape_of(p.entry.file_shape);
      tensor.data = values;
      values += p.entry.size;
    }
  }
  return tensors;
}

inline constexpr std::string_view checkpoint_prefix = "checkpoint-", checkpoint_suffix = ".safetensors";

/// The steps of the checkpoint files in a folder, newest first.
PRETEXT_COLD inline std::vector<std::uint64_t> checkpoint_steps(const std::string& folder) {
  std::vector<std::uint64_t> steps;
  std::vector<std::string> names;
  io::list_folder(folder, names);  // a folder that cannot be read holds none
  for (const std::string& name : names) {
    if (name.size() <= checkpoint_prefix.size() + checkpoint_suffix.size() || !name.starts_with(checkpoint_prefix) ||
        !name.ends_with(checkpoint_suffix))
      continue;
    const std::string digits = name.substr(checkpoint_prefix.size(), name.size() - checkpoint_prefix.size() - checkpoint_suffix.size());
    if (digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::uint64_t step = std::stoull(digits);
    steps.push_back(step);
  }
  reorder(steps, sorted_order(steps.size(), [&](std::size_t a, std::size_t b) { return steps[a] > steps[b]; }));
  return steps;
}
PRETEXT_COLD inline std::string checkpoint_path(const std::string& folder, std::uint64_t step) {
  const std::string digits = joined({step});
  return joined({folder, "/", checkpoint_prefix, std::string(digits.size() < 9 ? 9 - digits.size() : 0, '0'), digits, checkpoint_suffix});
}
/// The first line in which two texts differ, for a message.
PRETEXT_COLD inline std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    const std::string x = a.substr(i, a.find('\n', i) - i), y = b.substr(j, b.find('\n', j) - j);
    if (x != y) return {x, y};
    i = std::min(a.size(), i + x.size() + 1);
    j = std::min(b.size(), j + y.size() + 1);
  }
  return {};
}
PRETEXT_COLD inline void make_folder(const std::string& folder) {
  if (const int failed = io::make_folders(folder); failed != 0)
    throw_error("checkpoint.100", {folder, ": this folder for checkpoints cannot be made (", std::strerror(-failed),
        "); choose another or check permissions"});
}
/// Nothing but a trial shows whether a folder can be written.
PRETEXT_COLD inline void check_folder(const std::string& folder) {
  make_folder(folder);
  const std::string probe = joined({folder, "/.pretext-probe-", io::posix_files{}.process(), ".tmp"});
  io::write_file_atomically(probe, std::string_view("x"));
  io::posix_files{}.remove(probe.c_str());
}
/// Removes checkpoints but for the newest `keep`. Those of a longer run that stood here before are not ours to remove.
PRETEXT_COLD inline void remove_older(const std::string& folder, std::uint64_t last, std::size_t keep) {
  const auto steps = checkpoint_steps(folder);
  for (std::size_t i = std::max<std::size_t>(1, keep); i < steps.size(); ++i)
    if (steps[i] < last) io::posix_files{}.remove(checkpoint_path(folder, steps[i]).c_str());
}
PRETEXT_COLD inline std::string hex(std::uint64_t v) {
  std::string s(16, '0');
  for (int i = 15; i >= 0; --i, v >>= 4) s[static_cast<std::size_t>(i)] = "0123456789abcdef"[v & 15];
  return s;
}
}  // namespace detail

/// What else a run depends on, by name: the number of its images, say. A checkpoint keeps them and holds a continuation
/// to them as to settings.
using notes = io::text_pairs;

namespace detail {
/// What a checkpoint says about its trainer in words.
struct checkpoint_texts {
  std::string structure;
  setting_texts settings;
};
template <class Trainer>
PRETEXT_COLD checkpoint_texts words_of(const Trainer& trainer) {
  return {structure(trainer), texts_of(list_settings(trainer.settings()))};
}

PRETEXT_COLD inline io::text_pairs metadata_of(const checkpoint_texts& words, std::uint64_t sum, const notes& kept) {
  io::text_pairs metadata;
  add_pair(metadata, "pretext", PRETEXT_VERSION_STRING);
  add_pair(metadata, "structure", words.structure);
  add_pair(metadata, "checksum", hex(sum));
  for (const auto& [name, value] : words.settings) add_pair(metadata, joined({"setting.", name}), value);
  for (const auto& [name, value] : kept) add_pair(metadata, joined({"note.", name}), value);
  add_pair(metadata, "text_checksum", hex(mix_texts(metadata)));
  return metadata;
}

/// Holds a file's texts to those of the trainer that is to be filled; the checksum of the numbers.
PRETEXT_COLD inline const std::string& check_texts(const io::tensor_file& file, const checkpoint_texts& words, const notes& expected) {
  const std::string& path = file.file_name();
  const std::string* wanted = file.find_metadata("structure");
  const std::string* checksum = file.find_metadata("checksum");
  if (wanted == nullptr || checksum == nullptr)
    throw_error("checkpoint.104", {path, ": this file is no checkpoint of a trainer; its metadata lacks the structure or the checksum"});
  const std::string* texts = file.find_metadata("text_checksum");
  if (texts == nullptr || *texts != hex(mix_texts(file.metadata())))
    throw_error("checkpoint.104", {path, ": the texts do not match their checksum, the file is damaged; use an earlier checkpoint"});
  if (*wanted != words.structure) {
    const auto [theirs, mine] = first_difference(*wanted, words.structure);
    throw_error("checkpoint.101", {path, ": this checkpoint is of another recipe: it has \"", theirs, "\" where this trainer has \"", mine,
        "\"; use the recipe it was written with, or another folder"});
  }
  std::string differing;
  const auto compare = [&](const char* kind, const std::string& name, const std::string& value) {
    const std::string* before = file.find_metadata(kind + name);
    if (before != nullptr && *before != value) append(differing, {(differing.empty() ? "" : ", "), name, " was ", *before, " and is now ",
                                                   value});
  };
  for (const auto& [name, value] : words.settings)
    if (!may_change(name)) compare("setting.", name, value);
  for (const auto& [name, value] : expected) compare("note.", name, value);
  if (!differing.empty())
    throw_error("checkpoint.102", {path, ": settings differ from the checkpoint's: ", differing, "; keep them, or start in another folder"});
  return *checksum;
}

template <class T, class Files>
PRETEXT_COLD void write_state(const std::string& path, const state_list<T>& state, const checkpoint_texts& words, const notes& kept, Files files) {
  const state_copy<T> copy = copy_state(state);
  const list<io::tensor_entry> tensors = tensors_of(state, copy);
  io::write_safetensors(path, view_of(tensors), metadata_of(words, copy.sum, kept), files);
}
template <class T>
PRETEXT_COLD void load_state(const std::string& path, const state_list<T>& state, const checkpoint_texts& words, const notes& expected) {
  const io::tensor_file file = io::read_safetensors(path);
  const std::string& checksum = check_texts(file, words, expected);
  const state_copy<T> copy = read_state(file, state);
  if (hex(copy.sum) != checksum)
    throw_error("checkpoint.104", {path, ": the numbers do not match the checksum, the file is damaged; use an earlier checkpoint"});
  place_state(copy, state);
}
}  // namespace detail

/// Writes one checkpoint file of the trainer's present state into `folder` (made if missing), atomically, and returns its
/// path. An interrupted or failed write leaves the earlier ones as they were.
/// errors  pretext[checkpoint.100] the folder cannot be made; pretext[io.111-115] the file cannot be written
template <class Trainer, class Files = io::posix_files>
std::string save_checkpoint(Trainer& trainer, const std::string& folder, const notes& kept = {}, Files files = {}) {
  detail::make_folder(folder);
  std::string path = detail::checkpoint_path(folder, trainer.steps_done());
  detail::write_state(path, detail::state_of(trainer), detail::words_of(trainer), kept, files);
  return path;
}

/// Loads one checkpoint file; the trainer is untouched unless everything in the file is right.
/// errors  pretext[checkpoint.101] another recipe (names the first part that differs); pretext[checkpoint.102] another
///         setting or note; pretext[checkpoint.103] a tensor of another shape; pretext[checkpoint.104] damaged
template <class Trainer>
void load_checkpoint(Trainer& trainer, const std::string& path, const notes& expected = {}) {
  detail::load_state(path, detail::state_of(trainer), detail::words_of(trainer), expected);
  trainer.put_state();
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
      result.passed.emplace_back() = e.what();
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
  PRETEXT_COLD explicit checkpoint(std::string folder) : checkpoint(std::move(folder), options{}) {}
  PRETEXT_COLD checkpoint(std::string folder, options o) : folder_(std::move(folder)), options_(o) {
    while (folder_.size() > 1 && folder_.back() == '/') folder_.pop_back();
  }

  /// A folder that cannot be written is an error at once, not after the first epoch.
  template <class Info>
  void on_start(const Info&) {
    detail::check_folder(folder_);
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
  PRETEXT_COLD void note(std::string_view name, std::string value) {
    for (auto& [key, kept] : options_.notes)
      if (key == name) return void(kept = std::move(value));
    add_pair(options_.notes, name, value);
  }

 private:
  template <class Trainer>
  PRETEXT_COLD void save(Trainer& trainer) {
    last_file_ = save_checkpoint(trainer, folder_, options_.notes);
    last_step_ = trainer.steps_done();
    saved_ = true;
    detail::remove_older(folder_, last_step_, options_.keep);
  }
  std::string folder_, last_file_;
  options options_;
  std::uint64_t last_step_ = 0;
  bool saved_ = false;
};

}  // namespace pretext::train
