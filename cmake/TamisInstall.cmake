# What makes an installed prefix a package: the CMake package and the pkg-config files. Headers, libraries and
# tools are installed where they are defined.

include(CMakePackageConfigHelpers)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/Tamis")
install(EXPORT TamisTargets NAMESPACE Tamis:: DESTINATION "${package_folder}" COMPONENT Runtime)
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/TamisConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/cmake/TamisConfig.cmake" INSTALL_DESTINATION "${package_folder}"
  PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/cmake/TamisConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/cmake/TamisConfig.cmake" "${PROJECT_BINARY_DIR}/cmake/TamisConfigVersion.cmake"
  DESTINATION "${package_folder}" COMPONENT Runtime)

# pkg-config finds the prefix from where its file lies, so that the prefix may be moved.
set(pkgconfig_folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH TAMIS_PREFIX_FROM_PKGCONFIG "/prefix/${pkgconfig_folder}" "/prefix")
string(REGEX REPLACE "/$" "" TAMIS_PREFIX_FROM_PKGCONFIG "${TAMIS_PREFIX_FROM_PKGCONFIG}")
foreach(name tamis tamis-static)
  configure_file("${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in" "${PROJECT_BINARY_DIR}/cmake/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/cmake/${name}.pc" DESTINATION "${pkgconfig_folder}" COMPONENT Runtime)
endforeach()
