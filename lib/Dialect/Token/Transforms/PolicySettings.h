//===- PolicySettings.h - What an artifact says of a policy's settings and steps ----------------------===//
#ifndef TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_POLICYSETTINGS_H
#define TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_POLICYSETTINGS_H

#include "TokenPolicy.h"

#include "mlir/IR/BuiltinOps.h"

namespace tamis::token {

/// Sets the module attribute `tamis.policy`: the settings of a run that the policy's points read, the steps
/// and the one that is chosen. Steps that skip experts have `skip`, from which moe-skip-experts makes
/// settings.
void describePolicy(mlir::ModuleOp module, const TokenPolicy &policy);

} // namespace tamis::token

#endif
