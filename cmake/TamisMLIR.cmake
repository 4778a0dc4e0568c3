# Finds LLVM and MLIR and defines how compiler libraries and dialects are added.

find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)

# Debian keeps the shared MLIR in a folder of its own; installed tools must find it there.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

set(TAMIS_INCLUDE_DIRS "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include"
    "${PROJECT_SOURCE_DIR}/runtime/include")
# Where ours has assertions and LLVM has none, one of its headers needs help. Before LLVM's own folder.
if(NOT LLVM_ENABLE_ASSERTIONS AND NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  include_directories(SYSTEM "${CMAKE_CURRENT_LIST_DIR}/llvm-without-assertions")
endif()
# For mlir_tablegen, which reads the directory's property.
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
include_directories(${TAMIS_INCLUDE_DIRS})

# MLIR's headers take longer to parse than our code to compile, so they are parsed once. Only headers that a rebuild
# does not change belong here. A file still names what it includes: -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON builds
# without.
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/Precompiled.cpp" CONTENT "")
add_library(TamisPrecompiled OBJECT "${PROJECT_BINARY_DIR}/Precompiled.cpp")
tamis_target_options(TamisPrecompiled)
target_precompile_headers(TamisPrecompiled PRIVATE
  <mlir/Dialect/Arith/IR/Arith.h>
  <mlir/Dialect/Func/IR/FuncOps.h>
  <mlir/Dialect/LLVMIR/LLVMDialect.h>
  <mlir/Dialect/Linalg/IR/Linalg.h>
  <mlir/Dialect/MemRef/IR/MemRef.h>
  <mlir/Dialect/SCF/IR/SCF.h>
  <mlir/Dialect/Tensor/IR/Tensor.h>
  <mlir/Dialect/Vector/IR/VectorOps.h>
  <mlir/IR/Matchers.h>
  <mlir/IR/PatternMatch.h>
  <mlir/Pass/Pass.h>
  <mlir/Transforms/DialectConversion.h>
  <mlir/Transforms/GreedyPatternRewriteDriver.h>
  <llvm/ADT/TypeSwitch.h>)

# tamis_add_library(Name SOURCES... [DEPENDS generated-targets...] [LINK_LIBS libraries...])
# One library of the compiler. LLVM and MLIR come as their shared libraries.
function(tamis_add_library name)
  cmake_parse_arguments(arg "" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  tamis_target_options(${name})
  target_precompile_headers(${name} REUSE_FROM TamisPrecompiled)
  target_link_libraries(${name} PUBLIC ${arg_LINK_LIBS} MLIR LLVM)
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
endfunction()
