// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/token_cache.hpp"

#include <signal.h>
#include <sys/wait.h>

#include "pretext/io/file.hpp"
#include "pretext/tokenizer/files.hpp"
#include "pretext/tokenizer/simple.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace px = pretext;
namespace data = pretext::data;
using data_test::has;
using data_test::scratch;
using data_test::thrown;
using px::tokenizer::bytes;

namespace {
std::string content(const std::string& path) {
  const std::vector<std::byte> all = px::io::read_file(path);
  return std::string(px::io::text_of(px::view_of(all)));
}
/// Some files of words and lines.
std::vector<std::string> corpus(const scratch& dir) {
  std::vector<std::string> files;
  for (int f = 0; f < 5; ++f) {
    std::string text;
    for (int line = 0; line < 40 * f; ++line) text += "line " + std::to_string(line * 7919 % 1000) + " of na\xC3\xAFve file " + std::to_string(f) + (line % 9 == 0 ? "\n\n" : "\n");
    files.push_back(dir / ("f" + std::to_string(f) + ".txt"));
    io_test::put(files.back(), text);
  }
  return files;
}
/// Bytes that stop the process, or throw, when they have encoded enough.
struct stopping : bytes {
  int after = 1 << 30;
  bool kill = false;
  int* calls = nullptr;
  void encode(std::string_view text, std::vector<px::tokenizer::token>& out, cache& c) const {
    static int own = 0;
    int& count = calls != nullptr ? *calls : own;
    if (count++ >= after) {
      if (kill) ::raise(SIGKILL);
      px::throw_error("user.001", {"stopped"});
    }
    bytes::encode(text, out, c);
  }
};
}  // namespace

TEST_CASE("token_cache: documents and tokens are those of the files", "[data][token_cache]") {
  const scratch dir;
  const auto files = corpus(dir);
  data::build_token_cache(dir / "c", bytes{}, files, {.separator = 259});
  const data::token_cache c(dir / "c", bytes{});
  CHECK(c.documents() == 4);  // the first file is empty
  std::string all;
  for (px::index_t d = 0; d < c.documents(); ++d) {
    const auto [begin, end] = c.document(d);
    std::vector<std::int32_t> ids(static_cast<std::size_t>(end - begin));
    c.read(begin, ids);
    CHECK(ids.back() == 259);
    ids.pop_back();
    std::string text;
    bytes::decode(ids, text);
    CHECK(text == content(files[static_cast<std::size_t>(d) + 1]));
  }
  CHECK(c.vocabulary_size() == 260);
  CHECK(has(thrown([&] { c.document(4); }), "pretext[data.115]"));
  std::vector<std::int32_t> beyond(2);
  CHECK(has(thrown([&] { c.read(c.size() - 1, beyond); }), "pretext[data.115]"));
  CHECK_FALSE(data_test::there(dir / "c.partial"));
  CHECK_FALSE(data_test::there(dir / "c.state"));
  CHECK_FALSE(data_test::there(dir / "c.begins"));
}

TEST_CASE("token_cache: lines are documents where asked, and long documents are cut at line ends", "[data][token_cache]") {
  const scratch dir;
  io_test::put(dir / "a", "one\n\ntwo\r\nthree");
  data::build_token_cache(dir / "c", bytes{}, {dir / "a"}, {.lines = true});
  const data::token_cache c(dir / "c", bytes{});
  CHECK(c.documents() == 3);
  CHECK(c.size() == 11);
  const auto files = corpus(dir);
  const px::tokenizer::byte_bpe bpe = px::tokenizer::load_bpe(PRETEXT_GOLDEN_DIR "/tokenizer/bpe.json");
  data::build_token_cache(dir / "whole", bpe, files, {});
  data::build_token_cache(dir / "cut", bpe, files, {.stretch_bytes = 100});
  const data::token_cache whole(dir / "whole", bpe), cut(dir / "cut", bpe);
  CHECK(whole.documents() == cut.documents());
  // Cut or not, the tokens spell the same text.
  const auto spelled = [&](const data::token_cache& k) {
    std::vector<std::int32_t> ids(static_cast<std::size_t>(k.size()));
    k.read(0, ids);
    std::string text;
    bpe.decode(ids, text);
    return text;
  };
  CHECK(spelled(whole) == spelled(cut));
}

TEST_CASE("token_cache: a vocabulary above 65536 takes four bytes a token", "[data][token_cache]") {
  const scratch dir;
  struct wide : bytes {
    static px::index_t vocabulary_size() { return 70000; }
    static void encode(std::string_view text, std::vector<px::tokenizer::token>& out, cache&) {
      for (std::uint32_t i = 0; i < text.size(); ++i) out.push_back({69000 + text[i], i, i + 1});
    }
  };
  io_test::put(dir / "a", "abc");
  data::build_token_cache(dir / "c", wide{}, {dir / "a"}, {});
  const data::token_cache c(dir / "c", wide{});
  CHECK(c.size() == 3);
  CHECK(c[2] == 69000 + 'c');
}

