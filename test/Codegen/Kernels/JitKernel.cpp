//===- JitKernel.cpp - Kernels compiled and run inside a test -----------------------------------------===//
#include "JitKernel.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "runtime/src/Cpu.h"
#include "tamis/Dialect/Kernel/IR/KernelDialect.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Pipelines/Pipelines.h"
#include "tamis/Target/ObjectEmitter.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

#include <atomic>
#include <csetjmp>
#include <cstring>
#include <sched.h>
#include <sys/mman.h>
#include <thread>

static constexpr size_t guardBytes = 256;
static constexpr char guardByte = 0x5a;

Buffer::Buffer(std::vector<int64_t> dims, size_t bytes) : dims(dims), bytes(bytes) {
  // On large pages, as the arena's memory is.
  constexpr size_t largePage = size_t(2) << 20;
  size_t content = elements() * bytes;
  begin = guardBytes;
  size = content + 2 * guardBytes;
  size_t alignment = size > largePage / 32 ? largePage : 64;
  size = (size + alignment - 1) / alignment * alignment;
  storage.reset(static_cast<char *>(std::aligned_alloc(alignment, size)), std::free);
  if (alignment == largePage)
    madvise(storage.get(), size, MADV_HUGEPAGE);
  std::memset(storage.get(), guardByte, size);
  std::memset(data(), 0, content);
}
int64_t Buffer::elements() const {
  int64_t product = 1;
  for (int64_t d : dims)
    product *= d;
  return product;
}
char *Buffer::data() { return storage.get() + begin; }
bool Buffer::guardIsIntact() const {
  size_t end = begin + elements() * bytes;
  for (size_t i = 0; i < size; ++i)
    if ((i < begin || i >= end) && storage.get()[i] != guardByte)
      return false;
  return true;
}

/// The cores that threads are to keep; none: the system moves them.
static cpu_set_t coresToKeep;

void JitKernel::keepCores() { sched_getaffinity(0, sizeof coresToKeep, &coresToKeep); }

/// Keeps this thread on the core of its number, if there is one for each of `threads`.
static void pinToCore(int64_t thread, int64_t threads) {
  if (threads > CPU_COUNT(&coresToKeep))
    return;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &coresToKeep) && thread-- == 0) {
      cpu_set_t own;
      CPU_ZERO(&own);
      CPU_SET(core, &own);
      sched_setaffinity(0, sizeof own, &own);
    }
}

namespace {
/// The host of one run, with threads that wait for the next region by spinning.
struct Host : TamisHost {
  std::string failure;
  std::jmp_buf onFailure;
  std::vector<void *> memory;
  std::vector<int64_t> expertCounts;
  /// The chunks of a region that one thread takes first, as the runtime's Host.cpp shares them out.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };
  std::vector<Share> shares;
  std::atomic<int64_t> round{0}, busy{0};
  std::atomic<bool> stop{false};
  TamisBody body = nullptr;
  void *captures = nullptr;
  int64_t count = 0, grain = 1;
  std::vector<std::thread> workers;

