//===- Passes.td - From buffers to LLVM IR ------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_CODEGEN_PASSES
#define TAMIS_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

def WeightPlan : Pass<"weight-plan", "::mlir::ModuleOp"> {
  let summary = "Give every weight that code reads a recipe and a place in the weight segment";
  let description = [{
    A chain of weight.load and transforms that any other op uses becomes a weight.recipe; the use becomes a
    weight.get. Places are handed out in the order of first use, so that a run reads the segment front to
    back. Sources that nothing uses are dropped.
  }];
  let dependentDialects = ["::tamis::weight::WeightDialect"];
  let statistics = [Statistic<"recipes", "recipes", "Weights stored">,
                    Statistic<"bytes", "bytes", "Bytes of the weight segment">];
}

def LinalgFuseElementwise : Pass<"linalg-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Make one loop of chains of elementwise ops";
  let description = [{
    Upstream's patterns: a generic op whose result one other reads becomes a part of that, and reshapes move through
    elementwise ops and reductions to be out of the way. Contractions keep their shapes: a linalg.batch_matmul that took a
    reshape of its operands over would be a generic op of more loops, and convert-matmul-to-kernel would not know it.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def RTBufferize : Pass<"rt-bufferize", "::mlir::ModuleOp"> {
  let summary = "One-shot bufferisation of everything but the recipes of weights";
  let description = "Functions take and return contiguous buffers; new ones are aligned to 64 bytes.";
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect"];
}

def MemRefCopyToLinalg : Pass<"memref-copy-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "Turn copies of strided buffers into linalg.copy";
  let description = "Upstream's lowering of such a memref.copy calls a function of a C library that code does not have.";
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def RTPlanMemory : Pass<"rt-plan-memory", "::mlir::func::FuncOp"> {
  let summary = "Free each buffer right behind its last use";
  let description = [{
    Inserts a memref.dealloc after the last op that may touch an allocation or a view of it, in the block of
    the allocation. Buffers that leave their block (results of the function, values carried by a loop) are
    left to the arena, which takes everything back before the next run.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"freed", "freed", "Allocations freed">,
                    Statistic<"kept", "kept", "Allocations that live to the end of the run">];
}

def RTParallelize : Pass<"rt-parallelize", "::mlir::func::FuncOp"> {
  let summary = "Turn outer parallel loops into rt.parallel";
  let description = [{
    The last dimension of an scf.parallel stays a serial loop, which LLVM vectorises; the others, or chunks of the
    only one, become work units. Loops of fewer than `min-work` elements by their static sizes become plain loops.
  }];
  let options = [Option<"minWork", "min-work", "int64_t", "16384",
                        "Elements below which splitting a loop over threads does not pay">];
  let dependentDialects = ["::tamis::rt::RTDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"parallel", "parallel", "Loops turned into parallel regions">];
}

def RTOutline : Pass<"rt-outline", "::mlir::ModuleOp"> {
  let summary = "Move the bodies of rt.parallel into functions";
  let description = [{
    The body becomes a private function (host, begin, end, thread, captures...) and the op an rt.launch that names it.
    Constants are copied into the body. Every function that asks something of the host gets the host as its first
    argument.
  }];
  let dependentDialects = ["::tamis::rt::RTDialect", "::mlir::LLVM::LLVMDialect", "::mlir::func::FuncDialect"];
}

def MathToPolynomial : Pass<"math-to-polynomial"> {
  let summary = "Expand math ops into polynomials, since generated code has no libm";
  let description = [{
    Upstream's approximations for f32 (exp 1 ulp, log 0.8, tanh 6.7, erf 4.4, rsqrt 1.5 ulp; sin and cos after
    a range reduction of their own); f16 and bf16 are computed in f32, f64 in f32 precision where no expansion in f64
    exists.
  }];
  let dependentDialects = ["::mlir::math::MathDialect", "::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

def ConvertRTToLLVM : Pass<"convert-rt-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Convert everything that is left to the LLVM dialect";
  let description = [{
    memref.alloc and dealloc, rt.launch, rt.check, rt.threads, rt.count and weight.get become accesses through the
    TamisHost (code_abi.h); all other ops go through upstream's patterns. Adds the entry function
    `tamis_entry`, which takes the host, the inputs and the outputs. The names and kinds of operations are collected
    in the module attribute `tamis.operations`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ConvertKernelToVector : Pass<"convert-kernel-to-vector", "::mlir::ModuleOp"> {
  let summary = "Expand kernels into loops of vector code for one ISA level";
  let description = [{
    Each kernel op becomes rt.parallel regions. Code that several ops share (products with their epilogue,
    attention) becomes private functions. See include/tamis/Codegen/Kernels/Microkernel.h for the tiles.
  }];
  let options = [Option<"isa", "isa", "std::string", "\"x86-64-v3\"", "ISA level, such as x86-64-v3 (include/tamis/Codegen/ISALevel.h)">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect", "::tamis::rt::RTDialect"];
  let statistics = [Statistic<"expanded", "expanded", "Kernels expanded">];
}

def ConvertMatmulToKernel : Pass<"convert-matmul-to-kernel", "::mlir::func::FuncOp"> {
  let summary = "Turn linalg.matmul and linalg.batch_matmul on buffers into kernel.matmul";
  let description = [{
    Only products of f32 in contiguous buffers whose output was set to 0 right before; the linalg.fill goes.
  }];
  let dependentDialects = ["::tamis::kernel::KernelDialect"];
  let statistics = [Statistic<"converted", "converted", "Products converted">];
}

#endif
