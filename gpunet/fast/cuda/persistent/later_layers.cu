// The later layers, whose weights lie in shared memory and which are small: one thread
// for each result. Then the loss, a warp for each example.

template <int L>
__device__ __forceinline__ void forward(float *memory, int n) {
  constexpr int IN = WIDTH[L], OUT = WIDTH[L + 1], STRIDE = W_STRIDE[L];
  constexpr int D_ROW = D_STRIDE[L + 1];
  const float *W = memory + AT_W[L], *bias = memory + AT_BIAS[L];
  for (int id = threadIdx.x; id < n * OUT; id += THREADS) {
    int b = id / OUT, o = id % OUT;
    const float *a = memory + AT_A[L] + b * IN;
    float z = 0.0f, s;
#pragma unroll 8
    for (int i = 0; i < IN; ++i) z += a[i] * W[i * STRIDE + o];
    memory[AT_A[L + 1] + id] = activate<ACT[L]>(z + bias[o], ALPHA[L], s);
    memory[AT_D[L + 1] + b * D_ROW + o] = s;
  }
  __syncthreads();
  if constexpr (L + 1 < LAYERS) forward<L + 1>(memory, n);
}

// dz of layer L's neurons from those after them: (dz W^T) times the slope kept there.
// Beyond a short batch the last layer's are 0, and so are these.
template <int L>
__device__ __forceinline__ void backward(float *memory) {
  constexpr int IN = WIDTH[L], OUT = WIDTH[L + 1], STRIDE = W_STRIDE[L];
  constexpr int D_ROW = D_STRIDE[L], D_NEXT = D_STRIDE[L + 1];
  for (int id = threadIdx.x; id < BATCH * IN; id += THREADS) {
    int b = id / IN, i = id % IN;
    const float *d = memory + AT_D[L + 1] + b * D_NEXT;
    const float *W = memory + AT_W[L] + i * STRIDE;
    float da = 0.0f;
#pragma unroll 8
    for (int o = 0; o < OUT; ++o) da += d[o] * W[o];
    memory[AT_D[L] + b * D_ROW + i] *= da;
  }
  __syncthreads();
}

template <int L>
__device__ __forceinline__ void update_bias(float *memory, int n, Rule &rule) {
  constexpr int OUT = WIDTH[L + 1], D_ROW = D_STRIDE[L + 1];
  float none = 0.0f;
  // From the last thread on, as the first ones have weights to move.
  for (int o = THREADS - 1 - threadIdx.x; o < OUT; o += THREADS) {
    float g = 0.0f;
    for (int b = 0; b < n; ++b) g += memory[AT_D[L + 1] + b * D_ROW + o];
    float &v = HAS_MOMENTUM ? memory[AT_BIAS_VELOCITY[L] + o] : none;
    move<false>(memory[AT_BIAS[L] + o], v, g, rule);
  }
}

template <int L>
__device__ __forceinline__ void update(float *memory, int n, Rule &rule) {
  constexpr int IN = WIDTH[L], OUT = WIDTH[L + 1], STRIDE = W_STRIDE[L];
  constexpr int D_ROW = D_STRIDE[L + 1];
  float none = 0.0f;
  for (int id = threadIdx.x; id < IN * OUT; id += THREADS) {
    int i = id / OUT, o = id % OUT;
    float g = 0.0f;
#pragma unroll 5
    for (int b = 0; b < n; ++b)
      g += memory[AT_A[L] + b * IN + i] * memory[AT_D[L + 1] + b * D_ROW + o];
    float &v = HAS_MOMENTUM ? memory[AT_W_VELOCITY[L] + i * STRIDE + o] : none;
    move<true>(memory[AT_W[L] + i * STRIDE + o], v, g, rule);
  }
}

// Layers L to 1, from the last: a layer moves while the one before it finds its dz.
template <int L>
__device__ __forceinline__ void back(float *memory, int n, Rule &rule) {
  backward<L>(memory);
  update<L>(memory, n, rule);
  update_bias<L>(memory, n, rule);
  if constexpr (L > 1) back<L - 1>(memory, n, rule);
}

constexpr int EACH = (N_OUT + 31) / 32;  // outputs of a lane

