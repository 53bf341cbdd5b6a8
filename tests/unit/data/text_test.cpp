// SPDX-License-Identifier: BSD-3-Clause
#include "pretext/data/text.hpp"

#include "scratch.hpp"
#include "support/catch.hpp"

namespace data = pretext::data;
using data_test::has;
using data_test::real_data;
using data_test::scratch;
using data_test::there;
using data_test::thrown;
using texts = std::vector<std::string>;
using table = std::vector<texts>;

namespace {
std::string csv_refusal(std::string_view text, const data::csv_settings& s = {}) {
  return thrown([&] { data::parse_csv(text, "f.csv", s); });
}
}  // namespace

TEST_CASE("parse_csv: fields in quotes hold separators, line ends and quotes", "[data][text]") {
  const data::text_table t = data::parse_csv("\xEF\xBB\xBF" "text,label\r\n\"a, b\",1\n\"he said \"\"no\"\"\",2\n\"two\nlines\",\"\"\n,\n\n x , y ", "f.csv");
  CHECK(t.columns == texts{"text", "label"});
  CHECK(t.rows == table{{"a, b", "1"}, {"he said \"no\"", "2"}, {"two\nlines", ""}, {"", ""}, {" x ", " y "}});
  CHECK(t.column("label") == 1);
  CHECK(has(thrown([&] { t.column("x"); }), "pretext[data.103] f.csv: there is no column \"x\"; there are text, label"));
  CHECK(data::parse_csv("a,b\r\n", "f", {.header = false}).rows == table{{"a", "b"}});
  CHECK(data::parse_csv("a,b", "f", {.header = false}).columns == texts{"0", "1"});
  CHECK(data::parse_csv("a,", "f", {.header = false}).rows == table{{"a", ""}});
  CHECK(data::parse_csv("\"\"", "f", {.header = false}).rows == table{{""}});
  CHECK(data::parse_csv("a\tsays \"b\"\n", "f", {.separator = '\t', .header = false, .quotes = false}).rows == table{{"a", "says \"b\""}});
  CHECK(data::parse_csv("a\rb,c\n", "f", {.header = false}).rows == table{{"a\rb", "c"}});
}

TEST_CASE("parse_csv: what is wrong is named with its line", "[data][text]") {
  CHECK(has(csv_refusal("a,b\n1,2\n\"x\ny\",2\n1\n"), "pretext[data.102] f.csv, line 5: 1 fields where 2 are wanted"));
  CHECK(has(csv_refusal("a,b\n1,2,3\n"), "line 2: 3 fields where 2"));
  CHECK(has(csv_refusal("a,b\n1,\"2\n\n"), "pretext[data.101] f.csv, line 2: the quotes that open here are never closed"));
  CHECK(has(csv_refusal("a,b\n1,2\"3\n"), "pretext[data.101] f.csv, line 2: quotes in a field"));
  CHECK(has(csv_refusal("a,b\n1,\"2\"3\n"), "pretext[data.101] f.csv, line 2: text follows the closing quotes"));
  CHECK(has(csv_refusal("a\nb\xFF\n"), "pretext[data.100] f.csv, line 2: byte 3 is not UTF-8"));
  CHECK(has(csv_refusal(""), "pretext[data.107] f.csv: holds no row"));
  CHECK(has(csv_refusal("\n\r\n"), "pretext[data.107]"));
  CHECK_NOTHROW(data::parse_csv("a\n" + std::string(5'000'000, 'x'), "f"));
}

TEST_CASE("parse_jsonl: named members of every line", "[data][text]") {
  const data::text_table t = data::parse_jsonl("{\"text\":\"a\\n\\u00e9\",\"n\":3,\"x\":[1]}\r\n\n{\"n\":null,\"text\":\"b\"}", "f.jsonl", {"n", "text"});
  CHECK(t.rows == table{{"3", "a\n\xC3\xA9"}, {"", "b"}});
  const auto refusal = [](std::string_view text) { return thrown([&] { data::parse_jsonl(text, "f.jsonl", {"text"}); }); };
  CHECK(has(refusal("{\"text\":\"a\"}\n{\"text\":}\n"), "pretext[io.202] f.jsonl, line 2, byte 8"));
  CHECK(has(refusal("{\"text\":\"a\"}\n[1]\n"), "pretext[data.104] f.jsonl, line 2: is an array, not an object"));
  CHECK(has(refusal("{\"t\":\"a\"}"), "pretext[data.104] f.jsonl, line 1: the member \"text\" is missing"));
  CHECK(has(refusal("{\"text\":1.5}"), "the member \"text\" is a number with a fraction"));
  CHECK(has(refusal("{\"text\":\"\xC3\"}"), "pretext[data.100] f.jsonl, line 1"));
  CHECK(has(refusal("\n \n"), "pretext[data.107]"));
}

