// What all parts of the persistent kernel use: constants of the plan that
// `generate.py` wrote above, copies that run ahead, activations, the optimizer's rule.

#ifndef GPUNET_EMULATION
#define DYNAMIC_SHARED(type, name)                                 \
  extern __shared__ __align__(16) unsigned char gpunet_shared[]; \
  type *name = (type *)gpunet_shared
#endif

constexpr int WARPS = THREADS / 32, LANES_IN = 32 / LANES_OUT;
constexpr int SLOTS = WARPS * LANES_IN, ROW = LANES_OUT * OUTS;  // ROW: neurons, padded
constexpr int N_IN = WIDTH[0], WIDTH_1 = WIDTH[1], N_OUT = WIDTH[LAYERS];
constexpr int X_ROWS = (BATCH + TILE - 1) / TILE * TILE;
constexpr int SINGLES_AT = 4 * FOURS * SLOTS;  // the first input of the singles
constexpr int PER_LANE = (TILE * OUTS + LANES_IN - 1) / LANES_IN;  // of partial sums
constexpr int SUMS = PER_LANE * LANES_IN;
constexpr int IN_SHARED = FOURS - FOURS_KEPT;  // rounds whose weights are not registers
constexpr int ANSWERS = BATCH * (LABELS ? 2 : N_OUT);  // words of a batch
constexpr float LARGEST = 3.402823466e38f;

template <int BYTES>
__device__ __forceinline__ void copy_async(void *to, const void *from) {
#if !defined(GPUNET_EMULATION) && __CUDA_ARCH__ >= 800
  unsigned at = (unsigned)__cvta_generic_to_shared(to);
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(at), "l"(from),
               "n"(BYTES)
               : "memory");
#else
  if constexpr (BYTES == 16) *(uint4 *)to = *(const uint4 *)from;
  if constexpr (BYTES == 8) *(long long *)to = *(const long long *)from;
  if constexpr (BYTES == 4) *(int *)to = *(const int *)from;
#endif
}

__device__ __forceinline__ void copies_arrived() {
#if !defined(GPUNET_EMULATION) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
  __syncthreads();
}

// N floats that begin at a multiple of N (of 4 where N is more).
template <int N>
__device__ __forceinline__ void load(float (&to)[N], const float *from) {
  if constexpr (N % 4 == 0) {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
      float4 v = *(const float4 *)(from + i);
      to[i] = v.x, to[i + 1] = v.y, to[i + 2] = v.z, to[i + 3] = v.w;
    }
  } else if constexpr (N % 2 == 0) {
#pragma unroll
    for (int i = 0; i < N; i += 2) {
      float2 v = *(const float2 *)(from + i);
      to[i] = v.x, to[i + 1] = v.y;
    }
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) to[i] = from[i];
  }
}

__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int d = 16; d; d /= 2) v += __shfl_xor_sync(~0u, v, d);
  return v;
}

__device__ __forceinline__ float sigmoid(float z) {
  float e = expf(z > 40.0f ? 40.0f : z);  // as the lesson: small numbers are kept
  return e / (1.0f + e);
}

// a = f(z) and its slope. Comparisons are written so that NaN stays NaN.
template <int KIND>
__device__ __forceinline__ float activate(float z, float alpha, float &slope) {
  if constexpr (KIND == SIGMOID) {
    float a = sigmoid(z);
    slope = a * (1.0f - a);
    return a;
  } else if constexpr (KIND == TANH) {
    float a = tanhf(z);
    slope = 1.0f - a * a;
    return a;
  } else if constexpr (KIND == RELU) {
    slope = z > 0.0f ? 1.0f : (z <= 0.0f ? 0.0f : z);
    return z <= 0.0f ? 0.0f : z;
  } else if constexpr (KIND == LEAKY_RELU) {
    slope = z >= 0.0f ? 1.0f : alpha;
    return z >= 0.0f ? z : alpha * z;
  }
  slope = 1.0f;
  return z;
}

struct Rule {  // of the optimizer, for this network and step
  float rate, momentum, l2;
  bool keeps_norm;
  float norm;  // this thread's part of the gradient's square
};

// p moves against its gradient g; v is its velocity.
template <bool PENALIZED>
__device__ __forceinline__ void move(float &p, float &v, float g, Rule &rule) {
  if (rule.keeps_norm) rule.norm += g * g;
  if constexpr (PENALIZED && HAS_L2) g += rule.l2 * p;
  if constexpr (HAS_MOMENTUM) {
    g *= rule.rate;
    v = rule.momentum * v - g;
    p += NESTEROV ? rule.momentum * v - g : v;
  } else {
    p -= rule.rate * g;
  }
}

struct Batch {  // one mini-batch in shared memory
  const float *x;
  const long long *label;
  const float *target, *weight;
  int n;
};
