// Random numbers: those of NumPy, so that a seed starts and shuffles here as it does in
// gpunet: default initial weights are uniform, an epoch's order is a permutation.
//
// SeedSequence and PCG64 (O'Neill 2014, XSL-RR 128/64) as NumPy documents them.
page.training ??= {};

const PURPOSES = { init: 0, shuffle: 1, points: 9 }; // as in gpunet/random.py
const POOL = 4; // words of 32 bits
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;

// Return a function that hashes a word, each time with other constants.
function hasher(constant, multiplier) {
  return (word) => {
    word ^= constant;
    constant = Math.imul(constant, multiplier);
    word = Math.imul(word, constant);
    return word ^ (word >>> 16);
  };
}

function mix(x, y) {
  const word = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
  return word ^ (word >>> 16);
}

function words(number) {
  const parts = [];
  for (let rest = BigInt(number); rest > 0n; rest >>= 32n)
    parts.push(Number(rest & 0xffffffffn));
  return parts.length ? parts : [0];
}

// Return the pool of SeedSequence(seed, spawn_key=key).
function seedPool(seed, key) {
  const entropy = words(seed);
  while (entropy.length < POOL) entropy.push(0);
  entropy.push(...key.flatMap(words));
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = entropy.slice(0, POOL).map(hash);
  for (let from = 0; from < POOL; from++)
    for (let to = 0; to < POOL; to++)
      if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  for (const word of entropy.slice(POOL))
    for (let to = 0; to < POOL; to++) pool[to] = mix(pool[to], hash(word));
  return pool;
}

// The generator that gpunet keys by (seed, purpose, epoch).
page.training.Random = class Random {
  constructor(seed, purpose, ...keys) {
    const pool = seedPool(seed, [PURPOSES[purpose], keys.length, ...keys]);
    const hash = hasher(0x8b51f9dd, 0x58f38ded);
    const state = Array.from({ length: 8 }, (_, k) => BigInt(hash(pool[k % POOL]) >>> 0));
    const long = (k) => (((state[k + 1] << 32n) | state[k]) << 64n) | (state[k + 3] << 32n) | state[k + 2];
    this.increment = ((long(4) << 1n) | 1n) & MASK_128;
    this.state = (this.increment + long(0)) & MASK_128;
    this.advance();
    this.half = null; // 32 bits that were not used yet
  }

  advance() {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK_128;
  }

  bits64() {
    this.advance();
    const word = (this.state >> 64n) ^ (this.state & MASK_64);
    const turn = this.state >> 122n;
    return ((word >> turn) | (word << (64n - turn))) & MASK_64;
  }

  bits32() {
    if (this.half !== null) {
      const bits = this.half;
      this.half = null;
      return bits;
    }
    const bits = this.bits64();
    this.half = Number(bits >> 32n);
    return Number(bits & 0xffffffffn);
  }

  // A number in [0, 1).
  random() {
    return Number(this.bits64() >> 11n) / 2 ** 53;
  }

  uniform(low, high, n) {
    return Float64Array.from({ length: n }, () => low + (high - low) * this.random());
  }

  // A standard normal number (Box and Muller 1958); NumPy draws these otherwise.
  normal() {
    const radius = Math.sqrt(-2 * Math.log(1 - this.random()));
    return radius * Math.cos(2 * Math.PI * this.random());
  }

  // A whole number from 0 to most, below 2^31: masked bits until they are not more.
  whole(most) {
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    let value = this.bits32() & mask;
    while (value > most) value = this.bits32() & mask;
    return value;
  }

  permutation(n) {
    const order = Array.from({ length: n }, (_, k) => k);
    for (let k = n - 1; k > 0; k--) {
      const other = this.whole(k);
      [order[k], order[other]] = [order[other], order[k]];
    }
    return order;
  }
};
