//===- ExpertDispatch.cpp - Which rows an expert computes, and where they lie --------------------------===//
#include "ExpertDispatch.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

static void storeIndex(Emitter &e, Value value, Value flat, Value at) {
  e.store(arith::IndexCastOp::create(e, e.getI64Type(), value), flat, at);
}

ExpertDispatch::ExpertDispatch(Emitter &e, Value indices, Value tokens, Value pairs, const ExpertSet &set,
                               int64_t alignment, Value blockRows)
    : kept(pairs) {
  int64_t experts = set.count;
  auto allocate = [&](Value size) { return e.flatten(e.allocate(e.getI64Type(), size)); };
  // No more experts are chosen than there are pairs.
  Value chosen = e.min(pairs, experts), zero = e.index(0);
  capacity = e.madd(chosen, e.index(alignment - 1), pairs);
  rowOf = allocate(pairs);
  pairOf = allocate(capacity);
  blocks = allocate(e.mul(e.add(chosen, e.div(pairs, blockRows)), 3));
  Value next = allocate(e.index(experts)); // An expert's number of pairs, and then its next free row.

  e.loop(zero, e.index(experts), [&](Value expert) { storeIndex(e, zero, next, expert); });
  auto forKept = [&](llvm::function_ref<void(Value, Value)> body) {
    e.loop(zero, pairs, [&](Value pair) {
      Value expert = e.loadIndex(indices, pair);
      if (!set.skips)
        return body(pair, expert);
      Value isExpert = arith::CmpIOp::create(e, arith::CmpIPredicate::ne, expert, e.index(-1));
      e.when(isExpert, [&] { body(pair, expert); });
    });
  };
  forKept([&](Value, Value expert) {
    // One unsigned comparison finds negative ones, too.
    Value valid = arith::CmpIOp::create(e, arith::CmpIPredicate::ult, expert, e.index(experts));
    rt::CheckOp::create(e, valid, "the router chose an expert that there is not");
    storeIndex(e, e.add(e.loadIndex(next, expert), 1), next, expert);
  });
  rt::ExpertsOp::create(e, next, tokens, pairs, set.places, set.in, set.inBytes, set.out, set.outBytes);
  Emitter::Values inits = {zero, zero};
  Emitter::Values ends = e.loop(zero, e.index(experts), e.index(1), inits, [&](Value expert, ValueRange so) {
    Value row = so[0], number = so[1], count = e.loadIndex(next, expert), parts = e.ceilDiv(count, blockRows);
    storeIndex(e, row, next, expert);
    Value place = set.places ? e.loadIndex(set.places, expert) : expert;
    if (set.places) {
      Value isThere = arith::OrIOp::create(
          e, arith::CmpIOp::create(e, arith::CmpIPredicate::sge, place, zero), e.equal(count, zero));
      rt::CheckOp::create(e, isThere, "the router chose an expert that was taken away");
    }
    e.loop(zero, parts, [&](Value part) {
      Value at = e.mul(e.add(number, part), 3), begin = e.mul(part, blockRows);
      storeIndex(e, place, blocks, at);
      storeIndex(e, e.add(row, begin), blocks, e.add(at, 1));
      storeIndex(e, e.min(e.sub(count, begin), blockRows), blocks, e.add(at, 2));
    });
    Value length = e.mul(e.ceilDiv(count, alignment), alignment);
    return Emitter::Values{e.add(row, length), e.add(number, parts)};
  });
  rows = ends[0];
  blockCount = ends[1];
  forKept([&](Value pair, Value expert) {
    Value row = e.loadIndex(next, expert);
    storeIndex(e, e.add(row, 1), next, expert);
    storeIndex(e, row, rowOf, pair);
    storeIndex(e, pair, pairOf, row);
  });
  if (!set.skips)
    return;
  list = allocate(pairs);
  kept = e.loop(zero, pairs, e.index(1), zero, [&](Value pair, ValueRange number) {
    // Written over by the next pair if this one is none.
    storeIndex(e, pair, list, number[0]);
    Value isExpert =
        arith::CmpIOp::create(e, arith::CmpIPredicate::ne, e.loadIndex(indices, pair), e.index(-1));
    return Emitter::Values{e.select(isExpert, e.add(number[0], 1), number[0])};
  })[0];
}

ExpertBlock::ExpertBlock(Emitter &e, Value blocks, Value number) {
  Value at = e.mul(number, 3);
  place = e.loadIndex(blocks, at);
  begin = e.loadIndex(blocks, e.add(at, 1));
  rows = e.loadIndex(blocks, e.add(at, 2));
}
