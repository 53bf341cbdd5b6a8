// SPDX-License-Identifier: BSD-3-Clause
#include "../../../include/pretext/report/progress_bar.hpp"

#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace report = pretext::report;

namespace {

struct fake {
  std::string text;
  int writes = 0;
  double time = 100;

  report::progress_options options(report::progress_mode mode, int width = 60) {
    report::progress_options o;
    o.mode = mode;
    o.width = width;
    o.unicode = report::toggle::on;
    o.sink = [this](std::string_view t) {
      text += t;
      ++writes;
    };
    o.clock = [this] { return time; };
    return o;
  }
};

struct step_report {
  std::uint64_t step = 0, steps_total = 0, epoch = 1, epochs = 20;
  float loss = 1.2345678f, learning_rate = 0.1f, gradient_norm = 1, embedding_std = 0.1f;
  double samples_per_second = 0, seconds = 0;
};

struct run_info {
  std::uint64_t step = 0, steps_total = 0;
};

int count(const std::string& text, const std::string& what) {
  int n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

}  // namespace

TEST_CASE("progress_bar: the bar is the expected text", "[report][progress_bar]") {
  fake f;
  report::progress_bar bar(f.options(report::progress_mode::bar, 80));
  bar.on_start(run_info{0, 1000});
  CHECK(f.text == "\r  0%|" + std::string(49, ' ') + "| 0/1000 [00:00<?, ?it/s]");
  f.text.clear();
  f.time += 31;
  step_report r;
  r.step = 420, r.steps_total = 1000, r.epoch = 3;
  bar.on_step(r);
  CHECK(f.text == "\repoch 3/20:  42%|██████▋         | 420/1000 [00:31<00:42, 13.5it/s, loss=1.235]");
  f.text.clear();
  f.time += 43;
  r.step = 1000, r.epoch = 20, r.samples_per_second = 3456;
  bar.on_step(r);
  CHECK(f.text == "\repoch 20/20: 100%|██████████████| 1000/1000 [01:14<00:00, 13.5it/s, loss=1.235]");
  f.text.clear();
  bar.on_end();
  CHECK(f.text == "\repoch 20/20: 100%|██████████████| 1000/1000 [01:14<00:00, 13.5it/s, loss=1.235]\n");
}

TEST_CASE("progress_bar: a wide terminal also shows the samples per second", "[report][progress_bar]") {
  fake f;
  auto o = f.options(report::progress_mode::bar, 120);
  o.unicode = report::toggle::off;
  report::progress_bar bar(std::move(o));
  bar.on_start(run_info{0, 4});
  f.time += 2;
  f.text.clear();
  step_report r;
  r.step = 2, r.steps_total = 4, r.samples_per_second = 3456.4, r.epochs = 0;
  bar.on_step(r);
  CHECK(f.text == "\repoch 1:  50%|" + std::string(24, '#') + std::string(24, ' ') +
                      "| 2/4 [00:02<00:02, 1.00it/s, loss=1.235, 3456 samples/s]");
}

TEST_CASE("progress_bar: steps slower than a second are shown as seconds per step", "[report][progress_bar]") {
  fake f;
  report::progress_bar bar(f.options(report::progress_mode::bar, 80));
  bar.on_start(run_info{0, 100});
  f.time += 30;
  step_report r;
  r.step = 10, r.steps_total = 100;
  bar.on_step(r);
  CHECK(f.text.find("[00:30<04:30, 3.00s/it") != std::string::npos);
}

TEST_CASE("progress_line: every redraw covers the one before and leaves the last column free", "[report][progress_bar]") {
  for (int width : {2, 3, 5, 20, 40, 61, 80, 200}) {
    fake f;
    report::progress_line line(f.options(report::progress_mode::bar, width));
    line.label("epoch 1/2");
    line.start(50);
    for (std::uint64_t i = 1; i <= 50; ++i) {
      f.time += 1;
      line.update(i, i % 2 != 0 ? "loss=1.2, a=b" : "");
    }
    line.finish();
    int previous = 0;
    std::string screen = f.text.substr(0, f.text.size() - 1);
    CHECK(f.text.back() == '\n');
    std::size_t at = 0;
    while (at < screen.size()) {
      REQUIRE(screen[at] == '\r');
      const auto next = screen.find('\r', at + 1);
      const int shown = report::detail::display_width(screen.substr(at + 1, next == std::string::npos ? next : next - at - 1));
      REQUIRE(shown <= width - 1);
      REQUIRE(shown >= (previous < width - 1 ? 0 : width - 1));
      previous = shown;
      if (next == std::string::npos) break;
      at = next;
    }
  }
}

TEST_CASE("progress_line: at most ten redraws a second", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::bar));
  line.start(1000000);
  for (std::uint64_t i = 1; i <= 10000; ++i) {
    f.time += 0.001;
    line.update(i);
  }
  CHECK(f.writes <= 101);
  CHECK(f.writes >= 90);
  line.update(1000000);  // the last step is always shown
  CHECK(f.text.find("100%|") != std::string::npos);
}

