# SPDX-License-Identifier: BSD-3-Clause
# Configures, builds and tests the user's project PROJECT in the fresh folder BUILD; with FAILS, configuring must fail
# with that text instead.
file(REMOVE_RECURSE "${BUILD}")
set(more "")
foreach(name IN ITEMS WAY WANT CMAKE_DISABLE_FIND_PACKAGE_PNG CMAKE_DISABLE_FIND_PACKAGE_xsimd)
  if(DEFINED ${name})
    list(APPEND more "-D${name}=${${name}}")
  endif()
endforeach()
string(REPLACE ";" "\\;" more "${more}")
string(REPLACE "\\;-D" ";-D" more "${more}")
execute_process(
  COMMAND "${CMAKE_COMMAND}" -S "${PROJECT}" -B "${BUILD}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${CXX}"
    "-DCMAKE_PREFIX_PATH=${PREFIX}" "-DPRETEXT_SOURCE=${SOURCE}" "-DCMAKE_CXX_FLAGS=-O1 -Wall -Wextra -Werror" ${more}
  RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(DEFINED FAILS)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")  # CMake wraps lines
  if(status EQUAL 0 OR NOT text MATCHES "${FAILS}")
    message(FATAL_ERROR "configuring should fail with /${FAILS}/ but gave ${status}:\n${text}")
  endif()
  return()
endif()
if(NOT status EQUAL 0)
  message(FATAL_ERROR "configuring failed:\n${text}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "building failed:\n${text}")
endif()
get_filename_component(bin "${CMAKE_COMMAND}" DIRECTORY)
execute_process(COMMAND "${bin}/ctest" --output-on-failure WORKING_DIRECTORY "${BUILD}" RESULT_VARIABLE status OUTPUT_VARIABLE text
  ERROR_VARIABLE text)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "its tests failed:\n${text}")
endif()
message(STATUS "${text}")
