// SPDX-License-Identifier: BSD-3-Clause
// MB of text a second and core, for each tokenizer: encoding, decoding and training. One JSON line a case.
//
//   tokenizers DATA [TEXT-FILE]    DATA holds vocab/ and tinyshakespeare/, as the shared data do; TEXT-FILE in its place
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <pretext/io/json_writer.hpp>
#include <pretext/tokenizer/encoding.hpp>
#include <pretext/tokenizer/files.hpp>
#include <pretext/tokenizer/simple.hpp>
#include <pretext/tokenizer/train.hpp>

namespace {

namespace tk = pretext::tokenizer;

/// The least of many: the machine's other work only adds.
template <class F>
double seconds(F&& f, int rounds = 9) {
  double best = 1e300;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

void line(const char* name, const char* what, std::size_t bytes, std::size_t tokens, double s) {
  pretext::io::json::writer w;
  w.begin_object().member("case", name).member("what", what).member("mb_per_s", static_cast<double>(bytes) / s / 1e6);
  w.member("bytes", bytes).member("tokens", tokens).end_object();
  std::printf("%s\n", w.text().c_str());
  std::fflush(stdout);
}

template <class T>
void measure(const T& t, const std::string& text) {
  typename T::cache cache;
  std::vector<tk::token> out;
  const double encode = seconds([&] {
    out.clear();
    t.encode(text, out, cache);
  });
  line(T::name, "encode", text.size(), out.size(), encode);
  std::vector<std::int32_t> ids;
  for (const tk::token& k : out) ids.push_back(k.id);
  std::string back;
  const double decode = seconds([&] {
    back.clear();
    t.decode({ids.data(), ids.size()}, back);
  });
  line(T::name, "decode", text.size(), out.size(), decode);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DATA [TEXT-FILE]\n", argv[0]);
    return 2;
  }
  try {
    const std::string data = argv[1];
    const auto bytes = pretext::io::read_file(argc > 2 ? argv[2] : data + "/tinyshakespeare/input.txt");
    const std::string text(pretext::io::text_of(pretext::view_of(bytes)));
    measure(tk::bytes{}, text);
    measure(tk::characters(text), text);
    measure(tk::words::of(text, 10000), text);
    measure(tk::load_wordpiece(data + "/vocab/bert-base-uncased-vocab.txt"), text);
    measure(tk::load_bpe(data + "/vocab/gpt2-encoder.json", data + "/vocab/gpt2-vocab.bpe"), text);
    std::size_t learnt = 0;
    const double bpe = seconds([&] {
      tk::bpe_trainer t({.vocabulary_size = 8000});
      t.feed_lines(text);
      learnt = t.train().merges().size();
    }, 3);
    line("byte_bpe", "train 8000", text.size(), learnt, bpe);
    const double wordpiece = seconds([&] {
      tk::wordpiece_trainer t({.vocabulary_size = 8000});
      t.feed(text);
      learnt = static_cast<std::size_t>(t.train().vocabulary_size());
    }, 3);
    line("wordpiece", "train 8000", text.size(), learnt, wordpiece);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
    return 1;
  }
}