TEST_CASE("progress_line: an unknown total shows no percentage and no remaining time", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::bar));
  line.label("epoch 1");
  line.start(0);
  f.time += 10;
  f.text.clear();
  line.update(420, "loss=1.2");
  CHECK(f.text == "\repoch 1: 420it [00:10, 42.0it/s, loss=1.2]");
  line.finish();
  CHECK(f.text.back() == '\n');
}

TEST_CASE("progress_line: 100 % is not shown before the last step", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::bar));
  line.start(100000);
  f.time += 10;
  line.update(99999);
  CHECK(f.text.find(" 99%|") != std::string::npos);
  CHECK(f.text.find("100%") == std::string::npos);
}

TEST_CASE("progress_line: more steps than promised do not overflow", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::bar));
  line.start(10);
  f.time += 10;
  line.update(15);
  CHECK(f.text.find("150%|") != std::string::npos);
  CHECK(f.text.find("15/10 [00:10<00:00") != std::string::npos);
}

TEST_CASE("progress_line: a resumed run counts its rate from where it resumed", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::bar, 80));
  line.start(1000, 900);
  CHECK(f.text.find(" 90%|") != std::string::npos);
  f.time += 5;
  line.update(950);
  CHECK(f.text.find("950/1000 [00:05<00:05, 10.0it/s]") != std::string::npos);
}

TEST_CASE("progress_line: plain mode prints a line each tenth and no control characters", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::plain));
  line.label("epoch 1/1");
  line.start(50);
  CHECK(f.text.empty());
  for (std::uint64_t i = 1; i <= 50; ++i) {
    f.time += 1;
    line.update(i, "loss=2");
  }
  line.finish();
  CHECK(count(f.text, "\n") == 10);
  CHECK(f.text.find('\r') == std::string::npos);
  CHECK(f.text.find('\x1b') == std::string::npos);
  CHECK(f.text.substr(0, f.text.find('\n')) == "epoch 1/1: 10% 5/50 [00:05<00:45, 1.00it/s, loss=2]");
  CHECK(f.text.find("epoch 1/1: 100% 50/50 [00:50<00:00, 1.00it/s, loss=2]\n") != std::string::npos);
}

TEST_CASE("progress_line: plain lines of a short run are a second apart", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::plain));
  line.start(1000);
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    f.time += 0.002;
    line.update(i);
  }
  line.finish();
  CHECK(count(f.text, "\n") <= 3);
  CHECK(f.text.find("100% 1000/1000") != std::string::npos);
}

TEST_CASE("progress_line: plain lines of a long run thin out", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::plain));
  line.start(0);
  for (std::uint64_t i = 1; i <= 36000; ++i) {  // ten hours
    f.time += 1;
    line.update(i);
  }
  line.finish();
  CHECK(count(f.text, "\n") >= 100);  // never silent for more than 5 minutes
  CHECK(count(f.text, "\n") <= 170);
}

TEST_CASE("progress_line: a sink is no terminal, so the automatic mode is plain and without colour", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::automatic));
  line.start(10);
  f.time += 60;
  line.update(10);
  line.finish();
  CHECK(f.text == "100% 10/10 [01:00<00:00, 6.00s/it]\n");
}

TEST_CASE("progress_line: a run that stops early ends with its last state", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::plain));
  line.start(1000);
  f.time += 0.5;
  line.update(7);
  line.finish();
  CHECK(f.text == "0% 7/1000 [00:00<01:10, 14.0it/s]\n");
}

TEST_CASE("progress_line: quiet prints nothing", "[report][progress_bar]") {
  for (auto mode : {report::progress_mode::bar, report::progress_mode::plain, report::progress_mode::automatic}) {
    fake f;
    auto o = f.options(mode);
    o.quiet = true;
    {
      report::progress_line line(std::move(o));
      line.start(10);
      f.time += 60;
      line.update(5, "loss=1");
      line.message("hello");
    }
    CHECK(f.writes == 0);
  }
}

TEST_CASE("progress_line: colour wraps the filled cells only", "[report][progress_bar]") {
  fake f;
  auto o = f.options(report::progress_mode::bar, 41);
  o.colour = report::toggle::on;
  report::progress_line line(std::move(o));
  line.start(2);
  f.time += 1;
  f.text.clear();
  line.update(1);
  CHECK(f.text == "\r 50%|\x1b[36m███\x1b[39m   | 1/2 [00:01<00:01, 1.00it/s]");
}

TEST_CASE("progress_line: a message stands above the bar", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::bar, 40));
  line.start(2);
  f.text.clear();
  line.message("saved");
  CHECK(f.text.substr(0, 48) == "\r" + std::string(39, ' ') + "\rsaved\n\r");
  CHECK(f.text.substr(48, 5) == "  0%|");
}

