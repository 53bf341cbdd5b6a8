// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "text.hpp"

namespace pretext {

/// What every failure of the library throws: one sentence (what, where, what to do) with a stable id.
///   what()  "pretext[io.301] model.safetensors: header of 60 bytes is cut off after 12; download the file again"
/// The ids have a heading each below docs/errors/.
class error : public std::runtime_error {
 public:
  PRETEXT_COLD error(std::string_view id, std::string_view message) : std::runtime_error(joined({"pretext[", id, "] ", message})), id_(id) {}
  /// The same from parts: error("io.301", {path, ": header of ", n, " bytes"}).
  PRETEXT_COLD error(std::string_view id, std::initializer_list<piece> message) : error(id, joined(message)) {}

  /// The stable part, such as "io.301".
  const std::string& id() const noexcept { return id_; }

 private:
  std::string id_;
};

/// Throws an error. As a function of its own, because a throw expression leaves the making of the error and its clean-up in
/// the code of everybody who might throw.
[[noreturn]] PRETEXT_COLD inline void throw_error(std::string_view id, std::string_view message) { throw error(id, message); }
[[noreturn]] PRETEXT_COLD inline void throw_error(std::string_view id, std::initializer_list<piece> message) { throw error(id, message); }

/// Throws pretext::error when a caller's precondition does not hold; usable in constant evaluation,
/// where a violated one is a compile error.
constexpr void expects(bool holds, const char* id, const char* message) {
  if (holds) return;
  if (std::is_constant_evaluated()) throw error(id, message);  // for the words of the compiler
  throw_error(id, message);
}

}  // namespace pretext
