// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/error.hpp"
#include "../core/list.hpp"
#include "../core/view_of.hpp"
#include "../io/file.hpp"
#include "../io/json_reader.hpp"
#include "../io/json_writer.hpp"

namespace pretext::report {

/// One line of a log as numbers; what the line does not have, or has as null, is NaN (0 for step and epoch).
struct log_record {
  std::string event;
  std::uint64_t step = 0, epoch = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();
  double learning_rate = loss, gradient_norm = loss, embedding_std = loss, samples_per_second = loss, seconds = loss;
};

namespace detail {

PRETEXT_COLD inline double read_number(io::json::reader& reader) {
  if (reader.peek() == io::json::kind::null) {
    reader.null();
    return std::numeric_limits<double>::quiet_NaN();
  }
  const std::string_view text = reader.number().text;
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

PRETEXT_COLD inline log_record parse_log_line(std::string_view line, const std::string& name) {
  log_record record;
  io::json::reader reader(line, name);
  std::string key;
  reader.begin_object();
  while (reader.next_member(key)) {
    const io::json::kind kind = reader.peek();
    if (kind == io::json::kind::string) {
      std::string text;
      reader.string(text);
      if (key == "event") record.event = text;
    } else if (kind == io::json::kind::boolean) {
      reader.boolean();
    } else {
      const double value = read_number(reader);  // a list or an object is none of ours: io.202
      const auto whole = [value] { return value > 0 && value < 1e18 ? static_cast<std::uint64_t>(value) : 0; };
      if (key == "step") record.step = whole();
      if (key == "epoch") record.epoch = whole();
      if (key == "loss") record.loss = value;
      if (key == "learning_rate") record.learning_rate = value;
      if (key == "gradient_norm") record.gradient_norm = value;
      if (key == "embedding_std") record.embedding_std = value;
      if (key == "samples_per_second") record.samples_per_second = value;
      if (key == "seconds") record.seconds = value;
    }
  }
  reader.finish();
  return record;
}

/// Calls visit(record, line with its newline) for every whole line. What follows the last newline was cut off by a crash.
template <class Visit>
void for_each_log_line(std::string_view text, const std::string& path, Visit&& visit) {
  std::size_t number = 1;
  for (std::size_t from = 0, end; (end = text.find('\n', from)) != std::string_view::npos; from = end + 1, ++number) {
    const std::string_view line = text.substr(from, end - from);
    log_record record;
    try {
      record = parse_log_line(line, path + " line " + std::to_string(number));
    } catch (const error& reason) {
      throw_error("report.103", {path, " line ", number, " is no line of a training log (", reason.what(),
          "); name another log file, or move this one away"});
    }
    visit(record, text.substr(from, end - from + 1));
  }
}

}  // namespace detail

/// All whole lines of a log.
/// errors  report.103 a line that is none of a log; io.101-104 reading
PRETEXT_COLD inline std::vector<log_record> read_jsonl_log(const std::string& path) {
  const std::vector<std::byte> bytes = io::read_file(path);
  std::vector<log_record> records;
  detail::for_each_log_line(io::text_of(view_of(bytes)), path, [&](const log_record& r, std::string_view) { records.push_back(r); });
  return records;
}

/// A log of one JSON object a line, for other programs: pandas.read_json(path, lines=True).
///   {"event":"step","step":7,"epoch":1,"loss":1.23,"learning_rate":0.1,"gradient_norm":0.5,"embedding_std":0.09,...}
/// Each line reaches the file before the step ends. NaN and infinities are null. A run that starts at step 0 begins a new
/// file; a resumed one keeps the lines up to its step and drops those of steps that are done again, and half a line at
/// the end. Copies share the file.
/// errors  report.101 cannot be opened, report.102 cannot be written (the file then ends with the last whole line),
///         report.103 the file to resume is no log
class jsonl_log {
 public:
  explicit jsonl_log(std::string path) : path_(std::move(path)), file_(std::make_shared<open_file>()) {}

  const std::string& path() const { return path_; }

