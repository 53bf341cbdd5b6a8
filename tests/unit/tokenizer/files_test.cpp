// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/tokenizer/files.hpp"

#include "golden.hpp"
#include "pretext/tokenizer/encoding.hpp"
#include "support/catch.hpp"

using namespace pretext::tokenizer;
using namespace tokenizer_test;
using list = std::vector<std::int32_t>;

namespace {
/// A tokenizer.json with some text replaced.
std::string changed(const std::string& name, const std::string& from, const std::string& to) {
  std::string text = read_text(golden(name));
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}
template <class Load>
std::string refusal(const Load& load, const std::string& content, const std::string& name = "tokenizer.json") {
  const scratch dir;
  io_test::put(dir / name, content);
  return thrown([&] { load(dir / name); });
}
const auto as_wordpiece = [](const std::string& path) { load_wordpiece(path); };
const auto as_bpe = [](const std::string& path) { load_bpe(path); };
}  // namespace

TEST_CASE("tokenizer files: what is saved is loaded as the same, from every form", "[tokenizer][files]") {
  const scratch dir;
  const wordpiece w = load_wordpiece(golden("wordpiece.json"));
  save(w, dir / "bert");
  CHECK(load_wordpiece(dir / "bert").digest() == w.digest());
  CHECK(load_wordpiece(dir / "bert/tokenizer.json").digest() == w.digest());
  std::filesystem::remove(dir / "bert/tokenizer.json");
  CHECK(load_wordpiece(dir / "bert").digest() == w.digest());
  CHECK(load_wordpiece(dir / "bert/vocab.txt").digest() == w.digest());
  CHECK(load_wordpiece(dir / "bert").special().mask == 4);

  const byte_bpe b = load_bpe(golden("bpe.json"));
  save(b, dir / "gpt");
  CHECK(load_bpe(dir / "gpt").digest() == b.digest());
  CHECK(load_bpe(dir / "gpt").special().last == 0);
  std::filesystem::remove(dir / "gpt/tokenizer.json");
  CHECK(load_bpe(dir / "gpt").digest() == b.digest());
  CHECK(load_bpe(dir / "gpt/vocab.json", dir / "gpt/merges.txt").digest() == b.digest());
}

TEST_CASE("tokenizer files: tokenizer_config.json says what a vocab.txt does not", "[tokenizer][files]") {
  const scratch dir;
  io_test::put(dir / "vocab.txt", "<pad>\n<unk>\nA\na\n<s>\n</s>\r\n<mask>  \n\xC3\xA9");
  io_test::put(dir / "tokenizer_config.json",
               R"({"do_lower_case":false,"unk_token":"<unk>","pad_token":{"content":"<pad>"},"cls_token":"<s>","sep_token":"</s>","mask_token":"<mask>"})");
  const wordpiece t = load_wordpiece(dir / "");
  CHECK(ids_of(t, "A a<mask> \xC3\xA9") == list{2, 3, 6, 7});
  encoder<wordpiece> encode(t);
  CHECK(encode("a").ids == list{4, 3, 5});
  CHECK(t.special().padding == 0);
}

TEST_CASE("tokenizer files: what would change ids is refused by name", "[tokenizer][files]") {
  const auto w = [](const char* from, const char* to) { return refusal(as_wordpiece, changed("wordpiece.json", from, to)); };
  CHECK(has(w("\"BertNormalizer\"", "\"NFKC\""), "tokenizer.json: the normalizer \"NFKC\" (BertNormalizer is known), which is not supported here"));
  CHECK(has(w("\"BertPreTokenizer\"", "\"Whitespace\""), "pretext[tokenizer.009]"));
  CHECK(has(w("\"clean_text\"", "\"clean\""), "the normalizer has the key \"clean\""));
  CHECK(has(w("\"TemplateProcessing\"", "\"Other\""), "the post_processor \"Other\""));
  CHECK(has(w("\"single_word\": false", "\"single_word\": true"), "has single_word"));
  CHECK(has(w("\"normalized\": false", "\"normalized\": true"), "matched in normalised text"));
  CHECK(has(w("\"version\": \"1.0\"", "\"version\": \"2.0\""), "version \"2.0\""));
  CHECK(has(w("\"cleanup\": true", "\"cleanup\": false"), "without cleanup"));
  CHECK(has(w("\"type\": \"WordPiece\",\n    \"unk", "\"type\": \"Unigram\",\n    \"unk"), "the model \"Unigram\" (WordPiece is known)"));
  const auto b = [](const char* from, const char* to) { return refusal(as_bpe, changed("bpe.json", from, to)); };
  CHECK(has(b("\"dropout\": null", "\"dropout\": 0.1"), "the model's dropout"));
  CHECK(has(b("\"byte_fallback\": false", "\"byte_fallback\": true"), "the model's byte_fallback"));
  CHECK(has(b("\"end_of_word_suffix\": null", "\"end_of_word_suffix\": \"</w>\""), "the model's end_of_word_suffix \"</w>\""));
  CHECK(has(b("\"use_regex\": true", "\"use_regex\": false"), "without use_regex"));
  CHECK(has(b("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}"), "the normalizer \"NFC\""));
  CHECK(has(thrown([] { load_bpe(golden("wordpiece.json")); }), "the model \"WordPiece\" (BPE is known)"));
}

