// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/io/gzip.hpp"

#include <cstdlib>
#include <string>
#include <vector>

#include "scratch.hpp"
#include "support/catch.hpp"

namespace io = pretext::io;
using io_test::has;
using io_test::put;
using io_test::thrown;
using namespace std::string_literals;

TEST_CASE("gzip: a file that is not compressed is read as it is, whatever its name", "[io][gzip]") {
  io_test::scratch dir;
  for (const std::string& text : {""s, "\x1F"s, "plain"s}) {
    put(dir / "a.gz", text);
    CHECK(io::text_of(io::read_maybe_gzip(dir / "a.gz")) == text);
  }
  put(dir / "a.gz", "12345");
  CHECK(has(thrown([&] { io::read_maybe_gzip(dir / "a.gz", 4); }), "pretext[io.103]"));
  CHECK(has(thrown([&] { io::read_maybe_gzip(dir / "none"); }), "pretext[io.101]"));
}

TEST_CASE("gzip: without zlib one sentence names what is missing", "[io][gzip]") {
  io_test::scratch dir;
  put(dir / "a", "\x1F\x8B\x08");
  const std::string what = thrown([&] { io::read_maybe_gzip<io::detail::no_inflater>(dir / "a"); });
  CHECK(has(what, "pretext[io.501] "));
  CHECK(has(what, "/a: is compressed with gzip and this build has no zlib"));
  put(dir / "a", "plain");
  CHECK(io::read_maybe_gzip<io::detail::no_inflater>(dir / "a").size() == 5);
}

#if PRETEXT_HAS_ZLIB

namespace {

std::string packed(const std::string& text) {
  z_stream z{};
  if (deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out(text.size() + 1000, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}
std::string unpacked(const std::string& file, std::uint64_t max_bytes = 1u << 20) {
  const auto bytes = io::inflate_gzip(io::bytes_of(file), "a.gz", max_bytes);
  return std::string(io::text_of(bytes));
}
std::string refusal(const std::string& file, std::uint64_t max_bytes = 1u << 20) {
  return thrown([&] { unpacked(file, max_bytes); });
}
std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
  return text;
}

}  // namespace

TEST_CASE("gzip: what was packed is unpacked, empty, repetitive and incompressible", "[io][gzip]") {
  io_test::scratch dir;
  for (const std::string& text : {""s, "x"s, std::string(900000, 'a'), noise(300000)}) {
    CHECK(unpacked(packed(text)) == text);
    put(dir / "no_suffix", packed(text));
    CHECK(io::text_of(io::read_maybe_gzip(dir / "no_suffix")) == text);
  }
}

TEST_CASE("gzip: members one after the other are one content", "[io][gzip]") {
  CHECK(unpacked(packed("ab") + packed("") + packed("cd")) == "abcd");
  std::string many, wanted;
  for (int i = 0; i < 3000; ++i) {
    many += packed(std::to_string(i));
    wanted += std::to_string(i);
  }
  CHECK(unpacked(many) == wanted);
  CHECK(unpacked(packed("ab") + std::string(512, '\0')) == "ab");
}

TEST_CASE("gzip: a file cut at any byte is refused", "[io][gzip]") {
  const std::string file = packed("some text, some text") + packed("more");
  const std::size_t first = packed("some text, some text").size();
  for (std::size_t n = 2; n < file.size(); ++n) {
    if (n == first) continue;  // a whole member
    INFO(n);
    const std::string what = refusal(file.substr(0, n));
    REQUIRE(has(what, "pretext[io.502] a.gz: "));
  }
  CHECK(has(refusal(file.substr(0, 12)), "the compressed data are cut off after 12 bytes"));
}

TEST_CASE("gzip: damaged data, wrong checksums and foreign bytes at the end are refused", "[io][gzip]") {
  const std::string file = packed("some text, some text");
  CHECK(has(refusal(file + "xyz"), "3 bytes after the compressed data are not gzip"));
  for (std::size_t at = file.size() - 8; at < file.size(); ++at) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    INFO(at);
    CHECK(has(refusal(damaged), "pretext[io.502] a.gz: the compressed data are damaged near byte"));
  }
  CHECK(has(refusal("\x1F\x8B\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s), "damaged"));
}

TEST_CASE("gzip: a bomb stops at the limit, which is inclusive", "[io][gzip]") {
  const std::string bomb = packed(std::string(1000000, '\0'));
  CHECK(bomb.size() < 2000);
  CHECK(has(refusal(bomb, 999999), "pretext[io.503] a.gz: unpacks to more than the limit of 999999 bytes"));
  CHECK(unpacked(bomb, 1000000).size() == 1000000);
  CHECK(has(refusal(bomb, 0), "io.503"));
  CHECK(unpacked(packed(""), 0).empty());
  CHECK(unpacked(packed("abc"), UINT64_MAX) == "abc");
  CHECK(has(refusal(packed("ab") + packed("cd"), 3), "io.503"));
}

TEST_CASE("gzip: a real data set unpacks to its size", "[io][gzip][data]") {
#if defined(PRETEXT_TEST_DATA)
  const char* const fallback = PRETEXT_TEST_DATA;
#else
  const char* const fallback = "../shared/data";
#endif
  const char* chosen = std::getenv("PRETEXT_DATA");
  const std::string path = std::string(chosen != nullptr ? chosen : fallback) + "/mnist/t10k-images-idx3-ubyte.gz";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: there is no MNIST test set at " << path);
    return;
  }
  const auto bytes = io::read_maybe_gzip(path, 100'000'000);
  CHECK(bytes.size() == 16 + 10000 * 28 * 28);
  CHECK(io::text_of(bytes).substr(0, 8) == "\0\0\x08\x03\0\0\x27\x10"s);
}

#endif
