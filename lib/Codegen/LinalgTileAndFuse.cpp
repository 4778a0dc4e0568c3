//===- LinalgTileAndFuse.cpp - Chains of linalg ops are computed row by row
//-----------------------------------===//
//
// A chain ends in its root. What the root reads and nothing else computes row by row already (elementwise
// fusion took that) is a statistic of the row or a row that several ops read: these are computed inside the
// root's loop over rows, so that a row stays in the nearest cache and statistics stay in registers.
// Elementwise fusion must have run, and unit dimensions must be gone.
//
//===----------------------------------------------------------------------------------------------------===//
#include "tamis/Codegen/Passes.h"
#include "tamis/Codegen/VectorLoops.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace tamis {
#define GEN_PASS_DEF_LINALGTILEANDFUSE
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;

namespace {

/// How the result of a fused op reaches its readers.
enum class Passing {
  Buffer,    ///< a few bytes of the stack
  Recompute, ///< each reader computes it again
  InPlace,   ///< in the root's output, which the root then overwrites
  Result,    ///< others read it too, so it is a result of the loop
};

struct Member {
  linalg::GenericOp op;
  SmallVector<unsigned> rowLoops; ///< the loops that are the rows, as the root orders them
  Passing passing;
};

/// The ops that one loop over rows computes.
class Chain {
public:
  /// Collects what can be fused when the first `rows` loops of `root` are the rows.
  Chain(linalg::GenericOp root, unsigned rows, int64_t stackBytes) : root(root), stackBytes(stackBytes) {
    members.push_back({root, llvm::to_vector(llvm::seq(rows)), Passing::Result});
    for (Operation *before = root->getPrevNode(); before; before = before->getPrevNode())
      if (auto producer = dyn_cast<linalg::GenericOp>(before))
        consider(producer);
  }

  linalg::GenericOp root;
  SmallVector<Member> members; ///< readers before what they read

private:
  Member *find(Operation *op) {
    Member *found = llvm::find_if(members, [&](const Member &each) { return each.op == op; });
    return found == members.end() ? nullptr : found;
  }

  void consider(linalg::GenericOp producer) {
    if (producer->getNumResults() != 1 || !VectorLoops::hasVectorBody(producer) ||
        producer.hasIndexSemantics())
      return;
    SmallVector<unsigned> rowLoops;
    bool isRead = false, isReadElsewhere = false;
    for (OpOperand &use : producer->getUses()) {
      Member *reader = find(use.getOwner());
      if (!reader) {
        Operation *user = root->getBlock()->findAncestorOpInBlock(*use.getOwner());
        if (!user || !root->isBeforeInBlock(user))
          return;
        isReadElsewhere = true;
        continue;
      }
      isRead = true;
      SmallVector<unsigned> loops;
      if (!reader->op.isDpsInput(&use) || !alignRows(*reader, use, producer, loops) ||
          (!rowLoops.empty() && rowLoops != loops))
        return;
      rowLoops = loops;
    }
    if (!isRead)
      return;
    std::optional<Passing> passing = isReadElsewhere ? Passing::Result : passingOf(producer, rowLoops);
    if (passing)
      members.push_back({producer, rowLoops, *passing});
  }

  /// The loops of `producer` that are the rows for `reader`. Fails when a row of the reader needs more than a
  /// row.
  static bool alignRows(Member &reader, OpOperand &use, linalg::GenericOp producer,
                        SmallVector<unsigned> &loops) {
    AffineMap read = reader.op.getMatchingIndexingMap(&use);
    AffineMap written = producer.getMatchingIndexingMap(producer.getDpsInitOperand(0));
    if (!written.isProjectedPermutation())
      return false;
    for (unsigned loop : reader.rowLoops) {
      std::optional<unsigned> position = read.getResultPosition(getAffineDimExpr(loop, read.getContext()));
      if (!position)
        return false;
      loops.push_back(written.getDimPosition(*position));
    }
    return true;
  }

  std::optional<Passing> passingOf(linalg::GenericOp producer, ArrayRef<unsigned> rowLoops) {
    // Elements of a row of the result.
    int64_t elements = 1;
    AffineMap written = producer.getMatchingIndexingMap(producer.getDpsInitOperand(0));
    SmallVector<int64_t> sizes = producer.getStaticLoopRanges();
    for (unsigned i = 0; i < written.getNumResults(); ++i) {
      unsigned loop = written.getDimPosition(i);
      if (!llvm::is_contained(rowLoops, loop))
        elements = ShapedType::isDynamic(elements) || ShapedType::isDynamic(sizes[loop])
                       ? ShapedType::kDynamic
                       : elements * sizes[loop];
    }
    auto type = cast<RankedTensorType>(producer.getResult(0).getType());
    auto bytes = [&] { return elements * type.getElementTypeBitWidth() / 8; };
    if (elements == 1)
      return Passing::Buffer;
    bool isMap = producer.getNumParallelLoops() == producer.getNumLoops();
    if (isMap && isCheap(producer))
      return Passing::Recompute;
    if (isMap && fitsOutput(producer))
      return Passing::InPlace;
    if (ShapedType::isDynamic(elements) || bytes() > stackBytes)
      return std::nullopt;
    stackBytes -= bytes();
    return Passing::Buffer;
  }

