# SPDX-License-Identifier: BSD-3-Clause
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/pretext")  # headers only, so nothing depends on the machine
install(TARGETS pretext EXPORT pretext-targets FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
foreach(header IN LISTS device_headers)
  file(RELATIVE_PATH place "${PROJECT_SOURCE_DIR}/include" "${header}")
  get_filename_component(place "${place}" DIRECTORY)
  install(FILES "${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/${place}")
endforeach()
install(EXPORT pretext-targets NAMESPACE pretext:: DESTINATION "${package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/pretext-config.cmake.in"
  "${PROJECT_BINARY_DIR}/pretext-config.cmake" INSTALL_DESTINATION "${package_dir}"
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a new minor version may break; a patch may not.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/pretext-config-version.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  "${PROJECT_BINARY_DIR}/pretext-config.cmake" "${PROJECT_BINARY_DIR}/pretext-config-version.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/pretext-dependencies.cmake" "${PROJECT_SOURCE_DIR}/cmake/pretext-variants.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/pretext-localize.cmake" "${PROJECT_SOURCE_DIR}/cmake/pretext-dispatch.cpp.in"
  DESTINATION "${package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
