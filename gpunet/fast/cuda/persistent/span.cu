// A span of training steps of small networks in one launch: block i trains network
// i, whose weights stay in registers and shared memory from the first step to the
// last, while the next step's examples are on their way. `generate.py` writes the
// constants, the parameter list and the other parts above this text.

struct Source {
  const Pixel *x;                    // all examples
  const long long *order, *labels;   // those of this launch, in the order of training
  const float *targets, *weights;
  long long n;
};

__device__ __forceinline__ int examples(const Source &from, long long step) {
  long long left = from.n - step * BATCH;
  return left < 0 ? 0 : left < BATCH ? (int)left : BATCH;
}

__device__ __forceinline__ void fetch_order(float *memory, const Source &from,
                                            int step) {
  long long *at = (long long *)(memory + AT_ORDER) + step % 2 * BATCH;
  int n = examples(from, step);
  for (int b = threadIdx.x; b < n; b += THREADS)
    copy_async<8>(at + b, from.order + (long long)step * BATCH + b);
}

__device__ __forceinline__ void fetch(float *memory, const Source &from, int step) {
  constexpr int BYTES = sizeof(Pixel) * N_IN, CHUNK = BYTES % 16 ? 4 : 16;
  constexpr int CHUNKS = BYTES / CHUNK;
  const long long *order = (const long long *)(memory + AT_ORDER) + step % 2 * BATCH;
  int n = examples(from, step), turn = step % 2;
  for (int id = threadIdx.x; id < n * CHUNKS; id += THREADS) {
    int b = id / CHUNKS, c = id % CHUNKS;
    float *rows = memory + (IS_BYTES ? AT_BYTES : AT_X + turn * X_ROWS * X_STRIDE);
    char *to = (char *)rows + b * (IS_BYTES ? BYTES : 4 * X_STRIDE) + c * CHUNK;
    copy_async<CHUNK>(to, (const char *)from.x + order[b] * BYTES + c * CHUNK);
  }
  long long start = (long long)step * BATCH;
  float *answers = memory + AT_ANSWER + turn * ANSWERS;
  if constexpr (LABELS)
    for (int b = threadIdx.x; b < n; b += THREADS)
      copy_async<8>((long long *)answers + b, from.labels + start + b);
  else
    for (int id = threadIdx.x; id < n * N_OUT; id += THREADS)
      copy_async<4>(answers + id, from.targets + start * N_OUT + id);
  if constexpr (WEIGHTED)
    for (int b = threadIdx.x; b < n; b += THREADS)
      copy_async<4>(memory + AT_WEIGHT + turn * BATCH + b, from.weights + start + b);
}

// Bytes become floats once a step, for all that read them.
__device__ __forceinline__ void widen(float *memory, int n, float scale) {
  constexpr int WORDS = N_IN < 4 ? 1 : N_IN / 4;  // of four bytes
  const uchar4 *from = (const uchar4 *)(memory + AT_BYTES);
  for (int id = threadIdx.x; id < n * WORDS; id += THREADS) {
    int b = id / WORDS, i = id % WORDS * 4;
    uchar4 v = from[id];
    *(float4 *)(memory + AT_X + b * X_STRIDE + i) =
        make_float4(v.x * scale, v.y * scale, v.z * scale, v.w * scale);
  }
  __syncthreads();
}

// Call with(shared, global) for each number of the later layers and of all biases.
template <int L, class F>
__device__ __forceinline__ void each_later(float *memory, float *const *W,
                                           float *const *b, const int *at_W,
                                           const int *at_b, int member,
                                           const F &with) {
  constexpr int IN = WIDTH[L], OUT = WIDTH[L + 1], STRIDE = W_STRIDE[L];
  for (int o = threadIdx.x; o < OUT; o += THREADS)
    with(memory[at_b[L] + o], b[L][(long long)member * OUT + o]);
  if constexpr (L > 0)
    for (int id = threadIdx.x; id < IN * OUT; id += THREADS)
      with(memory[at_W[L] + id / OUT * STRIDE + id % OUT],
           W[L][(long long)member * IN * OUT + id]);
  if constexpr (L + 1 < LAYERS)
    each_later<L + 1>(memory, W, b, at_W, at_b, member, with);
}

// The whole block's sum, in a fixed order; for thread 0.
__device__ __forceinline__ float block_sum(float *memory, float v) {
  v = warp_sum(v);
  __syncthreads();
  if (threadIdx.x % 32 == 0) memory[AT_SUMS + threadIdx.x / 32] = v;
  __syncthreads();
  float total = 0.0f;
  for (int k = 0; k < WARPS; ++k) total += memory[AT_SUMS + k];
  return total;
}