  explicit Host(int64_t threadCount) : shares(threadCount) {
    allocate = [](TamisHost *host, int64_t bytes) {
      void *data = std::aligned_alloc(64, (bytes + 127) / 64 * 64);
      static_cast<Host *>(host)->memory.push_back(data);
      return data;
    };
    release = [](TamisHost *, void *) {};
    parallel = [](TamisHost *host, TamisBody body, void *captures, int64_t count, int64_t grain, int64_t,
                  int64_t, int64_t) { static_cast<Host *>(host)->runRegion(body, captures, count, grain); };
    fail = [](TamisHost *host, int64_t, const char *reason) {
      static_cast<Host *>(host)->failure = reason;
      std::longjmp(static_cast<Host *>(host)->onFailure, 1);
    };
    experts = [](TamisHost *host, int64_t, const int64_t *counts, int64_t count, int64_t, int64_t,
                 const int64_t *, const void *, int64_t, const void *,
                 int64_t) { static_cast<Host *>(host)->expertCounts.assign(counts, counts + count); };
    observe = [](TamisHost *, int64_t, int64_t, int64_t, int64_t, int64_t, const int64_t *, const float *,
                 const float *, const float *) {};
    tokens = [](TamisHost *, int64_t, int64_t, int64_t, const int64_t *) {};
    cache = nullptr;
    keep = nullptr;
    wanted_rows = nullptr;
    weights = nullptr;
    threads = threadCount;
    std::memset(counters, 0, sizeof counters);
    for (int64_t i = 1; i < threadCount; ++i)
      workers.emplace_back([this, i] { work(i); });
  }
  ~Host() {
    stop = true;
    for (std::thread &worker : workers)
      worker.join();
    for (void *data : memory)
      std::free(data);
  }
  void claim(int64_t thread) {
    for (int64_t i = 0; i < threads; ++i) {
      Share &share = shares[(thread + i) % threads];
      for (int64_t chunk; (chunk = share.next.fetch_add(1)) < share.end;)
        body(this, captures, chunk * grain, std::min((chunk + 1) * grain, count), thread);
    }
  }
  void work(int64_t thread) {
    pinToCore(thread, threads);
    int64_t seen = 0;
    while (true) {
      while (round.load(std::memory_order_acquire) == seen) {
        if (stop)
          return;
        std::this_thread::yield();
      }
      ++seen;
      claim(thread);
      busy.fetch_sub(1, std::memory_order_release);
    }
  }
  void runRegion(TamisBody newBody, void *newCaptures, int64_t newCount, int64_t newGrain) {
    body = newBody;
    captures = newCaptures;
    count = newCount;
    grain = newGrain;
    int64_t chunks = (count + grain - 1) / grain, chunk = 0;
    for (int64_t i = 0; i < threads; ++i) {
      shares[i].next = chunk;
      shares[i].end = chunk += chunks / threads + (i < chunks % threads);
    }
    if (!workers.empty() && count > grain) {
      busy = workers.size();
      round.fetch_add(1, std::memory_order_release);
      claim(0);
      while (busy.load(std::memory_order_acquire))
        ;
    } else {
      claim(0);
    }
  }
};
} // namespace

struct JitKernel::Code {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  TamisEntry entry = nullptr;
  std::unique_ptr<Host> host;
};

JitKernel::JitKernel(const std::string &text, const std::string &isa) : code(new Code) {
  using namespace mlir;
  static llvm::ExitOnError check("kernel test: ");
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registry.insert<amx::AMXDialect, LLVM::LLVMDialect, arith::ArithDialect, func::FuncDialect,
                  math::MathDialect, memref::MemRefDialect, scf::SCFDialect, vector::VectorDialect,
                  tamis::kernel::KernelDialect, tamis::rt::RTDialect, tamis::weight::WeightDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    std::exit(1);
  PassManager passes(&context);
  tamis::MachinePipeline::Options options;
  options.isa = isa;
  tamis::MachinePipeline::build(passes, options);
  if (failed(passes.run(*module)))
    std::exit(1);
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  tamis::ObjectOptions objectOptions;
  objectOptions.isa = isa;
  objectOptions.freestanding = false;
  auto llvmModule = tamis::makeLLVMModule(*module, *llvmContext, objectOptions);
  if (failed(llvmModule))
    std::exit(1);
  (*llvmModule)->getFunction("tamis_entry")->setVisibility(llvm::GlobalValue::DefaultVisibility);
  code->jit = check(llvm::orc::LLJITBuilder().create());
  check(code->jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(*llvmModule), std::move(llvmContext))));
  code->entry = check(code->jit->lookup("tamis_entry")).toPtr<TamisEntry>();
}
JitKernel::~JitKernel() = default;

std::string JitKernel::run(std::initializer_list<Buffer *> buffers, int threads) {
  return run(std::vector<Buffer *>(buffers), threads);
}
/// No check of the function's type: it would read in front of the code, where memory may end.
__attribute__((no_sanitize("function"))) std::string JitKernel::run(const std::vector<Buffer *> &buffers,
                                                                    int threads) {
  std::vector<TamisTensor> tensors(buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i) {
    tensors[i].data = buffers[i]->as<char>();
    std::copy(buffers[i]->dims.begin(), buffers[i]->dims.end(), tensors[i].dims);
  }
  if (!code->host || code->host->threads != threads)
    code->host = std::make_unique<Host>(threads);
  Host &host = *code->host;
  for (void *data : host.memory)
    std::free(data);
  host.memory.clear();
  host.failure.clear();
  host.expertCounts.clear();
  std::memset(host.counters, 0, sizeof host.counters);
  host.settings = settings.data();
  if (setjmp(host.onFailure) == 0)
    code->entry(&host, tensors.data(), nullptr);
  std::memcpy(counters, host.counters, sizeof counters);
  expertCounts = host.expertCounts;
  return host.failure;
}

bool machineRuns(const std::string &isa) { return tamis::isaRank(isa.c_str()) > 0; }