__device__ __forceinline__ bool right(const float (&y)[EACH], float t, int label) {
  if constexpr (ACCURACY == THRESHOLD) {
    float p = LOSS == SIGMOID_CROSS_ENTROPY ? sigmoid(y[0]) : y[0];
    return (p >= 0.5f) == (int)t;  // of lane 0, the only output's
  }
  float best = y[0];
  int at = threadIdx.x % 32;
#pragma unroll
  for (int k = 1; k < EACH; ++k)
    if (y[k] > best) best = y[k], at = threadIdx.x % 32 + 32 * k;
#pragma unroll
  for (int d = 16; d; d /= 2) {
    float other = __shfl_xor_sync(~0u, best, d);
    int there = __shfl_xor_sync(~0u, at, d);
    if (other > best || (other == best && there < at)) best = other, at = there;
  }
  return at == label;
}

// The slope of each output's cost, and the example's whole cost.
__device__ __forceinline__ float compare(float (&y)[EACH], const float (&t)[EACH]) {
  int lane = threadIdx.x % 32;
  float cost = 0.0f, top = -LARGEST, total = 0.0f;
  if constexpr (LOSS == SOFTMAX_CROSS_ENTROPY) {
#pragma unroll
    for (int k = 0; k < EACH; ++k)
      if (!(y[k] <= top)) top = y[k];
#pragma unroll
    for (int d = 16; d; d /= 2) {
      float other = __shfl_xor_sync(~0u, top, d);
      if (!(other <= top)) top = other;
    }
#pragma unroll
    for (int k = 0; k < EACH; ++k)
      total += lane + 32 * k < N_OUT ? expf(y[k] - top) : 0.0f;
    total = warp_sum(total);
  }
#pragma unroll
  for (int k = 0; k < EACH; ++k) {
    if (lane + 32 * k >= N_OUT) continue;
    if constexpr (LOSS == SOFTMAX_CROSS_ENTROPY) {
      float wanted = (1.0f - SMOOTHING) * t[k] + SMOOTHING / N_OUT, s = y[k] - top;
      if (COMPUTE_METRICS) {
        float p = s - logf(total);
        cost -= wanted * (p < -LARGEST / 8 ? -LARGEST / 8 : p);
      }
      y[k] = expf(s) / total - wanted;
    } else if constexpr (LOSS == SIGMOID_CROSS_ENTROPY) {
      float wanted = (1.0f - SMOOTHING) * t[k] + 0.5f * SMOOTHING;
      if (COMPUTE_METRICS)
        cost += (y[k] <= 0.0f ? 0.0f : y[k]) - y[k] * wanted +
                log1pf(expf(-fabsf(y[k])));
      y[k] = sigmoid(y[k]) - wanted;
    } else {
      float e = y[k] - t[k];
      cost += SQUARE_FACTOR * e * e;
      y[k] = 2.0f * SQUARE_FACTOR * e;
    }
  }
  return COMPUTE_METRICS ? warp_sum(cost) : 0.0f;
}

// dz of the last layer; costs and right answers of the examples.
__device__ __forceinline__ void compare_all(float *memory, const Batch &batch) {
  int lane = threadIdx.x % 32;
  constexpr int D_ROW = D_STRIDE[LAYERS];
  for (int b = threadIdx.x / 32; b < BATCH; b += WARPS) {
    float y[EACH], t[EACH], *dz = memory + AT_D[LAYERS] + b * D_ROW;
    bool there = b < batch.n;
    int label = LABELS && there ? (int)batch.label[b] : 0;
#pragma unroll
    for (int k = 0; k < EACH; ++k) {
      int o = lane + 32 * k;
      bool mine = there && o < N_OUT;
      y[k] = mine ? memory[AT_A[LAYERS] + b * N_OUT + o] : -LARGEST;
      t[k] = 0.0f;
      if (LABELS) t[k] = N_OUT == 1 ? label : o == label;
      else if (mine) t[k] = batch.target[b * N_OUT + o];
    }
    bool hit = ACCURACY && there && right(y, t[0], label);
    float cost = compare(y, t), weight = 1.0f;
    if (WEIGHTED && there) weight = batch.weight[b];
#pragma unroll
    for (int k = 0; k < EACH; ++k) {
      int o = lane + 32 * k;
      if (o >= N_OUT) continue;
      float d = y[k] / batch.n;
      if (WEIGHTED) d *= weight;
      dz[o] = there ? d * dz[o] : 0.0f;
    }
    if (COMPUTE_METRICS && lane == 0) {
      memory[AT_COST + b] = there ? (WEIGHTED ? cost * weight : cost) : 0.0f;
      memory[AT_COST + BATCH + b] = hit;
    }
  }
  __syncthreads();
}