TEST_CASE("labelled: classes are numbered in the order of their names, or as given", "[data][text]") {
  const data::text_table t = data::parse_csv("text,label\nx,b\ny,a\nz,b\n", "f.csv");
  const data::labelled_texts l = data::labelled(t, "text", "label");
  CHECK(l.texts == texts{"x", "y", "z"});
  CHECK(l.classes == texts{"a", "b"});
  CHECK(l.labels == std::vector<std::int32_t>{1, 0, 1});
  CHECK(data::labelled(t, "text", "label", {"b", "c", "a"}).labels == std::vector<std::int32_t>{0, 2, 0});
  CHECK(has(thrown([&] { data::labelled(t, "text", "label", {"a"}); }), "pretext[data.108] f.csv: the class \"b\" is not among the 1 classes"));
}

TEST_CASE("texts: files of a folder in the order of their paths, lines with and without empty ones", "[data][text]") {
  const scratch dir;
  std::filesystem::create_directories(dir / "in/deep");
  io_test::put(dir / "in/b.txt", "two\r\n\nlines");
  io_test::put(dir / "in/a.txt", "\xEF\xBB\xBFone");
  io_test::put(dir / "in/deep/c.txt", "");
  io_test::put(dir / "in/d.md", "no");
  io_test::put(dir / "in/.e.txt", "no");
  CHECK(data::read_texts(dir / "in") == texts{"one", "two\r\n\nlines", ""});
  CHECK(data::read_lines(dir / "in/b.txt") == texts{"two", "", "lines"});
  CHECK(data::read_lines(dir / "in/b.txt", false) == texts{"two", "lines"});
  CHECK(data::read_texts(dir / "in/d.md") == texts{"no"});
  CHECK(has(thrown([&] { data::text_files(dir / "in/deep", ".md"); }), "pretext[data.107]"));
  CHECK(has(thrown([&] { data::text_files(dir / "none"); }), "pretext[data.006]"));
  io_test::put(dir / "in/b.txt", "a\nb\nc\x80");
  CHECK(has(thrown([&] { data::read_text(dir / "in/b.txt"); }), "b.txt, line 3: byte 5 is not UTF-8"));
}

TEST_CASE("parse_conllu: words with ten columns; ranges and empty nodes are left out", "[data][text]") {
  const std::string good =
      "# text = vamonos a\n1-2\tvamonos\t_\t_\t_\t_\t_\t_\t_\t_\n1\tvamos\tir\tVERB\t_\tMood=Imp\t0\troot\t_\t_\n2\tnos\tnos\tPRON\t_\t_\t1\tobj\t_\t_\n"
      "2.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n3\ta\ta\tADP\t_\t_\t_\t_\t_\t_\n\n1\tb\tb\tNOUN\t_\t_\t0\troot\t_\t_";
  const auto sentences = data::parse_conllu(good, "f.conllu");
  REQUIRE(sentences.size() == 2);
  CHECK(sentences[0].words == texts{"vamos", "nos", "a"});
  CHECK(sentences[0].tags == texts{"VERB", "PRON", "ADP"});
  CHECK(sentences[0].features[0] == "Mood=Imp");
  CHECK(sentences[0].heads == std::vector<std::int32_t>{0, 1, -1});
  CHECK(sentences[1].relations == texts{"root"});
  const auto refusal = [](std::string_view text) { return thrown([&] { data::parse_conllu(text, "f.conllu"); }); };
  CHECK(has(refusal("1\ta\tb\n"), "pretext[data.105] f.conllu, line 1: 3 columns where ten are wanted"));
  CHECK(has(refusal("2\ta\ta\tX\t_\t_\t0\tr\t_\t_\n"), "line 1: the id 2 where 1 is wanted"));
  CHECK(has(refusal("x\ta\ta\tX\t_\t_\t0\tr\t_\t_\n"), "the id \"x\" is no number"));
  CHECK(has(refusal("# c\n1\ta\ta\tX\t_\t_\t2\tr\t_\t_\n"), "line 2: the head 2 of word 1 is outside its sentence"));
  CHECK(has(refusal("# nothing\n\n"), "pretext[data.107]"));
}

