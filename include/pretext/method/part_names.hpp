// SPDX-License-Identifier: BSD-3-Clause
// opt-in: for language models
#pragma once

#include <string_view>

namespace pretext::method {

/// Under which names a language model's parts are kept; a recipe may have its own, `static constexpr method::part_names names{...}`.
struct part_names {
  std::string_view words = "words", encoder = "encoder", head = "head", output = "output";
};
template <class R>
constexpr part_names part_names_of() {
  if constexpr (requires { R::names; })
    return R::names;
  else
    return {};
}

}  // namespace pretext::method
