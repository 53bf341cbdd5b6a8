# SPDX-License-Identifier: BSD-3-Clause
# Installs into an empty prefix and looks at what is there.
# From a build folder of its own: headers added since the tests were configured are part of the package, too.
file(REMOVE_RECURSE "${PREFIX}" "${BUILD}")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${BUILD}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${CXX}"
    -DPRETEXT_BUILD_TESTS=OFF -DPRETEXT_BUILD_EXAMPLES=OFF -DPRETEXT_BUILD_BENCH=OFF
  RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "configuring failed:\n${text}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}" RESULT_VARIABLE status OUTPUT_QUIET)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "cmake --install failed")
endif()
file(GLOB_RECURSE ours RELATIVE "${SOURCE}/include" "${SOURCE}/include/pretext/*.hpp" "${SOURCE}/include/pretext/*.cuh")
file(GLOB_RECURSE theirs RELATIVE "${PREFIX}/include" "${PREFIX}/include/*")
if(NOT ours STREQUAL theirs)
  message(FATAL_ERROR "installed headers differ from the source's:\n${theirs}\nagainst\n${ours}")
endif()
file(GLOB_RECURSE scripts "${PREFIX}/share/*.cmake" "${PREFIX}/share/*.in")
foreach(script IN LISTS scripts)
  file(READ "${script}" text)
  foreach(place IN ITEMS "${SOURCE}" "${BUILD}" "${PREFIX}")
    string(FIND "${text}" "${place}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${script} holds the path ${place}: the package could not be moved")
    endif()
  endforeach()
endforeach()
