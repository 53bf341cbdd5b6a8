# SPDX-License-Identifier: BSD-3-Clause
# What our own tests, examples and benchmarks are compiled with; users get none of it.
add_library(pretext_own INTERFACE)
target_link_libraries(pretext_own INTERFACE pretext::pretext)
foreach(component IN LISTS PRETEXT_FOUND_COMPONENTS)
  target_link_libraries(pretext_own INTERFACE pretext::${component})
endforeach()

set(PRETEXT_WARNINGS "")
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  set(PRETEXT_WARNINGS -Wall -Wextra -Wpedantic -Wshadow)
  # Errors only from the compilers they were cleaned with: another version's new warning must not stop a user's build.
  if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.") OR
     (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^19\\."))
    list(APPEND PRETEXT_WARNINGS -Werror)
  endif()
endif()

# Compiles a unit of this project and nothing else: options of a test must not leak into another.
add_library(pretext_warnings INTERFACE)
target_compile_options(pretext_warnings INTERFACE ${PRETEXT_WARNINGS})
