// The first layer, where the work is: a warp's lanes are LANES_OUT groups of OUTS
// neurons by LANES_IN slots; slot s of all WARPS * LANES_IN holds, in round r, inputs
// 4 (r SLOTS + s) to + 3, and one input for each round of singles. What x a thread
// reads serves OUTS neurons, and what it accumulates serves TILE examples: 4 x OUTS x
// TILE products for TILE reads of 16 bytes. Partial sums meet in a fixed order, so
// that a network gives the same bits whoever trains beside it.

struct First {
  float four[FOURS_KEPT ? FOURS_KEPT : 1][4][OUTS], single[SINGLES ? SINGLES : 1][OUTS];
};

struct Place {  // of a thread in the first layer
  int warp, slot, out;
};

__device__ __forceinline__ Place place() {
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  return {warp, warp * LANES_IN + lane / LANES_OUT, lane % LANES_OUT * OUTS};
}

// Whether a warp has any input in a round of singles.
__device__ __forceinline__ bool any_single(int round, int warp) {
  return SINGLES_AT + round * SLOTS + warp * LANES_IN < N_IN;
}

// Keep the compiler from holding a hundred addresses in registers over all steps.
__device__ __forceinline__ int anew(int value) {
#ifndef GPUNET_EMULATION
  asm volatile("" : "+r"(value));
#endif
  return value;
}

// Call with(k, whether there is such a weight, its place in W, register or nullptr)
// for each of a thread's weights, counted by k.
template <class F>
__device__ __forceinline__ void each_weight(First &w, const F &with) {
  Place at = place();
  int slot = anew(at.slot), out = anew(at.out);
#pragma unroll
  for (int r = 0; r < FOURS; ++r)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int u = 0; u < OUTS; ++u)
        with((4 * r + j) * OUTS + u, out + u < WIDTH_1,
             4 * slot * WIDTH_1 + out + (4 * r * SLOTS + j) * WIDTH_1 + u,
             r < FOURS_KEPT ? &w.four[r < FOURS_KEPT ? r : 0][j][u] : nullptr);
#pragma unroll
  for (int r = 0; r < SINGLES; ++r)
#pragma unroll
    for (int u = 0; u < OUTS; ++u)
      with((4 * FOURS + r) * OUTS + u,
           out + u < WIDTH_1 && SINGLES_AT + r * SLOTS + slot < N_IN,
           slot * WIDTH_1 + out + (SINGLES_AT + r * SLOTS) * WIDTH_1 + u,
           &w.single[r][u]);
}

template <int N>
__device__ __forceinline__ void add_products(float (&z)[TILE][OUTS], const float *x,
                                             const float (&w)[N][OUTS]) {
#pragma unroll
  for (int b = 0; b < TILE; ++b) {
    float xs[N];
    load<N>(xs, x + b * X_STRIDE);
#pragma unroll
    for (int i = 0; i < N; ++i)
#pragma unroll
      for (int u = 0; u < OUTS; ++u) z[b][u] += xs[i] * w[i][u];
  }
}

// Weights of a round that lies in shared memory, one word for each thread in a row.
__device__ __forceinline__ float *shared_weight(float *memory, int round, int j,
                                                int u) {
  return memory + AT_FIRST + (((round - FOURS_KEPT) * 4 + j) * OUTS + u) * THREADS +
         threadIdx.x;
}

// Halve the values each lane holds with each exchange, until every sum over LANES_IN
// lanes stands in one of them; return the index of its first.
template <int D, int N>
__device__ __forceinline__ int sum_over_slots(float (&v)[SUMS]) {
  if constexpr (D == 32) {
    return 0;
  } else {
    bool upper = threadIdx.x & D;
#pragma unroll
    for (int i = 0; i < N / 2; ++i) {
      float given = upper ? v[i] : v[i + N / 2], kept = upper ? v[i + N / 2] : v[i];
      v[i] = kept + __shfl_xor_sync(~0u, given, D);
    }
    return (upper ? N / 2 : 0) + sum_over_slots<2 * D, N / 2>(v);
  }
}

// z = x W of one tile, summed over the inputs; ends with the sums in shared memory.
__device__ __forceinline__ void first_products(float *memory, const float *x,
                                               First &w) {
  Place at = place();
  float z[TILE][OUTS];
#pragma unroll
  for (int b = 0; b < TILE; ++b)
#pragma unroll
    for (int u = 0; u < OUTS; ++u) z[b][u] = 0.0f;
#pragma unroll
  for (int r = 0; r < FOURS; ++r) {
    const float *mine = x + (r * SLOTS + at.slot) * 4;
    if constexpr (IN_SHARED == 0) {
      add_products<4>(z, mine, w.four[r < FOURS_KEPT ? r : 0]);
    } else if (r < FOURS_KEPT) {
      add_products<4>(z, mine, w.four[r < FOURS_KEPT ? r : 0]);
    } else {
      float far[4][OUTS];
#pragma unroll
      for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int u = 0; u < OUTS; ++u) far[j][u] = *shared_weight(memory, r, j, u);
      add_products<4>(z, mine, far);
    }
  }
