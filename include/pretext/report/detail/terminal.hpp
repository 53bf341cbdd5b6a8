// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../config.hpp"
#endif

namespace pretext::report::detail {

/// Seconds of a clock that never jumps.
inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The value of an environment variable, empty where unset.
inline std::string_view environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// Whether a stream is a terminal that can return to the start of its line.
inline bool is_terminal(std::FILE* stream) {
#if defined(__unix__) || defined(__APPLE__)
  return stream != nullptr && isatty(fileno(stream)) == 1 && environment_variable("TERM") != "dumb";
#else
  return false;
#endif
}

/// Columns of the terminal behind a stream, else COLUMNS, else 80.
PRETEXT_COLD inline int terminal_width(std::FILE* stream) {
#if defined(__unix__) || defined(__APPLE__)
  winsize size{};
  if (stream != nullptr && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#endif
  const int columns = std::atoi(std::getenv("COLUMNS") != nullptr ? std::getenv("COLUMNS") : "0");
  return columns > 0 ? columns : 80;
}

/// Whether block characters may be printed: yes, unless the locale names another character set.
PRETEXT_COLD inline bool locale_allows_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = environment_variable(name);
    if (value.empty()) continue;
    const auto dot = value.find('.');
    if (dot == std::string_view::npos) return true;  // "C" in a container says nothing about the terminal
    const std::string_view set = value.substr(dot + 1, 5);
    return set == "UTF-8" || set == "utf8" || set == "utf-8" || set == "UTF8";
  }
  return true;
}

}  // namespace pretext::report::detail