TEST_CASE("tokenizer files: old merges, RoBERTa's frame and BertProcessing are read", "[tokenizer][files]") {
  const scratch dir;
  std::string text = changed("bpe.json", "\"post_processor\": null",
                             R"("post_processor": {"type":"RobertaProcessing","sep":["</s>",2],"cls":["<s>",0],"trim_offsets":true,"add_prefix_space":false})");
  io_test::put(dir / "a.json", text);
  const byte_bpe t = load_bpe(dir / "a.json");
  encoder<byte_bpe> encode(t);
  CHECK(encode("a", "b").ids == list{0, ids_of(t, "a")[0], 2, 2, ids_of(t, "b")[0], 2});
  const byte_bpe again = [&] {
    io_test::put(dir / "b.json", tokenizer_json(t));
    return load_bpe(dir / "b.json");
  }();
  CHECK(again.digest() == t.digest());
  CHECK(again.frame().pair.size() == 6);
}

TEST_CASE("tokenizer files: damaged ones are one sentence each", "[tokenizer][files]") {
  CHECK(has(refusal(as_wordpiece, "", "vocab.txt"), "vocab.txt: the vocabulary is empty"));
  CHECK(has(refusal(as_wordpiece, "[UNK]\n\xFF\n", "vocab.txt"), "vocab.txt, line 2: not valid UTF-8"));
  CHECK(has(refusal(as_wordpiece, "a\nb\n[CLS]\n[SEP]\n", "vocab.txt"), "pretext[tokenizer.002] the vocabulary has no unknown token"));
  CHECK(has(refusal(as_wordpiece, "a\n[UNK]\n", "vocab.txt"), "pretext[tokenizer.004] the vocabulary has no [CLS] token"));
  CHECK(has(refusal(as_wordpiece, "{\"model\":"), "pretext[io.201]"));
  CHECK(has(refusal(as_wordpiece, "{}"), "the model \"null\""));
  const scratch dir;
  io_test::put(dir / "v.json", R"({"a":0,"b":0})");
  CHECK(has(thrown([&] { read_vocabulary_json(dir / "v.json"); }), "v.json: the tokens \"a\" and \"b\" have the same id 0"));
  for (const char* bad : {R"({"a":-1})", R"({"a":1.5})", R"({"a":"1"})", R"({"a":16777216})", R"({"a":99999999999999999999})"}) {
    io_test::put(dir / "v.json", bad);
    CHECK(has(thrown([&] { read_vocabulary_json(dir / "v.json"); }), "the token \"a\" has an id that is no integer from 0 to 16777215"));
  }
  for (const char* bad : {"a b\nab\n", "a b\na b c\n", "a b\n\n", "a b\n b\n", "a b\na \n"}) {
    io_test::put(dir / "m.txt", std::string("#version: 0.2\n") + bad);
    CHECK(has(thrown([&] { read_merges(dir / "m.txt"); }), "m.txt, merge 2: not two parts with one space between them"));
  }
  CHECK(has(thrown([&] { load_bpe(dir / "nothing"); }), "pretext[io.101]"));
  CHECK(has(thrown([&] { load_wordpiece(dir / "nothing"); }), "pretext[io.101]"));
}

TEST_CASE("tokenizer files: an added token takes the white space beside it, the longest of several counts", "[tokenizer][files]") {
  const added_tokens added({{.id = 1, .content = "<m>", .lstrip = true, .rstrip = true}, {.id = 2, .content = "<m>x"}, {.id = 3, .content = "<n>", .normalized = true},
                            {.id = 4, .content = "n><m"}});
  std::vector<token> out;
  std::vector<std::pair<std::size_t, std::size_t>> plain;
  added.split("a \xE3\x80\x80<m> \n<m>xb<n><m>", out, [&](std::size_t b, std::size_t e) { plain.push_back({b, e}); });
  // "n><m" is matched first, in the raw text; what is left of "<n>" is no token.
  CHECK(out == std::vector<token>{{1, 1, 10}, {2, 10, 14}, {4, 16, 20}});
  CHECK(plain == std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}, {14, 16}, {20, 21}});
}
