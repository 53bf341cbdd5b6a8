# SPDX-License-Identifier: BSD-3-Clause
# Makes OUTPUT from INPUT: one relocatable object in which only pretext_main_VARIANT is visible. See pretext-variants.cmake.
get_filename_component(dir "${OUTPUT}" DIRECTORY)
file(MAKE_DIRECTORY "${dir}")

# Section groups would still be merged by their names after the symbols in them have become local: dissolve them first.
execute_process(COMMAND "${COMPILER}" -r -nostdlib -Wl,--force-group-allocation -o "${OUTPUT}.whole" ${INPUT}
  RESULT_VARIABLE status ERROR_VARIABLE text)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "cannot link the ${VARIANT} variant into one object (GNU ld 2.30 or lld is needed):\n${text}")
endif()
execute_process(
  COMMAND "${OBJCOPY}"
    --redefine-sym main=pretext_main_${VARIANT}
    --rename-section .init_array=pretext_init_${VARIANT}
    "${OUTPUT}.whole" "${OUTPUT}.renamed"
  RESULT_VARIABLE status ERROR_VARIABLE text)
if(status EQUAL 0)
  execute_process(COMMAND "${OBJCOPY}" --keep-global-symbol=pretext_main_${VARIANT} "${OUTPUT}.renamed" "${OUTPUT}"
    RESULT_VARIABLE status ERROR_VARIABLE text)
endif()
file(REMOVE "${OUTPUT}.whole" "${OUTPUT}.renamed")
if(NOT status EQUAL 0)
  file(REMOVE "${OUTPUT}")
  message(FATAL_ERROR "objcopy failed on the ${VARIANT} variant:\n${text}")
endif()