#pragma unroll
  for (int r = 0; r < SINGLES; ++r)
    if (any_single(r, at.warp)) {
      float one[1][OUTS];
#pragma unroll
      for (int u = 0; u < OUTS; ++u) one[0][u] = w.single[r][u];
      add_products<1>(z, x + SINGLES_AT + r * SLOTS + at.slot, one);
    }
  float v[SUMS];
#pragma unroll
  for (int e = 0; e < SUMS; ++e)
    v[e] = e < TILE * OUTS ? z[e / OUTS % TILE][e % OUTS] : 0.0f;
  int first = sum_over_slots<LANES_OUT, SUMS>(v), column = threadIdx.x % LANES_OUT;
  float *sums = memory + AT_SUMS + at.warp * SUMS * LANES_OUT;
#pragma unroll
  for (int i = 0; i < PER_LANE; ++i) sums[(first + i) * LANES_OUT + column] = v[i];
}

__device__ __forceinline__ void first_forward(float *memory, const Batch &batch,
                                              First &w) {
  const float *bias = memory + AT_BIAS[0];
  float *a = memory + AT_A[1], *slope = memory + AT_D[1];
#pragma unroll 1
  for (int start = 0; start < batch.n; start += TILE) {
    first_products(memory, batch.x + start * X_STRIDE, w);
    __syncthreads();
    for (int id = threadIdx.x; id < SUMS * LANES_OUT; id += THREADS) {
      int e = id / LANES_OUT, b = start + e / OUTS;
      int o = id % LANES_OUT * OUTS + e % OUTS;
      if (e >= TILE * OUTS || b >= BATCH || o >= WIDTH_1) continue;
      float z = 0.0f, s;
#pragma unroll
      for (int k = 0; k < WARPS; ++k)
        z += memory[AT_SUMS + k * SUMS * LANES_OUT + id];
      a[b * WIDTH_1 + o] = activate<ACT[0]>(z + bias[o], ALPHA[0], s);
      slope[b * ROW + o] = s;
    }
    __syncthreads();
  }
}

// The gradient of N inputs' weights: x^T d over the batch, d in registers or shared.
template <int N>
__device__ __forceinline__ void gradient(float (&g)[N][OUTS], const float *x,
                                         const float (&d)[TILE][OUTS],
                                         const float *deltas, int n) {
#pragma unroll
  for (int i = 0; i < N; ++i)
#pragma unroll
    for (int u = 0; u < OUTS; ++u) g[i][u] = 0.0f;
  if constexpr (TILE >= BATCH) {
#pragma unroll
    for (int b = 0; b < BATCH; ++b) {
      float xs[N];
      load<N>(xs, x + b * X_STRIDE);
#pragma unroll
      for (int i = 0; i < N; ++i)
#pragma unroll
        for (int u = 0; u < OUTS; ++u) g[i][u] += xs[i] * d[b][u];
    }
  } else {
#pragma unroll 4
    for (int b = 0; b < n; ++b) {
      float xs[N], far[OUTS];
      load<N>(xs, x + b * X_STRIDE);
      load<OUTS>(far, deltas + b * ROW);
#pragma unroll
      for (int i = 0; i < N; ++i)
#pragma unroll
        for (int u = 0; u < OUTS; ++u) g[i][u] += xs[i] * far[u];
    }
  }
}

__device__ __forceinline__ void first_update(float *memory, const Batch &batch,
                                             First &w, Rule &rule) {
  Place at = place();
  const float *deltas = memory + AT_D[1] + at.out;
  float *velocity = memory + AT_VELOCITY + threadIdx.x, d[TILE][OUTS], none = 0.0f;
  if constexpr (TILE >= BATCH)
#pragma unroll
    for (int b = 0; b < BATCH; ++b) load<OUTS>(d[b], deltas + b * ROW);
#pragma unroll
  for (int r = 0; r < FOURS; ++r) {
    float g[4][OUTS];
    gradient<4>(g, batch.x + (r * SLOTS + at.slot) * 4, d, deltas, batch.n);
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int u = 0; u < OUTS; ++u) {
        float &v = HAS_MOMENTUM ? velocity[((4 * r + j) * OUTS + u) * THREADS] : none;
        if (r < FOURS_KEPT)
          move<true>(w.four[r < FOURS_KEPT ? r : 0][j][u], v, g[j][u], rule);
        else
          move<true>(*shared_weight(memory, r, j, u), v, g[j][u], rule);
      }
  }
#pragma unroll
  for (int r = 0; r < SINGLES; ++r)
    if (any_single(r, at.warp)) {
      float g[1][OUTS];
      gradient<1>(g, batch.x + SINGLES_AT + r * SLOTS + at.slot, d, deltas, batch.n);
#pragma unroll
      for (int u = 0; u < OUTS; ++u) {
        float &v =
            HAS_MOMENTUM ? velocity[((4 * FOURS + r) * OUTS + u) * THREADS] : none;
        move<true>(w.single[r][u], v, g[0][u], rule);
      }
    }
}
