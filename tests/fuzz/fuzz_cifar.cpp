// SPDX-License-Identifier: BSD-3-Clause
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

#include "pretext/data/cifar.hpp"

/// Any bytes are either an error or images whose every pixel and label can be read. So that small inputs reach the
/// records too, an input also stands for itself repeated up to three whole records of each kind.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pretext;
  const auto read = [](std::span<const std::byte> bytes, data::cifar_kind kind) {
    try {
      data::image_store store;
      data::parse_cifar(bytes, "fuzz", kind, store);
      const data::image_set s(std::move(store));
      unsigned long sum = 0;
      for (index_t i = 0; i < s.size(); ++i) {
        if (s.label(i) < 0 || s.label(i) >= s.classes()) std::abort();
        for (index_t k = 0; k < s.image(i).size(); ++k) sum += s.image(i).data[k];
      }
      if (s.empty() || sum > 255 * bytes.size()) std::abort();
    } catch (const error&) {
    }
  };
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  for (const auto kind : {data::cifar_kind::automatic, data::cifar_kind::ten, data::cifar_kind::hundred}) {
    read({begin, size}, kind);
    for (const std::size_t record : {std::size_t{3073}, std::size_t{3074}}) {
      std::vector<std::byte> whole(size == 0 ? 0 : record * (1 + data[0] % 3));
      for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = begin[i % size];
      read(whole, kind);
    }
  }
  return 0;
}
