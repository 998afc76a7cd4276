// Kernels of the general CUDA engine: everything of a training step that is no
// matrix product, one launch for what NumPy's lines do in five to ten.
//
// Compiled with -Dreal=float or double (what weights are), -Dpixel=unsigned char,
// float or double (what the data lie as) and -DHALF=0 or 1 (whether products take
// half precision). Rows are examples, members first: row r of a population belongs
// to member r / batch. No sum depends on the order in which threads run: equal
// bits from run to run.

#if HALF && !defined(GPUNET_EMULATION)
typedef unsigned short half_bits;
static __device__ half_bits narrow(float v) {
  half_bits h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(v));
  return h;
}
#elif HALF
typedef _Float16 half_bits;
static half_bits narrow(float v) { return (half_bits)v; }
#else
typedef real half_bits;
static __device__ half_bits narrow(real v) { return v; }
#endif
#define operand half_bits

#define LARGEST ((real)(sizeof(real) == 4 ? 3.4028234e38 : 1.7976931348623157e308))
#define LOWEST (-LARGEST / 8) // what the lesson bounds a logarithm by

// As numbered in lowering.py.
enum { IDENTITY, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, GELU, SILU, SOFTPLUS };
enum { SOFTMAX_CROSS_ENTROPY, SIGMOID_CROSS_ENTROPY, SQUARED };

static __device__ real sigmoid(real z) {
  real e = exp(z > (real)40 ? (real)40 : z);  // as the lesson: small numbers are kept
  return e / (1 + e);
}

static __device__ real gelu_inner(real z) {
  return sigmoid((real)1.5957691216057308 * (z + (real)0.044715 * z * z * z));
}

// Comparisons are written so that NaN passes: fmax would hide it.
static __device__ real activate(int f, real alpha, real z) {
  real below = z < 0 ? z : (real)0, above = z < 0 ? (real)0 : z;
  switch (f) {
    case SIGMOID: return sigmoid(z);
    case TANH: return tanh(z);
    case RELU: return above;
    case LEAKY_RELU: return above + alpha * below;
    case ELU: return above + alpha * expm1(below);
    case GELU: return z * gelu_inner(z);
    case SILU: return z * sigmoid(z);
    case SOFTPLUS: return log1p(exp(-fabs(z))) + above;
  }
  return z;
}

static __device__ real slope(int f, real alpha, real z, real a) {
  switch (f) {
    case SIGMOID: return a * (1 - a);
    case TANH: return 1 - a * a;
    case RELU: return a > 0 ? (real)1 : a;
    case LEAKY_RELU: return z >= 0 ? (real)1 : alpha;
    case ELU: return a > 0 ? (real)1 : a + alpha;
    case GELU: {
      real s = gelu_inner(z);
      real inner = (real)1.5957691216057308 * (1 + (real)0.134145 * z * z);
      return s + z * s * (1 - s) * inner;
    }
    case SILU: {
      real s = sigmoid(z);
      return s + a * (1 - s);
    }
    case SOFTPLUS: return sigmoid(z);
  }
  return 1;
}

// x[r] = scale * data[index[first + r]]: a batch out of the resident data. Block
// (r, m) copies row r of member m, whose indices begin `stride` further on.
extern "C" __global__ void gather(const pixel *data, const long long *index,
                                  operand *x, int features, int stride, int first,
                                  real scale) {
  long long from = index[(long long)blockIdx.y * stride + first + blockIdx.x];
  const pixel *row = data + from * features;
  operand *out = x + ((long long)blockIdx.y * gridDim.x + blockIdx.x) * features;
  for (int k = threadIdx.x; k < features; k += blockDim.x)
    out[k] = narrow((real)row[k] * scale);
}

static __device__ unsigned long long high(unsigned long long a, unsigned long long b) {
#ifdef GPUNET_EMULATION
  return (unsigned __int128)a * b >> 64;
#else
  return __umul64hi(a, b);
#endif
}

