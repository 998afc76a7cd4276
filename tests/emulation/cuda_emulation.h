// What CUDA C++ needs of a GPU, for a host compiler: the same .cu text then runs
// without one. Threads of a block are fibers of one system thread; each runs until
// it waits (a barrier, a shuffle), then the next. Blocks run one after the other.
// Shared memory begins as NaN in each block, as a GPU promises nothing of it. A
// kernel run with its threads forwards, backwards and shuffled gives equal bits
// unless a barrier is missing: run it so. What this cannot show: races between
// blocks, the memory model of a GPU, and time.
#pragma once
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#define GPUNET_EMULATION 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __constant__ static
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__ __restrict
// One section for all, so that each block can begin with it poisoned.
#define __shared__ static __attribute__((section("gpunet_shared"), aligned(16)))

struct dim3 {
  unsigned x, y, z;
};
struct __align__(8) float2 {
  float x, y;
};
struct __align__(16) float4 {
  float x, y, z, w;
};
struct __align__(8) int2 {
  int x, y;
};
struct __align__(16) int4 {
  int x, y, z, w;
};
struct __align__(16) uint4 {
  unsigned x, y, z, w;
};
struct __align__(4) uchar4 {
  unsigned char x, y, z, w;
};
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}

namespace emulation {
struct Fiber {
  ucontext_t start;
  jmp_buf at;
  bool begun, done;
  std::vector<char> stack;
};
struct Warp {
  unsigned arrived, generation;
  uint64_t lanes[2][32];  // what lanes hand to each other, by turns
};
static dim3 grid_dim, block_dim, block_index, thread_index;
static std::vector<Fiber> fibers;
static std::vector<Warp> warps;
static std::vector<char> dynamic_shared;
static unsigned arrived, generation, current;
static uint64_t arrivals;  // at any barrier, ever
static jmp_buf scheduler;
static void (*body)(void **);
static void **arguments;

[[noreturn]] static void fail(const char *why) {
  fprintf(stderr, "emulation: block (%u, %u), thread %u: %s\n", block_index.x,
          block_index.y, current, why);
  abort();
}

static void enter() {
  body(arguments);
  fibers[current].done = true;
  _longjmp(scheduler, 1);
}

static void give_way() {
  if (!_setjmp(fibers[current].at)) _longjmp(scheduler, 1);
}

static void wait(unsigned &there, unsigned &round, unsigned members) {
  unsigned mine = round;
  ++arrivals;
  if (++there == members) {
    there = 0;
    ++round;
    return;
  }
  while (round == mine) give_way();
}

static unsigned lanes_of_warp() {
  unsigned first = current / 32 * 32;
  return std::min(32u, (unsigned)fibers.size() - first);
}

// Lay v down, wait for the whole warp, and take what lane `from` laid down. Two
// places by turns, so that one wait is enough.
template <class T>
static T exchange(T v, unsigned from, unsigned mask) {
  static_assert(sizeof(T) <= 8, "shuffles move at most 8 bytes");
  Warp &warp = warps[current / 32];
  unsigned members = lanes_of_warp();
  unsigned whole = members == 32 ? ~0u : (1u << members) - 1;
  if ((mask & whole) != whole) fail("a shuffle must name all lanes of the warp");
  unsigned turn = warp.generation & 1, lane = current % 32;
  memcpy(&warp.lanes[turn][lane], &v, sizeof v);
  wait(warp.arrived, warp.generation, members);
  if (from < members) memcpy(&v, &warp.lanes[turn][from], sizeof v);
  return v;
}

extern "C" char __start_gpunet_shared __attribute__((weak));
extern "C" char __stop_gpunet_shared __attribute__((weak));

static void run_block(const std::vector<unsigned> &order) {
  if (&__start_gpunet_shared)
    memset(&__start_gpunet_shared, 0xff,
           &__stop_gpunet_shared - &__start_gpunet_shared);
  std::fill(dynamic_shared.begin(), dynamic_shared.end(), (char)0xff);
  arrived = 0;
  for (Warp &warp : warps) warp.arrived = 0;
  for (Fiber &f : fibers) f.begun = f.done = false;
  unsigned left = fibers.size();
  while (left) {
    unsigned ended = 0;
    uint64_t before = arrivals;
    for (unsigned i : order) {
      Fiber &f = fibers[i];
      if (f.done) continue;
      current = i;
      thread_index = {i % block_dim.x, i / block_dim.x % block_dim.y,
                      i / (block_dim.x * block_dim.y)};
      if (!_setjmp(scheduler)) {
        if (f.begun) _longjmp(f.at, 1);
        f.begun = true;
        getcontext(&f.start);
        f.start.uc_stack.ss_sp = f.stack.data();
        f.start.uc_stack.ss_size = f.stack.size();
        f.start.uc_link = nullptr;
        makecontext(&f.start, enter, 0);
        setcontext(&f.start);
      }
      ended += fibers[current].done;
    }
    left -= ended;
    if (!ended && arrivals == before)
      fail("waits for ever: a barrier that not all threads reach");
  }
}

// order: 0 forwards, 1 backwards, else the seed of a shuffle.
static void launch(void (*what)(void **), const unsigned *grid, const unsigned *block,
                   unsigned shared, unsigned seed, void **args) {
  grid_dim = {grid[0], grid[1], grid[2]};
  block_dim = {block[0], block[1], block[2]};
  body = what;
  arguments = args;
  unsigned n = block[0] * block[1] * block[2];
  fibers.resize(n);
  for (Fiber &f : fibers) f.stack.resize(64 << 10);
  warps.assign((n + 31) / 32, Warp());
  dynamic_shared.assign(shared + 16, 0);
  std::vector<unsigned> order(n);
  for (unsigned i = 0; i < n; ++i) order[i] = seed == 1 ? n - 1 - i : i;
  uint64_t state = seed;
  for (unsigned i = n; seed > 1 && i > 1; --i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::swap(order[i - 1], order[(state >> 33) % i]);
  }
  for (unsigned z = 0; z < grid[2]; ++z)
    for (unsigned y = 0; y < grid[1]; ++y)
      for (unsigned x = 0; x < grid[0]; ++x) {
        block_index = {x, y, z};
        run_block(order);
      }
}

// What a parameter is, for the caller's check: 'p' and the pointee, or the scalar.
template <class T>
static char letter() {
  using U = std::remove_cv_t<T>;
  if (std::is_same_v<U, float>) return 'f';
  if (std::is_same_v<U, double>) return 'd';
  if (std::is_same_v<U, _Float16>) return 'e';
  if (std::is_integral_v<U>) {
    const char *kinds = std::is_signed_v<U> ? "?bh?i???q" : "?BH?I???Q";
    return kinds[sizeof(U)];
  }
  return 'V';  // a struct
}
template <class T>
static void describe(char *&out) {
  if constexpr (std::is_pointer_v<T>) {
    *out++ = 'p';
    *out++ = letter<std::remove_pointer_t<T>>();
  } else {
    *out++ = '.';
    *out++ = letter<T>();
  }
}
template <class... A>
static void signature(void (*)(A...), char *out) {
  (describe<A>(out), ...);
  *out = 0;
}
template <auto kernel>
struct Call;
template <class... A, void (*kernel)(A...)>
struct Call<kernel> {
  template <size_t... I>
  static void each(void **p, std::index_sequence<I...>) {
    kernel(*(std::remove_cv_t<A> *)p[I]...);
  }
  static void run(void **p) { each(p, std::index_sequence_for<A...>()); }
};
}  // namespace emulation

