// SPDX-License-Identifier: BSD-3-Clause
// What tokenizer_compare.py runs: tokenizer_dump wordpiece|bpe FOLDER. Reads (u32 bytes, text)*, writes (u32 tokens, (id, begin, end)*)* with
// offsets in characters.
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "pretext/tokenizer/files.hpp"

namespace tk = pretext::tokenizer;

template <class T>
static int run(const T& t) {
  typename T::cache cache;
  std::vector<tk::token> out;
  std::string text;
  for (unsigned n = 0; std::fread(&n, 4, 1, stdin) == 1;) {
    text.resize(n);
    if (n > 0 && std::fread(text.data(), 1, n, stdin) != n) return 1;
    out.clear();
    t.encode(text, out, cache);
    tk::to_character_offsets(text, out);
    const unsigned count = static_cast<unsigned>(out.size());
    std::fwrite(&count, 4, 1, stdout);
    std::fwrite(out.data(), sizeof(tk::token), count, stdout);
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    return std::strcmp(argv[1], "bpe") == 0 ? run(tk::load_bpe(argv[2])) : run(tk::load_wordpiece(argv[2]));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
