# SPDX-License-Identifier: BSD-3-Clause
# One program for every x86-64 machine.
#
#   pretext_add_variants(app train.cpp avx2 avx512)      # names may be left out: then one plain program; also avx512bf16
#   target_link_libraries(app PRIVATE pretext::png)
#
# makes the executable `app` (or adds to it where it exists) from train.cpp, which holds `main`, compiled once plainly and
# once for each instruction set. At start the best one that the processor runs is chosen; PRETEXT_ARCH=baseline|avx2|avx512|...
# in the environment chooses by name. Other sources of `app` (target_sources) are compiled once, for the baseline.
#
# How the copies are kept apart. Inline functions and templates have the same names in every copy, and a linker keeps
# one of each: with plain object files a baseline run would execute whichever came first, AVX-512 code included. So every
# copy is linked by itself into one relocatable object whose symbols are all made local except its `main`, renamed to
# pretext_main_<variant>. Its dynamic initialisers run only after it has been chosen, for they are compiled for that
# instruction set too. What the copies share is what comes from shared libraries and the other sources of `app`.
# Limits: initialisers with an explicit priority run in every copy; one source file per call holds all variant code;
# link-time optimisation is off for it.
#
# Where none of this can work (not x86-64 ELF with g++ or clang, cross-compiling without objcopy) or makes no sense (the
# compiler flags name -march or a sanitizer), `app` is one plain program of the given source, and a status line says why.
include_guard(GLOBAL)

# What the names mean; an unknown name leaves `out` undefined. The dispatcher asks the processor for exactly what these
# flags allow. Functions and not variables: a project that takes the library as a subfolder sees only the former.
function(pretext_variant_flags variant out)
  unset(${out} PARENT_SCOPE)
  if(variant STREQUAL "baseline")
    set(${out} "" PARENT_SCOPE)
  elseif(variant STREQUAL "avx2")
    set(${out} -mavx2 -mfma PARENT_SCOPE)
  elseif(variant STREQUAL "avx512")
    set(${out} -mavx512f -mavx512cd -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma PARENT_SCOPE)
  elseif(variant STREQUAL "avx512bf16")
    set(${out} -mavx512bf16 -mavx512vnni -mavx512f -mavx512cd -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma PARENT_SCOPE)
  endif()
endfunction()

# Sets `out` to the reason why this build cannot carry variants, or to nothing.
function(pretext_variants_obstacle out)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  set(flags "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}}")
  set(why "")
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(why "the processor is ${CMAKE_SYSTEM_PROCESSOR}, not x86-64")
  elseif(NOT CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF" OR NOT CMAKE_OBJCOPY)
    set(why "they need ELF object files and objcopy")
  elseif(NOT CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang)$")
    set(why "they need g++ or clang")
  elseif(flags MATCHES "-march=")
    set(why "the compiler flags name -march themselves")
  elseif(flags MATCHES "-fsanitize")
    set(why "a sanitizer is on")
  endif()
  set(${out} "${why}" PARENT_SCOPE)
endfunction()

function(pretext_add_variants app source)
  foreach(variant IN LISTS ARGN)
    pretext_variant_flags(${variant} flags)
    if(NOT DEFINED flags OR variant STREQUAL "baseline")
      message(FATAL_ERROR "pretext_add_variants(${app}): no instruction set '${variant}'; there are: avx2 avx512 avx512bf16")
    endif()
  endforeach()
  if(NOT TARGET ${app})
    add_executable(${app})
  endif()
  target_link_libraries(${app} PRIVATE pretext::pretext)

  set(why "")
  if(ARGN)
    pretext_variants_obstacle(why)
    if(why)
      message(STATUS "pretext: ${app} carries no instruction-set variants: ${why}")
    endif()
  endif()
  if(why OR NOT ARGN)
    target_sources(${app} PRIVATE "${source}")
    return()
  endif()

  set(dir "${CMAKE_CURRENT_BINARY_DIR}/${app}.variants")
  set(PRETEXT_DISPATCH_DECLARATIONS "")
  set(PRETEXT_DISPATCH_TABLE "")
  foreach(variant IN ITEMS avx512bf16 avx512 avx2 baseline)  # best first
    if(NOT variant STREQUAL "baseline" AND NOT variant IN_LIST ARGN)
      continue()
    endif()
    pretext_variant_flags(${variant} flags)
    set(part ${app}_${variant})
    add_library(${part} OBJECT EXCLUDE_FROM_ALL "${source}")
    # The part sees what the program links, whenever that is said; the executable's own include folders and definitions too.
    target_link_libraries(${part} PRIVATE "$<TARGET_PROPERTY:${app},LINK_LIBRARIES>")
    target_compile_options(${part} PRIVATE "$<TARGET_PROPERTY:${app},COMPILE_OPTIONS>" ${flags}
      $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
    target_compile_definitions(${part} PRIVATE "$<TARGET_PROPERTY:${app},COMPILE_DEFINITIONS>")
    target_include_directories(${part} PRIVATE "$<TARGET_PROPERTY:${app},INCLUDE_DIRECTORIES>")
    set_target_properties(${part} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF POSITION_INDEPENDENT_CODE ON)

    set(object "${dir}/${variant}.o")
    add_custom_command(OUTPUT "${object}"
      COMMAND "${CMAKE_COMMAND}" "-DCOMPILER=${CMAKE_CXX_COMPILER}" "-DOBJCOPY=${CMAKE_OBJCOPY}"
        "-DINPUT=$<TARGET_OBJECTS:${part}>" "-DOUTPUT=${object}" "-DVARIANT=${variant}"
        -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/pretext-localize.cmake"
      DEPENDS ${part} "$<TARGET_OBJECTS:${part}>" "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/pretext-localize.cmake"
      COMMENT "Keeping the ${variant} code of ${app} apart" VERBATIM)
    set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    target_sources(${app} PRIVATE "${object}")

    string(APPEND PRETEXT_DISPATCH_DECLARATIONS "PRETEXT_VARIANT(${variant})\n")
    string(APPEND PRETEXT_DISPATCH_TABLE "    PRETEXT_ROW(${variant}),\n")
  endforeach()
  configure_file("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/pretext-dispatch.cpp.in" "${dir}/dispatch.cpp" @ONLY)
  target_sources(${app} PRIVATE "${dir}/dispatch.cpp")
endfunction()
