# Compiler settings that every target of Tamis shares, and the function that applies them.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# Warnings, sanitizers, and (as LLVM is built) no exceptions and no RTTI.
function(tamis_target_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-unused-parameter
    $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>
    # Without its date a precompiled header is the same in every build, which ccache wants.
    $<$<COMPILE_LANG_AND_ID:CXX,Clang>:SHELL:-Xclang -fno-pch-timestamp>)
  if(TAMIS_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(TAMIS_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TAMIS_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${TAMIS_SANITIZE})
  endif()
endfunction()

# A program that needs exceptions, since a header it uses throws them.
function(tamis_allow_exceptions target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fexceptions -frtti>)
endfunction()
