// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <charconv>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

/// What the command lines of the examples share. A few lines here instead of an option library: every program is compiled once per
/// instruction set, and every copy would carry that library.
namespace command_line {

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// errors  usage_error: no number, or one outside [least, most]
template <class Number>
Number number(std::string_view name, std::string_view text, Number least, Number most) {
  Number value{};
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (bad != std::errc{} || end != text.data() + text.size() || !(value >= least) || !(value <= most))
    throw usage_error(std::string(name) + " is \"" + std::string(text) + "\", which is no number that makes sense there; see --help");
  return value;
}

/// Calls known(name, take) for every option, `--name value` or `--name=value`: take() is its value, and an option that does not take it
/// is a flag. known says whether there is such an option.
/// errors  usage_error: an unknown option, a missing or superfluous value
template <class Known>
void parse(int argc, char** argv, const Known& known) {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i], value;
    const std::size_t equals = name.find('=');
    const bool has_value = equals != std::string_view::npos;
    if (has_value) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    bool taken = false;
    const auto take = [&] {
      taken = true;
      if (!has_value) {
        if (++i >= argc) throw usage_error("option " + std::string(name) + " needs a value; see --help");
        value = argv[i];
      }
      // An unset variable of a script must not silently mean the default.
      if (value.empty()) throw usage_error("option " + std::string(name) + " has an empty value; see --help");
      return std::string(value);
    };
    if (!known(name, take)) throw usage_error("there is no option " + std::string(name) + "; see --help");
    if (has_value && !taken) throw usage_error("option " + std::string(name) + " takes no value; see --help");
  }
}

/// A whole program: exit status 0 and what run(options) returns as the last line, or 2 with one sentence on standard error.
template <class Options, class Run>
int run_program(int argc, char** argv, const char* usage, Options (*parse)(int, char**), const Run& run) {
  try {
    const Options o = parse(argc, argv);
    if (o.help) {
      std::fputs(usage, stdout);
      return 0;
    }
    std::printf("%s\n", run(o).c_str());
    return 0;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}

}  // namespace command_line
