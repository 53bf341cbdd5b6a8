# SPDX-License-Identifier: BSD-3-Clause
# pretext_embed_text(<file.cpp> <text>...): a source with the texts in it, for programs that run on nothing but themselves. It defines
#   std::span<const std::string_view> embedded_texts();
function(pretext_embed_text output)
  set(literals "")
  foreach(file IN LISTS ARGN)
    file(READ "${file}" text)
    string(LENGTH "${text}" bytes)
    if(bytes LESS 60000)  # beyond that a compiler need not take a literal
      string(APPEND literals "    R\"~~~(${text})~~~\",\n")
    endif()
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
  file(CONFIGURE OUTPUT "${output}" CONTENT "// Made by CMake from the project's own pages and headers.
#include <span>
#include <string_view>

std::span<const std::string_view> embedded_texts() {
  static constexpr std::string_view texts[] = {
@literals@  };
  return texts;
}
" @ONLY)
endfunction()
