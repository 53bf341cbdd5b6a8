// SPDX-License-Identifier: BSD-3-Clause
// Any bytes either are refused with pretext::error or give tensors that cover the buffer exactly once, each readable.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "pretext/io/safetensors.hpp"
#include "pretext/io/safetensors_writer.hpp"

namespace io = pretext::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* first = reinterpret_cast<const std::byte*>(data);
  try {
    const io::tensor_file file = io::parse_safetensors(std::vector<std::byte>(first, first + size), "fuzz");
    std::uint64_t covered = 0;
    unsigned sum = 0;
    std::vector<io::tensor_entry> again;
    for (const io::tensor_info& t : file.tensors()) {
      if (t.begin != covered || file.find(t.name) != &t) std::abort();
      covered = t.end;
      for (const std::byte b : file.raw(t)) sum += static_cast<unsigned>(b);
      again.push_back({t.name, t.type, t.shape, file.raw(t).data()});
      try {
        (void)file.read<float>(t.name);
        (void)file.read<std::int32_t>(t.name);
      } catch (const pretext::error&) {
      }
    }
    if (sum == 0xFFFFFFFFu) std::abort();
    // What was accepted can be written, and the header then is one we accept.
    std::uint64_t bytes = 0;
    for (const io::tensor_entry& e : again) bytes += file.at(e.name).bytes();
    const io::safetensors_plan plan = io::plan_safetensors(again, file.metadata());
    const auto header = io::parse_safetensors_header(std::string_view(plan.prefix).substr(8), "again", bytes);
    if (header.tensors.size() != again.size()) std::abort();
  } catch (const pretext::error&) {
  }
  return 0;
}
