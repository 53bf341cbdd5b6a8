// SPDX-License-Identifier: BSD-3-Clause
// Runs every file of the folders and files named on the command line through a fuzz target, without a fuzzing engine, and
// every shortened form of the small ones: links with any fuzz_*.cpp under any compiler.
//   fuzz_json_replay tests/fuzz/corpus/json
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < count; ++i) {
    if (std::filesystem::is_directory(arguments[i])) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(arguments[i]))
        if (entry.is_regular_file()) files.push_back(entry.path());
    } else {
      files.emplace_back(arguments[i]);
    }
  }
  std::sort(files.begin(), files.end());
  std::size_t runs = 0;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "%s: cannot be opened\n", file.c_str());
      return 2;
    }
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    // A copy without spare capacity, so that a sanitizer sees a read past the end.
    const std::size_t shortest = bytes.size() <= 1024 ? 0 : bytes.size();
    for (std::size_t size = shortest; size <= bytes.size(); ++size, ++runs) {
      const std::vector<std::uint8_t> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      LLVMFuzzerTestOneInput(exact.data(), exact.size());
    }
  }
  std::printf("%zu inputs from %zu files\n", runs, files.size());
  return files.empty() ? 2 : 0;
}