  static bool isCheap(linalg::GenericOp op) {
    Block *body = op.getBody();
    return std::distance(body->begin(), body->end()) <= 4 && llvm::none_of(*body, [](Operation &inner) {
             return isa<arith::DivFOp>(inner) || isa<math::MathDialect>(inner.getDialect());
           });
  }

  /// Whether the root alone decides over its output, reads `producer` element by element, and comes last.
  bool fitsOutput(linalg::GenericOp producer) {
    if (root->getNumResults() != 1 || root.getNumParallelLoops() != root.getNumLoops() ||
        root.getResult(0).getType() != producer.getResult(0).getType() ||
        !root.getRegionOutputArgs()[0].use_empty() ||
        llvm::any_of(members, [](const Member &each) { return each.passing == Passing::InPlace; }))
      return false;
    bool isRead = false;
    for (OpOperand &use : producer->getUses()) {
      if (use.getOwner() != root)
        continue;
      isRead = true;
      if (root.getMatchingIndexingMap(&use) != root.getMatchingIndexingMap(root.getDpsInitOperand(0)))
        return false;
    }
    return isRead;
  }

  int64_t stackBytes;
};

/// Turns a chain into one scf.forall.
class Tiler {
public:
  Tiler(Chain &chain, IRRewriter &rewriter) : chain(chain), rewriter(rewriter) {}

  LogicalResult run() {
    linalg::GenericOp root = chain.root;
    unsigned rows = chain.members.front().rowLoops.size();
    SmallVector<OpFoldResult> tile(root.getNumLoops(), rewriter.getIndexAttr(0));
    std::fill_n(tile.begin(), rows, rewriter.getIndexAttr(1));
    scf::SCFTilingOptions options;
    options.setTileSizes(tile).setLoopType(scf::SCFTilingOptions::LoopType::ForallOp);
    rewriter.setInsertionPoint(root);
    auto tiled = scf::tileUsingSCF(rewriter, cast<TilingInterface>(root.getOperation()), options);
    if (failed(tiled))
      return failure();
    loops = tiled->loops;
    tiles[root] = cast<linalg::GenericOp>(tiled->tiledOps.front());
    unsigned results = root->getNumResults();
    for (Member &member : llvm::drop_begin(chain.members))
      if (failed(fuse(member, results)))
        return failure();
    rewriter.replaceOp(root, loops.front()->getResults().take_front(root->getNumResults()));
    // What is left in front of the loop is dead but for sizes that are asked of it, which the cleanup
    // resolves.
    Operation *loop = loops.front();
    for (auto [op, number] : yielded)
      rewriter.replaceUsesWithIf(op->getResult(0), loop->getResult(number), [&](OpOperand &use) {
        Operation *user = loop->getBlock()->findAncestorOpInBlock(*use.getOwner());
        return user && loop->isBeforeInBlock(user);
      });
    for (Member &member : llvm::drop_begin(chain.members)) {
      if (member.passing == Passing::InPlace)
        computeInPlace(tiles[member.op]);
      if (member.passing == Passing::Recompute)
        recompute(tiles[member.op]);
    }
    return success();
  }

private:
  /// The slices of a value inside the loop.
  SmallVector<tensor::ExtractSliceOp> slicesOf(Value value) {
    SmallVector<tensor::ExtractSliceOp> slices;
    for (Operation *user : value.getUsers())
      if (auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
          slice && loops.front()->isProperAncestor(slice))
        slices.push_back(slice);
    llvm::sort(slices, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return slices;
  }

  /// All slices of a member are the same row, so the first stands for all.
  LogicalResult fuse(Member &member, unsigned &results) {
    SmallVector<tensor::ExtractSliceOp> slices = slicesOf(member.op.getResult(0));
    if (slices.empty())
      return failure();
    tensor::ExtractSliceOp first = slices.front();
    auto fused = scf::tileAndFuseProducerOfSlice(rewriter, first, loops);
    if (!fused)
      return failure();
    Value tile = fused->tiledAndFusedProducer;
    for (tensor::ExtractSliceOp other : slices) {
      rewriter.setInsertionPoint(other);
      Value same = tile;
      if (tile.getType() != other.getType())
        same = tensor::CastOp::create(rewriter, other.getLoc(), other.getType(), tile);
      rewriter.replaceAllUsesWith(other.getResult(), same);
    }
    tiles[member.op] = cast<linalg::GenericOp>(fused->tiledOps.front());
    if (member.passing == Passing::Result) {
      if (failed(scf::yieldReplacementForFusedProducer(rewriter, first, *fused, loops)))
        return failure();
      yielded[member.op] = results++;
    }
    for (tensor::ExtractSliceOp slice : slices)
      rewriter.eraseOp(slice);
    // The start of a reduction belongs to its row.
    Value init = member.op.getDpsInits()[0];
    if (init.getDefiningOp<linalg::FillOp>())
      for (tensor::ExtractSliceOp slice : slicesOf(init))
        (void)scf::tileAndFuseProducerOfSlice(rewriter, slice, loops);
    return success();
  }

  /// Root and member share the root's output.
  void computeInPlace(linalg::GenericOp member) {
    linalg::GenericOp root = tiles[chain.root];
    Value row = member.getResult(0), output = root.getDpsInits()[0];
    if (row.getType() != output.getType())
      return;
    // The output's slice must be there before the member.
    auto slice = output.getDefiningOp<tensor::ExtractSliceOp>();
    auto isReady = [&](Value operand) {
      Operation *definition = operand.getDefiningOp();
      return !definition || definition->getBlock() != member->getBlock() ||
             definition->isBeforeInBlock(member);
    };
    if (!slice || !llvm::all_of(slice->getOperands(), isReady))
      return;
    rewriter.moveOpBefore(slice, member);
    rewriter.modifyOpInPlace(member, [&] { member.getDpsInitsMutable()[0].set(output); });
    rewriter.modifyOpInPlace(root, [&] {
      root.getDpsInitsMutable()[0].set(row);
      BlockArgument current = root.getRegionOutputArgs()[0];
      for (OpOperand &input : root->getOpOperands())
        if (input.get() == row && root.isDpsInput(&input))
          root.getMatchingBlockArgument(&input).replaceAllUsesWith(current);
    });
  }

  /// Each reader gets a copy of its own, which elementwise fusion takes in.
  void recompute(linalg::GenericOp member) {
    while (!member->use_empty()) {
      OpOperand &use = *member->use_begin();
      auto reader = dyn_cast<linalg::GenericOp>(use.getOwner());
      if (!reader)
        return;
      rewriter.setInsertionPoint(reader);
      Operation *copy = rewriter.clone(*member);
      rewriter.modifyOpInPlace(reader, [&] { use.set(copy->getResult(0)); });
      if (!linalg::areElementwiseOpsFusable(&use))
        continue;
      auto fused = linalg::fuseElementwiseOps(rewriter, &use);
      if (failed(fused))
        continue;
      for (auto &[op, tile] : tiles)
        if (tile == reader)
          tile = cast<linalg::GenericOp>(fused->fusedOp);
      for (auto [from, to] : fused->replacements)
        if (from.getDefiningOp() == reader)
          rewriter.replaceAllUsesWith(from, to);
      rewriter.eraseOp(reader);
      rewriter.eraseOp(copy);
    }
    rewriter.eraseOp(member);
  }

  Chain &chain;
  IRRewriter &rewriter;
  SmallVector<LoopLikeOpInterface> loops;
  DenseMap<Operation *, linalg::GenericOp> tiles;
  DenseMap<Operation *, unsigned> yielded; ///< the number of a member's result
};

struct LinalgTileAndFuse : tamis::impl::LinalgTileAndFuseBase<LinalgTileAndFuse> {
  using LinalgTileAndFuseBase::LinalgTileAndFuseBase;