#define threadIdx (emulation::thread_index)
#define blockIdx (emulation::block_index)
#define blockDim (emulation::block_dim)
#define gridDim (emulation::grid_dim)
#define warpSize 32
// Dynamic shared memory under a name; on a GPU the texts define it themselves.
#define DYNAMIC_SHARED(type, name) \
  type *name = (type *)(((uintptr_t)emulation::dynamic_shared.data() + 15) & ~15ull)

static inline void __syncthreads() {
  emulation::wait(emulation::arrived, emulation::generation, emulation::fibers.size());
}
static inline void __syncwarp(unsigned mask = ~0u) {
  emulation::exchange(0, 0, mask);
}
template <class T>
static inline T __shfl_sync(unsigned mask, T v, int from, int width = 32) {
  unsigned lane = emulation::current % 32, first = lane / width * width;
  return emulation::exchange(v, first + from % width, mask);
}
template <class T>
static inline T __shfl_xor_sync(unsigned mask, T v, int with, int width = 32) {
  unsigned lane = emulation::current % 32, from = lane ^ with;
  return emulation::exchange(v, from / width == lane / width ? from : lane, mask);
}
template <class T>
static inline T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32) {
  unsigned lane = emulation::current % 32, from = lane + by;
  return emulation::exchange(v, from / width == lane / width ? from : lane, mask);
}
template <class T>
static inline T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32) {
  unsigned lane = emulation::current % 32;
  return emulation::exchange(v, lane % width >= by ? lane - by : lane, mask);
}
static inline unsigned __ballot_sync(unsigned mask, int yes) {
  unsigned votes = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    bool here = lane < emulation::lanes_of_warp();
    int vote = emulation::exchange(yes ? 1 : 0, lane, mask);
    votes |= (here && vote) ? 1u << lane : 0;
  }
  return votes;
}
static inline int __any_sync(unsigned mask, int yes) {
  return __ballot_sync(mask, yes) != 0;
}
static inline int __all_sync(unsigned mask, int yes) {
  return __ballot_sync(mask, !yes) == 0;
}

template <class T>
static inline T atomicAdd(T *p, T v) {
  T old = *p;
  *p += v;
  return old;
}
template <class T>
static inline T atomicMax(T *p, T v) {
  T old = *p;
  *p = std::max(old, v);
  return old;
}
template <class T>
static inline T atomicExch(T *p, T v) {
  T old = *p;
  *p = v;
  return old;
}
template <class T>
static inline T atomicCAS(T *p, T expected, T v) {
  T old = *p;
  if (old == expected) *p = v;
  return old;
}
template <class T>
static inline T __ldg(const T *p) {
  return *p;
}
template <class T>
static inline T __ldcg(const T *p) {
  return *p;
}
static inline void __threadfence() {}
static inline void __threadfence_block() {}
#define __expf(x) expf(x)
#define __logf(x) logf(x)
static inline float __fdividef(float x, float y) { return x / y; }
static inline float __fsqrt_rn(float x) { return sqrtf(x); }
static inline float __fdiv_rn(float x, float y) { return x / y; }
static inline float __fmul_rn(float x, float y) { return x * y; }
static inline float __fadd_rn(float x, float y) { return x + y; }
static inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float __int_as_float(int i) {
  float f;
  memcpy(&f, &i, 4);
  return f;
}
static inline int __float_as_int(float f) {
  int i;
  memcpy(&i, &f, 4);
  return i;
}
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
template <class T>
static inline T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
static inline T max(T a, T b) {
  return a < b ? b : a;
}