// Which activations live: NumPy's Philox (Salmon et al. 2011) with the host's keys,
// so that masks are those of the loop, bit for bit. Its words come in blocks of
// eight halves; thread i makes block i, and keeps those of this layer.
extern "C" __global__ void dropout(const unsigned long long *keys, unsigned char *mask,
                                   int n, long long drawn, long long epoch,
                                   long long step, float rate) {
  long long block = drawn / 8 + (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (block * 8 >= drawn + n) return;
  unsigned long long k0 = keys[2 * blockIdx.y], k1 = keys[2 * blockIdx.y + 1];
  unsigned long long c0 = block + 1, c1 = 0, c2 = step, c3 = epoch;
  for (int round = 0; round < 10; ++round) {
    const unsigned long long m0 = 0xD2E7470EE14C6C93ull, m1 = 0xCA5A826395121157ull;
    unsigned long long high0 = high(m0, c0), high1 = high(m1, c2);
    unsigned long long low0 = m0 * c0, low1 = m1 * c2;
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += 0x9E3779B97F4A7C15ull;
    k1 += 0xBB67AE8584CAA73Bull;
  }
  unsigned long long words[4] = {c0, c1, c2, c3};
  unsigned char *mine = mask + (long long)blockIdx.y * n;
#pragma unroll
  for (int h = 0; h < 8; ++h) {
    long long i = block * 8 + h - drawn;
    unsigned word = (unsigned)(h & 1 ? words[h / 2] >> 32 : words[h / 2]);
    if (i >= 0 && i < n)
      mine[i] = (float)(word >> 8) * (1.0f / 16777216.0f) >= rate;
  }
}

// a = f(z + b), times 1 / (1 - rate) where the mask lets it live. z may be a, where
// the slope needs a alone; narrow_a gets what the next product takes, or is null.
extern "C" __global__ void bias_activation(real *z, const real *b, real *a,
                                           operand *narrow_a,
                                           const unsigned char *mask, int rows,
                                           int batch, int n, int f, real alpha,
                                           real grown) {
  long long total = (long long)rows * n;
  long long step = (long long)gridDim.x * blockDim.x;
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  for (; i < total; i += step) {
    int row = (int)(i / n), column = (int)(i - (long long)row * n);
    real v = z[i] + b[(long long)(row / batch) * n + column];
    if (z != a) z[i] = v;
    v = activate(f, alpha, v);
    if (mask) v *= mask[i] ? grown : (real)0;
    a[i] = v;
    if (narrow_a) narrow_a[i] = narrow(v);
  }
}

// dz = da f'(z) and, over the batch, sums[k] <- keep sums[k] + rate sum of dz[:, k]:
// the bias's gradient (keep 0) or its very step (keep 1, rate < 0). A block takes
// 16 columns of one member, 32 rows at a time.
#define TILE 16
#define ROWS 32
extern "C" __global__ void __launch_bounds__(TILE *ROWS, 1) pullback(
    const real *da, const real *z, const real *a, const unsigned char *mask, real *dz,
    operand *narrow_dz, real *sums, int batch, int n, int f, real alpha, real grown,
    real keep, real rate) {
  __shared__ real part[ROWS][TILE + 1];
  int column = blockIdx.x * TILE + threadIdx.x;
  long long first = (long long)blockIdx.y * batch * n;
  real total = 0;
  if (column < n) {
    for (int row = threadIdx.y; row < batch; row += ROWS) {
      long long i = first + (long long)row * n + column;
      real v = da[i];
      if (mask) v *= mask[i] ? grown : (real)0;
      // Where nothing was silenced a is the stored value over what it grew by.
      if (f != IDENTITY) v *= slope(f, alpha, z[i], mask ? a[i] / grown : a[i]);
      if (f != IDENTITY || mask) dz[i] = v;
      if (narrow_dz) narrow_dz[i] = narrow(v);
      total += v;
    }
  }
  part[threadIdx.y][threadIdx.x] = total;
  __syncthreads();
  for (int half = ROWS / 2; half; half /= 2) {
    if (threadIdx.y < half)
      part[threadIdx.y][threadIdx.x] += part[threadIdx.y + half][threadIdx.x];
    __syncthreads();
  }
  if (threadIdx.y == 0 && column < n) {
    real *out = sums + (long long)blockIdx.y * n + column;
    // A kept value of 0 is not read: what stands there may be no number yet.
    *out = (keep != 0 ? keep * *out : (real)0) + rate * part[0][threadIdx.x];
  }
}

static __device__ real sum_lanes(real v) {
  for (int d = 16; d; d /= 2) v += __shfl_xor_sync(~0u, v, d);
  return v;
}

// The loss of a batch and its slope, dy = scale (d cost / d y), with the last bias
// added first where the loss works on logits. One warp takes a row; the last block
// of a member adds costs and right answers up, in the order of the rows.
#define WARPS 4
extern "C" __global__ void __launch_bounds__(32 * WARPS, 1) loss_slope(
    const real *y, const real *b, const long long *labels, const real *targets,
    const real *weight, real *dy, operand *narrow_dy, real *costs, int *right,
    unsigned *tickets, real *loss, long long *correct, int batch, int n, int stride,
    int first, int kind, real smoothing, real factor, real scale,
    const real *scales) {
  __shared__ bool last;
  __shared__ real cost_part[32 * WARPS];
  __shared__ int hit_part[32 * WARPS];
  int lane = threadIdx.x % 32, member = blockIdx.y;
  int row = blockIdx.x * WARPS + threadIdx.x / 32;
  if (scales) scale = scales[member] / batch;
  if (row < batch) {
    const long long at = (long long)member * batch + row;
    const real *q = y + at * n;
    const long long answer = (long long)member * stride + first + row;
    const int label = labels ? (int)labels[answer] : -1;
    const real w = weight ? weight[answer] : (real)1;
    // The largest logit (and the first such), then the sum of the exponentials.
    real top = -LARGEST, total = 0, cost = 0;
    int best = n;
    for (int k = lane; k < n; k += 32) {
      real v = q[k] + (b ? b[(long long)member * n + k] : (real)0);
      if (v > top) top = v, best = k;
    }
    for (int d = 16; d; d /= 2) {
      real other = __shfl_xor_sync(~0u, top, d);
      int where = __shfl_xor_sync(~0u, best, d);
      if (other > top || (other == top && where < best)) top = other, best = where;
    }
    if (kind == SOFTMAX_CROSS_ENTROPY) {
      for (int k = lane; k < n; k += 32)
        total += exp(q[k] + (b ? b[(long long)member * n + k] : (real)0) - top);
      total = sum_lanes(total);
    }
    for (int k = lane; k < n; k += 32) {
      real v = q[k] + (b ? b[(long long)member * n + k] : (real)0), d;
      real t = labels ? (real)(k == label) : targets[answer * n + k];
      if (kind == SOFTMAX_CROSS_ENTROPY) {
        real s = v - top - log(total);
        t = (1 - smoothing) * t + smoothing / n;
        cost -= t * (s < LOWEST ? LOWEST : s);
        d = exp(v - top) / total - t;
      } else if (kind == SIGMOID_CROSS_ENTROPY) {
        t = (1 - smoothing) * t + (real)0.5 * smoothing;
        cost += (v < 0 ? (real)0 : v) - v * t + log1p(exp(-fabs(v)));
        d = sigmoid(v) - t;
      } else {
        real e = v - t;
        cost += factor * e * e;
        d = 2 * factor * e;
      }
      d *= scale * w;
      dy[at * n + k] = d;
      if (narrow_dy) narrow_dy[at * n + k] = narrow(d);
    }
    cost = sum_lanes(cost);
    if (lane == 0 && costs) {
      costs[at] = cost * w;
      // A single output says yes where its probability is at least a half.
      bool yes = q[0] + (b ? b[member] : (real)0) >= 0;
      right[at] = n > 1 ? best == label : yes == (bool)(long long)targets[answer];
    }
  }
  if (!costs) return;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0)
    last = atomicAdd(&tickets[member], 1u) == gridDim.x - 1;
  __syncthreads();
  if (!last) return;
  __threadfence();
  real cost = 0;
  int hit = 0;
  for (int r = threadIdx.x; r < batch; r += 32 * WARPS) {
    cost += ((volatile real *)costs)[(long long)member * batch + r];
    hit += ((volatile int *)right)[(long long)member * batch + r];
  }
  cost_part[threadIdx.x] = cost;
  hit_part[threadIdx.x] = hit;
  __syncthreads();
  for (int half = 16 * WARPS; half; half /= 2) {
    if (threadIdx.x < half) {
      cost_part[threadIdx.x] += cost_part[threadIdx.x + half];
      hit_part[threadIdx.x] += hit_part[threadIdx.x + half];
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    tickets[member] = 0;
    loss[member] += cost_part[0];
    if (correct) correct[member] += hit_part[0];
  }
}

// What an optimizer moves: row t of `table` holds the addresses of tensor t, its
// gradient, its two memories and its copy in half precision, its size, and whether
// penalties fall on it. Block (i, t) works on tensor t.
#define COLUMNS 7
#define FOR_EACH(i)                                                        \
  const unsigned long long *own = table + COLUMNS * blockIdx.y;            \
  real *p = (real *)own[0];                                                \
  operand *half_p = (operand *)own[4];                                     \
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;     \
       i < (long long)own[5]; i += (long long)gridDim.x * blockDim.x)

