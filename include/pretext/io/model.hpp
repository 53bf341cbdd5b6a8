// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../core/list.hpp"
#include "../core/parameters.hpp"
#include "../core/view_of.hpp"
#include "safetensors.hpp"
#include "safetensors_writer.hpp"

/// Networks in safetensors files, under PyTorch's names and layouts. A model is anything with for_each_tensor(visit),
/// table() and assign(entry, values, is_buffer), such as trainer.encoder().
namespace pretext::io {

namespace detail {
/// Numbers as 64-bit integers, in a list of the same kind, so that a file's tensors can be kept together.
template <class T>
PRETEXT_COLD std::vector<T> as_integers(const std::vector<T>& values) {
  static_assert(sizeof(std::int64_t) % sizeof(T) == 0);
  std::vector<T> bytes(values.size() * (sizeof(std::int64_t) / sizeof(T)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t whole = static_cast<std::int64_t>(values[i]);
    std::memcpy(reinterpret_cast<unsigned char*>(bytes.data()) + i * sizeof whole, &whole, sizeof whole);
  }
  return bytes;
}
}  // namespace detail

/// Writes every parameter and buffer of a model, atomically.
/// errors  io.110-115 file
template <class Model>
PRETEXT_COLD void save_safetensors(const std::string& path, const Model& model, text_pairs metadata = {}) {
  using T = master_t<typename Model::value_type>;
  list<std::vector<T>> values;
  list<tensor_entry> tensors;
  model.for_each_tensor([&](const parameter_entry& e, std::vector<T>& v) {
    tensor_entry& tensor = tensors.add();
    tensor.name = e.name;
    tensor.shape = std::vector<std::int64_t>(static_cast<std::size_t>(e.file_shape.rank));
    for (int i = 0; i < e.file_shape.rank; ++i) tensor.shape[static_cast<std::size_t>(i)] = e.file_shape[i];
    tensor.type = e.what == role::counter ? dtype::i64 : dtype_of<T>();
    if (e.what == role::counter) v = detail::as_integers(v);  // as PyTorch keeps them
    tensor.data = v.data();
    values.add() = std::move(v);
  });
  write_safetensors(path, view_of(tensors), std::move(metadata));
}

struct load_options {
  std::string prefix = {};      // stripped from the file's names ("module.", "backbone.")
  bool allow_missing = false;   // keep own values where the file lacks a tensor (never for parameters by accident)
  bool allow_non_finite = false;
};

/// Names of the file that the model has no place for (a classifier's head, say).
using unused_tensors = std::vector<std::string>;

/// Fills a model from a file: every parameter must be there in the right shape and finite. Nothing is changed unless
/// everything fits.
/// errors  io.100-325 file; io.340 missing tensor; io.341 shape; io.342 a NaN or infinity
template <class Model>
PRETEXT_COLD unused_tensors load_safetensors(const std::string& path, const Model& model, const load_options& o = {}) {
  using T = master_t<typename Model::value_type>;
  const tensor_file file = read_safetensors(path);
  std::vector<std::string> wanted;
  struct loaded {
    const parameter_entry* entry;
    std::vector<T> values;
    bool is_buffer;
  };
  std::vector<loaded> all;
  const auto pull = [&](const std::vector<parameter_entry>& entries, bool is_buffer) {
    for (const parameter_entry& e : entries) {
      const std::string name = o.prefix + e.name;
      const tensor_info* info = file.find(name);
      if (info == nullptr) {
        // Files of models that were never trained lack the counter; PyTorch's own loader does not need it either.
        if (o.allow_missing || e.what == role::counter) continue;
        throw_error("io.340", {path, ": tensor \"", name, "\" is missing; the file is of another network, or needs a prefix"});
      }
      std::vector<std::int64_t> shape;
      for (int i = 0; i < e.file_shape.rank; ++i) shape.push_back(e.file_shape[i]);
      if (info->shape != shape)
        throw_error("io.341", {path, ": tensor \"", name,
            "\" has another shape than the network's; check widths, kernels and input channels"});
      std::vector<T> values = file.template read<T>(name);
      if (!o.allow_non_finite)
        for (const T v : values)
          if (!(v - v == T(0)))
            throw_error("io.342", {path, ": tensor \"", name, "\" holds a NaN or an infinity; set allow_non_finite to load it anyway"});
      wanted.push_back(name);
      all.push_back({&e, std::move(values), is_buffer});
    }
  };
  pull(model.table().parameters, false);
  pull(model.table().buffers, true);
  for (const loaded& l : all) model.assign(*l.entry, l.values, l.is_buffer);
  unused_tensors unused;
  for (const tensor_info& t : file.tensors())
    if (std::find(wanted.begin(), wanted.end(), t.name) == wanted.end()) unused.push_back(t.name);
  return unused;
}

}  // namespace pretext::io