TEST_CASE("token_cache: a build that was stopped anywhere goes on and gives the same bytes", "[data][token_cache]") {
  const scratch dir;
  const auto files = corpus(dir);
  const data::token_cache_settings s{.separator = 259, .stretch_bytes = 200, .save_every = 500};
  int all = 0;
  stopping counted;
  counted.calls = &all;
  data::build_token_cache(dir / "whole", counted, files, s);
  REQUIRE(all > 50);
  for (const int after : {0, 1, 2, 3, 5, 17, 31, all / 2, all - 2, all - 1}) {
    for (const bool kill : {false, true}) {
      int calls = 0;
      stopping t;
      t.after = after;
      t.kill = kill;
      t.calls = &calls;
      const std::string path = dir / ("c" + std::to_string(after) + (kill ? "k" : "t"));
      if (kill) {
        const pid_t child = ::fork();
        if (child == 0) {
          data::build_token_cache(path, t, files, s);
          ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
      } else {
        CHECK(has(thrown([&] { data::build_token_cache(path, t, files, s); }), "pretext[user.001]"));
      }
      CHECK_FALSE(data_test::there(path));
      calls = 0;
      t.after = 1 << 30;
      data::build_token_cache(path, t, files, s);
      CHECK(content(path) == content(dir / "whole"));
      // What was saved is not done again: states are three stretches apart.
      CHECK(calls <= all - after + 3);
      if (after > 6) CHECK(calls < all - 3);
    }
  }
}

TEST_CASE("token_cache: what another build left is begun anew", "[data][token_cache]") {
  const scratch dir;
  const auto files = corpus(dir);
  int calls = 0;
  stopping t;
  t.after = 20;
  t.calls = &calls;
  thrown([&] { data::build_token_cache(dir / "c", t, files, {.stretch_bytes = 200, .save_every = 500}); });
  REQUIRE(data_test::there(dir / "c.state"));
  data::build_token_cache(dir / "c", stopping{}, files, {.separator = 3});
  data::build_token_cache(dir / "d", stopping{}, files, {.separator = 3});
  CHECK(content(dir / "c") == content(dir / "d"));
  // A partial file that is gone, and a state that is no JSON.
  calls = 0;
  thrown([&] { data::build_token_cache(dir / "e", t, files, {.stretch_bytes = 200, .save_every = 500}); });
  std::filesystem::remove(dir / "e.partial");
  data::build_token_cache(dir / "e", stopping{}, files, {.stretch_bytes = 200, .save_every = 500});
  data::build_token_cache(dir / "f", stopping{}, files, {.stretch_bytes = 200, .save_every = 500});
  CHECK(content(dir / "e") == content(dir / "f"));
  calls = 0;
  thrown([&] { data::build_token_cache(dir / "g", t, files, {.stretch_bytes = 200, .save_every = 500}); });
  io_test::put(dir / "g.state", "{");
  data::build_token_cache(dir / "g", stopping{}, files, {.stretch_bytes = 200, .save_every = 500});
  CHECK(content(dir / "g") == content(dir / "f"));
}

TEST_CASE("token_cache: another tokenizer's, other files', no cache, cut off, damaged: one sentence each", "[data][token_cache]") {
  const scratch dir;
  io_test::put(dir / "a", "some text\n");
  data::build_token_cache(dir / "c", bytes{}, {dir / "a"}, {});
  const px::tokenizer::characters letters("abc");
  CHECK(has(thrown([&] { data::token_cache(dir / "c", letters); }), "pretext[data.111] "));
  CHECK(has(thrown([&] { data::token_cache(dir / "c", letters); }), "was made by another tokenizer than this characters"));
  CHECK(has(thrown([&] { data::token_cache(dir / "a", bytes{}); }), "pretext[data.110]"));
  CHECK(has(thrown([&] { data::token_cache(dir / "nothing", bytes{}); }), "pretext[io.101]"));
  io_test::put(dir / "b", "other text\n");
  CHECK(data::cached_tokens(dir / "c", bytes{}, {dir / "a"}).size() == 10);
  CHECK(has(thrown([&] { data::cached_tokens(dir / "c", bytes{}, {dir / "b"}); }), "pretext[data.116]"));
  CHECK(data::cached_tokens(dir / "new", bytes{}, {dir / "b"}).size() == 11);
  const std::string good = content(dir / "c");
  for (std::size_t n = 0; n < good.size(); ++n) {
    io_test::put(dir / "bad", good.substr(0, n));
    CHECK(has(thrown([&] { data::token_cache(dir / "bad", bytes{}); }), "pretext[data.110]"));
  }
  io_test::put(dir / "bad", good + "x");
  CHECK(has(thrown([&] { data::token_cache(dir / "bad", bytes{}); }), "pretext[data.110]"));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    io_test::put(dir / "bad", bad);
    const std::string what = thrown([&] { data::token_cache(dir / "bad", bytes{}); });
    INFO("bit " << bit);
    CHECK(has(what, "pretext[data.11"));
  }
  io_test::put(dir / "empty", "");
  CHECK(has(thrown([&] { data::build_token_cache(dir / "x", bytes{}, {dir / "empty"}, {}); }), "pretext[data.107]"));
  CHECK(has(thrown([&] { data::build_token_cache(dir / "x", bytes{}, {dir / "a"}, {.separator = 260}); }), "pretext[data.113]"));
}