TEST_CASE("progress_line: an exception's message starts on its own line", "[report][progress_bar]") {
  fake f;
  {
    report::progress_line line(f.options(report::progress_mode::bar));
    line.start(2);
    report::progress_line moved(std::move(line));
  }
  CHECK(f.text.back() == '\n');
  CHECK(count(f.text, "\n") == 1);
}

TEST_CASE("progress_line: control characters in labels and notes do not reach the terminal", "[report][progress_bar]") {
  fake f;
  report::progress_line line(f.options(report::progress_mode::plain));
  line.label("a\x1b[2Jb\nc");
  line.start(1);
  f.time += 60;
  line.update(1, "x\ry");
  CHECK(f.text.find('\x1b') == std::string::npos);
  CHECK(f.text.find('\r') == std::string::npos);
  CHECK(count(f.text, "\n") == 1);
}

TEST_CASE("progress_line: writes to a FILE, which is no terminal", "[report][progress_bar]") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  report::progress_options o;
  o.stream = file;
  double time = 0;
  o.clock = [&time] { return time; };
  {
    report::progress_line line(std::move(o));
    line.start(2);
    time = 20;
    line.update(2);
    line.finish();
  }
  std::rewind(file);
  char buffer[100] = {};
  const auto n = std::fread(buffer, 1, sizeof buffer, file);
  std::fclose(file);
  CHECK(std::string(buffer, n) == "100% 2/2 [00:20<00:00, 10.0s/it]\n");
}

TEST_CASE("progress_bar: an info without a total leaves it to the first report", "[report][progress_bar]") {
  fake f;
  struct nothing {};
  report::progress_bar bar(f.options(report::progress_mode::plain));
  bar.on_start(nothing{});
  step_report r;
  r.step = 5, r.steps_total = 10;
  bar.on_step(r);
  bar.on_end();
  CHECK(f.text.find("50% 5/10") != std::string::npos);
}

TEST_CASE("progress_bar: a loss that is not a number is printed as such", "[report][progress_bar]") {
  fake f;
  report::progress_bar bar(f.options(report::progress_mode::plain));
  step_report r;  // without on_start: the first report tells the total
  r.step = 1, r.steps_total = 1, r.loss = std::numeric_limits<float>::quiet_NaN();
  bar.on_step(r);
  CHECK(f.text.find("loss=nan]") != std::string::npos);
  bar.on_epoch(r);
  bar.on_end(r);
  CHECK(count(f.text, "\n") == 1);
}

TEST_CASE("text: the display width counts columns, not bytes", "[report][text]") {
  using namespace pretext::report::detail;
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("é") == 1);
  CHECK(display_width("e\xCC\x81") == 1);  // combining acute
  CHECK(display_width("█▏") == 2);
  CHECK(display_width("猫") == 2);
  CHECK(display_width("🙂") == 2);
  CHECK(display_width("\xff\xfe") == 2);  // invalid bytes, one replacement character each
  CHECK(cut_to_width("猫猫", 3) == "猫");
  CHECK(cut_to_width("abc", 0).empty());
}

TEST_CASE("text: code points are read back as they were written, and bad UTF-8 never is", "[report][text]") {
  using namespace pretext::report::detail;
  for (char32_t c : {U'a', U'\u007f', U'\u0080', U'\u07ff', U'\u0800', U'\uffff', U'\U00010000', U'\U0010ffff'}) {
    std::string s;
    append_utf8(s, c);
    std::string_view view = s;
    CHECK(next_code_point(view) == c);
    CHECK(view.empty());
  }
  for (std::string bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xF8"}) {
    std::string_view view = bad;
    CHECK(next_code_point(view) == U'\uFFFD');
    CHECK(view.size() == bad.size() - 1);
  }
}

TEST_CASE("number: texts are as expected and independent of the locale", "[report][number]") {
  using namespace pretext::report::detail;
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(0.1f) == "0.1");
  CHECK(fixed(2.5, 2) == "2.50");
  CHECK(fixed(-0.001, 2) == "0.00");
  CHECK(fixed(-0.1, 1) == "-0.1");
  CHECK(fixed(std::numeric_limits<double>::infinity(), 1) == "inf");
  CHECK(significant(0.00001, 3) == "1e-5");
  CHECK(significant(1.5e9, 3) == "1.5e9");
  CHECK(significant(0.1234567, 4) == "0.1235");
  CHECK(significant(-1e-300, 3) == "-1e-300");
  CHECK(three_digits(13.42) == "13.4");
  CHECK(three_digits(0) == "0.00");
  CHECK(three_digits(9.999) == "10.0");
  CHECK(three_digits(1e-5) == "1e-5");
  CHECK(short_count(950) == "950");
  CHECK(short_count(12000) == "12k");
  CHECK(short_count(2500000) == "2.5M");
  CHECK(short_count(-12000) == "-12k");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(duration(31) == "00:31");
  CHECK(duration(3723) == "1:02:03");
  CHECK(duration(-1) == "?");
  CHECK(duration(std::numeric_limits<double>::quiet_NaN()) == "?");
}