// `order`, `labels` or `targets` and `weights` hold the examples of a loaded span, each
// network's `stride` after the other's (0: all share them); this launch takes `n` from
// `first` on. `rates` holds the learning rate of each step and network, with a stride
// of 0 where they share it. Then come all networks' tensors: PARAMETERS.
extern "C" __global__ void __launch_bounds__(THREADS, 1) gpunet_span(
    const Pixel *x, float scale, const long long *order, const long long *labels,
    const float *targets, const float *weights, long long stride, long long first,
    long long n_examples, const float *rates, int rate_step, int rate_member,
    const float *momenta, const float *penalties, int keeps_norm, float *losses,
    long long *n_correct, float *norms, PARAMETERS) {
  DYNAMIC_SHARED(float, memory);
  int member = blockIdx.x;
  for (int i = threadIdx.x; i < ZEROED; i += THREADS) memory[i] = 0.0f;
  __syncthreads();
  First w;
  float *const weight[] = {WEIGHTS}, *const bias[] = {BIASES};
  float *mine = weight[0] + (long long)member * N_IN * WIDTH_1;
  auto later = [](float &here, float &there) { here = there; };
  each_weight(w, [&](int k, bool there, int at, float *kept) {
    float value = there ? mine[at] : 0.0f;
    if (kept) *kept = value;
    else *shared_weight(memory, k / (4 * OUTS), k / OUTS % 4, k % OUTS) = value;
  });
  each_later<0>(memory, weight, bias, AT_W, AT_BIAS, member, later);
#if HAS_MOMENTUM
  float *const w_speed[] = {WEIGHT_VELOCITIES}, *const b_speed[] = {BIAS_VELOCITIES};
  float *velocity = memory + AT_VELOCITY + threadIdx.x;
  float *speed = w_speed[0] + (long long)member * N_IN * WIDTH_1;
  each_weight(w, [&](int k, bool there, int at, float *) {
    velocity[k * THREADS] = there ? speed[at] : 0.0f;
  });
  each_later<0>(memory, w_speed, b_speed, AT_W_VELOCITY, AT_BIAS_VELOCITY, member,
                later);
#endif
  long long begin = member * stride + first;
  Source from = {x, order + begin, nullptr, nullptr, nullptr, n_examples};
  if (LABELS) from.labels = labels + begin;
  else from.targets = targets + begin * N_OUT;
  if (WEIGHTED) from.weights = weights + begin;
  int n_steps = (int)((n_examples + BATCH - 1) / BATCH);
  Rule rule = {0.0f, momenta[member], penalties[member], false, 0.0f};
  float loss = losses[member];
  long long correct = n_correct[member];
  fetch_order(memory, from, 0);
  copies_arrived();
  fetch(memory, from, 0);
  fetch_order(memory, from, 1);
#pragma unroll 1
  for (int step = 0; step < n_steps; ++step) {
    rule.rate = rates[(long long)step * rate_step + member * rate_member];
    rule.keeps_norm = keeps_norm && step == n_steps - 1;
    copies_arrived();
    int turn = step % 2, n = examples(from, step);
    const float *answer = memory + AT_ANSWER + turn * ANSWERS;
    Batch batch = {memory + AT_X + (IS_BYTES ? 0 : turn * X_ROWS * X_STRIDE),
                   (const long long *)answer, answer,
                   memory + AT_WEIGHT + turn * BATCH, n};
    if constexpr (IS_BYTES) widen(memory, n, scale);
    fetch(memory, from, step + 1);
    fetch_order(memory, from, step + 2);
    first_forward(memory, batch, w);
    if constexpr (LAYERS > 1) forward<1>(memory, n);
    compare_all(memory, batch);
    if (COMPUTE_METRICS && threadIdx.x < 32) {
      float cost = 0.0f, right = 0.0f;
      for (int b = threadIdx.x; b < n; b += 32) {
        cost += memory[AT_COST + b];
        right += memory[AT_COST + BATCH + b];
      }
      loss += warp_sum(cost) / n * n;
      correct += (int)warp_sum(right);
    }
    if constexpr (LAYERS > 1) back<LAYERS - 1>(memory, n, rule);
    update_bias<0>(memory, n, rule);
    first_update(memory, batch, w, rule);
  }
  float norm = block_sum(memory, rule.norm);
  if (threadIdx.x == 0) {
    losses[member] = loss;
    n_correct[member] = correct;
    if (keeps_norm) norms[member] = sqrtf(norm);
  }
  each_weight(w, [&](int k, bool there, int at, float *kept) {
    if (there)
      mine[at] = kept ? *kept
                      : *shared_weight(memory, k / (4 * OUTS), k / OUTS % 4, k % OUTS);
  });
  auto back_again = [](float &here, float &there) { there = here; };
  each_later<0>(memory, weight, bias, AT_W, AT_BIAS, member, back_again);
#if HAS_MOMENTUM
  each_weight(w, [&](int k, bool there, int at, float *) {
    if (there) speed[at] = velocity[k * THREADS];
  });
  each_later<0>(memory, w_speed, b_speed, AT_W_VELOCITY, AT_BIAS_VELOCITY, member,
                back_again);
#endif
}