  void runOnOperation() override {
    // Sizes must not keep alive the ops whose results they are asked of.
    RewritePatternSet sizes(&getContext());
    memref::populateResolveRankedShapedTypeResultDimsPatterns(sizes);
    if (failed(applyPatternsGreedily(getOperation(), std::move(sizes))))
      return signalPassFailure();

    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> roots;
    getOperation().walk([&](linalg::GenericOp op) { roots.push_back(op); });
    DenseSet<Operation *> taken;
    for (linalg::GenericOp root : llvm::reverse(roots)) {
      if (taken.contains(root) || !root.hasPureTensorSemantics())
        continue;
      if (!VectorLoops::hasVectorBody(root) || root.hasIndexSemantics()) {
        ++refused;
        continue;
      }
      Chain best = longestChain(root);
      if (best.members.size() == 1)
        continue;
      for (const Member &member : best.members)
        taken.insert(member.op);
      if (failed(Tiler(best, rewriter).run())) {
        root.emitError("cannot be tiled with what it reads");
        return signalPassFailure();
      }
      ++tiled;
      fused += best.members.size() - 1;
    }
    RewritePatternSet cleanup(&getContext());
    tensor::populateFoldTensorEmptyPatterns(cleanup);
    memref::populateResolveRankedShapedTypeResultDimsPatterns(cleanup);
    scf::ForallOp::getCanonicalizationPatterns(cleanup, &getContext());
    tensor::ExtractSliceOp::getCanonicalizationPatterns(cleanup, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(cleanup))))
      signalPassFailure();
  }

  /// With as many loops as rows as fuse the most.
  Chain longestChain(linalg::GenericOp root) const {
    unsigned leading = 0;
    for (utils::IteratorType iterator : root.getIteratorTypesArray()) {
      if (iterator != utils::IteratorType::parallel)
        break;
      ++leading;
    }
    Chain best(root, 0, 0);
    best.members.resize(1);
    for (unsigned rows = std::min(leading, root.getNumLoops() - 1); rows > 0; --rows) {
      Chain chain(root, rows, stackBytes);
      if (chain.members.size() > best.members.size())
        best = chain;
    }
    return best;
  }
};
} // namespace