  /// Opens the file for a run that has finished so many steps; the callbacks do this themselves.
  PRETEXT_COLD void open(std::uint64_t finished_steps = 0) {
    file_->close();
    if (finished_steps > 0) drop_after(finished_steps);
    io::detail::check_path(path_);
    file_->stream = std::fopen(path_.c_str(), finished_steps > 0 ? "ab" : "wb");
    if (file_->stream == nullptr)
      throw_error("report.101", {path_, ": the log cannot be opened (", std::strerror(errno), "); check the folder and its permissions"});
    // One write per line: a buffer would hold lines that a crash then takes along.
    std::setvbuf(file_->stream, nullptr, _IONBF, 0);
  }
  bool is_open() const { return file_->stream != nullptr; }

  /// Adds a line of named numbers, such as a probe's result: record("probe", 500, {{"linear", 0.93}, {"knn", 0.91}}).
  void record(std::string_view event, std::uint64_t step, std::initializer_list<std::pair<std::string_view, double>> numbers) {
    io::json::writer line;
    line.begin_object().member("event", event).member("step", step);
    for (const auto& [name, value] : numbers) line.member(name, value);
    line.end_object();
    write(line.text(), step);
  }

  void on_start() { open(); }
  template <class Info>
  void on_start(const Info& info) {
    std::uint64_t step = 0;
    io::json::writer line;
    if constexpr (requires { info.step; }) step = static_cast<std::uint64_t>(info.step);
    open(step);
    line.begin_object().member("event", "start").member("step", step);
    if constexpr (requires { info.steps_total; }) line.member("steps_total", info.steps_total);
    if constexpr (requires { info.epochs; }) line.member("epochs", info.epochs);
    line.end_object();
    write(line.text(), step);
  }
  template <class Report>
  void on_step(const Report& report) {
    add("step", report);
  }
  void on_epoch() {}
  template <class Report>
  void on_epoch(const Report& report) {
    add("epoch", report);
  }
  void on_end() { file_->close(); }
  template <class Report>
  void on_end(const Report& report) {
    add("end", report);
    file_->close();
  }

 private:
  struct open_file {
    open_file() = default;
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    ~open_file() { close(); }
    void close() {
      if (stream != nullptr) std::fclose(stream);
      stream = nullptr;
    }
    std::FILE* stream = nullptr;
  };

  template <class Report>
  void add(const char* event, const Report& report) {
    io::json::writer line;
    line.begin_object().member("event", event).member("step", report.step).member("epoch", report.epoch);
    line.member("loss", report.loss).member("learning_rate", report.learning_rate);
    line.member("gradient_norm", report.gradient_norm).member("embedding_std", report.embedding_std);
    line.member("samples_per_second", report.samples_per_second).member("seconds", report.seconds).end_object();
    write(line.text(), static_cast<std::uint64_t>(report.step));
  }

  void write(std::string text, std::uint64_t step) {
    if (!is_open()) open(step > 0 ? step - 1 : 0);  // a hand-written loop may have no on_start
    text += '\n';
    const long before = std::ftell(file_->stream);
    if (std::fwrite(text.data(), 1, text.size(), file_->stream) == text.size()) return;
    const int reason = errno;
    if (before >= 0 && ::ftruncate(fileno(file_->stream), before) != 0) std::clearerr(file_->stream);
    throw_error("report.102", {path_, ": the log cannot be written (", std::strerror(reason), "); check free space"});
  }

  PRETEXT_COLD void drop_after(std::uint64_t finished_steps) const {
    if (io::posix_files().permissions(path_.c_str()) == -ENOENT) return;  // the first run had no log
    const std::vector<std::byte> bytes = io::read_file(path_);
    list<io::byte_view> kept;
    std::size_t size = 0;
    detail::for_each_log_line(io::text_of(view_of(bytes)), path_, [&](const log_record& r, std::string_view line) {
      if (r.step > finished_steps) return;
      const io::byte_view piece = io::bytes_of(line);
      size += piece.size();
      if (!kept.empty() && kept.back().data() + kept.back().size() == piece.data())
        kept.back() = {kept.back().data(), kept.back().size() + piece.size()};
      else
        kept.add() = piece;
    });
    if (size != bytes.size()) io::write_file_atomically(path_, view_of(kept));
  }

  std::string path_;
  std::shared_ptr<open_file> file_;
};

}  // namespace pretext::report
