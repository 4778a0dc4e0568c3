//===- tamis-opt.cpp - Runs passes on MLIR, for tests and for people who write passes
//------------------------------===//
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "tamis/Pipelines/Pipelines.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  tamis::registerDialects(registry);
  tamis::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Tamis' pass driver\n", registry));
}