TEST_CASE("parse_squad: answers are places in bytes", "[data][text]") {
  const std::string good = R"({"version":"1.1","data":[{"title":"T","paragraphs":[{"context":"né là?","qas":[
      {"id":"q1","question":"where","answers":[{"text":"là","answer_start":3}]},
      {"id":7,"question":"none","is_impossible":true,"answers":[]}]}]}]})";
  const data::question_set s = data::parse_squad(good, "f.json");
  REQUIRE(s.questions.size() == 2);
  CHECK(s.contexts[0] == "n\xC3\xA9 l\xC3\xA0?");
  CHECK(s.questions[0].answers[0].begin == 4);
  CHECK(s.questions[0].answers[0].end == 7);
  CHECK(s.questions[0].title == "T");
  CHECK(s.questions[1].id == "7");
  CHECK(s.questions[1].answers.empty());
  const auto at = [&](const char* from, const char* to) {
    std::string bad = good;
    bad.replace(bad.find(from), std::string_view(from).size(), to);
    return thrown([&] { data::parse_squad(bad, "f.json"); });
  };
  CHECK(has(at("\"answer_start\":3", "\"answer_start\":2"), "pretext[data.106] f.json: the answer \"l\xC3\xA0\" of question q1 does not stand at character 2"));
  for (const char* bad : {"-1", "99", "6", "9223372036854775807"}) CHECK(has(at(":3}", (":" + std::string(bad) + "}").c_str()), "pretext[data.106]"));
  CHECK(has(at("\"context\"", "\"contest\""), "pretext[io.213]"));
  CHECK(has(thrown([] { data::parse_squad(R"({"data":[]})", "f.json"); }), "pretext[data.107]"));
}

TEST_CASE("text readers: a text cut at any byte is refused or read, and never crashes", "[data][text]") {
  const std::string csv = "a,b\n\"1,\"\"2\",\xC3\xA9\n3,4\n";
  const std::string squad = R"({"data":[{"paragraphs":[{"context":"ab","qas":[{"id":"1","question":"q","answers":[{"text":"b","answer_start":1}]}]}]}]})";
  for (std::size_t n = 0; n < csv.size(); ++n) thrown([&] { data::parse_csv(csv.substr(0, n), "f"); });
  for (std::size_t n = 0; n < squad.size(); ++n) CHECK(has(thrown([&] { data::parse_squad(squad.substr(0, n), "f"); }), "pretext["));
}

TEST_CASE("text readers: the real data sets are read whole", "[data][text]") {
  const std::string at = real_data();
  if (!there(at + "/xquad_en")) {
    WARN("no real data: set PRETEXT_DATA to its folder");
    return;
  }
  const data::labelled_texts train = data::labelled(data::read_csv(at + "/banking77/train.csv"), "text", "category");
  CHECK(train.size() == 10003);
  CHECK(train.classes.size() == 77);
  CHECK(data::labelled(data::read_csv(at + "/banking77/test.csv"), "text", "category", train.classes).size() == 3080);
  std::size_t words = 0;
  const auto sentences = data::read_conllu(at + "/ud_english_ewt/en_ewt-ud-dev.conllu");
  for (const auto& s : sentences) words += s.words.size();
  CHECK(sentences.size() == 2001);
  CHECK(words == 25147);
  const data::question_set questions = data::read_squad(at + "/xquad_en/xquad.en.json");
  CHECK(questions.questions.size() == 1190);
  CHECK(questions.contexts.size() == 240);
  CHECK(data::text_files(at + "/sotu").size() == 233);
}