static __device__ real sign(real v) { return v > 0 ? (real)1 : v < 0 ? (real)-1 : v; }

extern "C" __global__ void momentum_step(const unsigned long long *table,
                                         const real *factors, real rate, real momentum,
                                         int nesterov, real l2, real l1) {
  rate *= factors[blockIdx.y];
  FOR_EACH(i) {
    real *v = (real *)own[2];
    real d = ((const real *)own[1])[i], q = p[i];
    if (own[6]) d += l2 * q + l1 * sign(q);
    d *= rate;
    real u = -d;
    if (v) v[i] = u = momentum * v[i] - d;
    p[i] = q = q + (nesterov ? momentum * u - d : u);
    if (half_p) half_p[i] = narrow(q);
  }
}

extern "C" __global__ void adam_step(const unsigned long long *table,
                                     const real *factors, real rate, real beta1,
                                     real beta2, real eps, real correction, real decay,
                                     real l2, real l1) {
  rate *= factors[blockIdx.y];
  FOR_EACH(i) {
    real *m = (real *)own[2], *v = (real *)own[3];
    real d = ((const real *)own[1])[i], q = p[i];
    if (own[6]) {
      d += l2 * q + l1 * sign(q);
      q -= rate * (decay * q);
    }
    real mean = m[i] = beta1 * m[i] + (1 - beta1) * d;
    real square = v[i] = beta2 * v[i] + (1 - beta2) * (d * d);
    p[i] = q = q - rate * (correction * mean / (sqrt(square) + eps));
    if (half_p) half_p[i] = narrow(q);
  }
}

// The copies that half-precision products read.
extern "C" __global__ void narrow_weights(const unsigned long long *table) {
  FOR_EACH(i) {
    if (half_p) half_p[i] = narrow(p[i]);
  }
}
