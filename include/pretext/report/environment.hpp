// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <utility>

#include "../config.hpp"
#include "../version.hpp"
#include "document.hpp"

namespace pretext::report {

/// What built the program. The instruction set is the caller's to name (its back end knows): units of one program may be
/// compiled for different ones, and a function that read the compiler's macros would then differ between them.
PRETEXT_COLD inline pairs environment(const std::string& instruction_set = {}, const std::string& threads = {}) {
  pairs out;
  out.title = "Environment";
  out.items.emplace_back("Pretext", PRETEXT_VERSION_STRING);
#if defined(__clang__)
  out.items.emplace_back("compiler", "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." +
                                         std::to_string(__clang_patchlevel__));
#elif defined(__GNUC__)
  out.items.emplace_back("compiler", "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." + std::to_string(__GNUC_PATCHLEVEL__));
#endif
#if defined(__linux__)
  out.items.emplace_back("system", "Linux");
#elif defined(__APPLE__)
  out.items.emplace_back("system", "macOS");
#endif
#if defined(__x86_64__)
  out.items.emplace_back("processor", "x86-64");
#elif defined(__aarch64__)
  out.items.emplace_back("processor", "arm64");
#endif
  if (!instruction_set.empty()) out.items.emplace_back("instruction set", instruction_set);
  if (!threads.empty()) out.items.emplace_back("threads", threads);
  return out;
}

}  // namespace pretext::report
