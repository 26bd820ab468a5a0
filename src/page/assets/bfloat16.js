// Convolution and dense layers of a network with train.precision: bf16, bit for bit as the program computes them: the
// rules are in src/kernels/products.h.

const oneFloat = new Float32Array(1), itsBits = new Uint32Array(oneFloat.buffer);

// The nearest bfloat16, ties to even; +0 where |v| < 2^-50. What is no number stays none.
function bfloat16(v) {
  oneFloat[0] = v;
  const bits = itsBits[0], magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return v;
  if (magnitude < 127 - 50 << 23)
    return 0;
  itsBits[0] = bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000;
  return oneFloat[0];
}

// A chain of fused multiply-adds in float32: sums[u] = fma(values[k], weights[places[k] + u], sums[u]) for k < n.
// Math.fround(a * b + c) is the fused one here. a * b of two bfloat16 has 16 bits, so a double holds it. Their sum
// with c, of 24 bits, can lose bits in a double only where one of the two lies more than 2^28 below the other; then
// it is less than a sixteenth of the larger one's last place as a float, and both roundings give the larger one.
function addChain(sums, weights, values, places, n) {
  const units = sums.length, fround = Math.fround;
  let k = 0;
  for (; k + 4 <= n; k += 4) {
    const a = values[k], b = values[k + 1], c = values[k + 2], d = values[k + 3];
    let p = places[k], q = places[k + 1], r = places[k + 2], s = places[k + 3];
    for (let u = 0; u < units; u++) {
      let sum = fround(a * weights[p++] + sums[u]);
      sum = fround(b * weights[q++] + sum);
      sum = fround(c * weights[r++] + sum);
      sums[u] = fround(d * weights[s++] + sum);
    }
  }
  for (; k < n; k++)
    for (let u = 0, p = places[k]; u < units; u++)
      sums[u] = fround(values[k] * weights[p++] + sums[u]);
}

// a * b + c of float32, rounded once to float32. The double holds a * b; what their sum loses there (Knuth's two-sum)
// matters only where it lies in the middle between two floats.
function fusedMultiplyAdd(a, b, c) {
  const product = a * b, sum = product + c, rounded = Math.fround(sum);
  const part = sum - product, lost = product - (sum - part) + (c - part);
  const other = rounded + 2 * (sum - rounded);
  if (lost === 0 || sum === rounded || Math.fround(other) !== other)
    return rounded;
  return lost > 0 === sum > rounded ? other : rounded;
}

// As addProducts(), for convolutions with groups: float32 as ever.
function addFused(sums, weights, values, places, n) {
  for (let k = 0; k < n; k++)
    for (let u = 0, p = places[k]; u < sums.length; u++)
      sums[u] = fusedMultiplyAdd(values[k], weights[p++], sums[u]);
}

// A sum over blocks of 32 elements, in each a chain over the even and one over the odd ones. Zeros change no bit and
// are left out.
function blockSums(units) {
  const chains = [0, 1].map(() => ({n: 0, values: new Float64Array(16), places: new Int32Array(16)}));
  const sums = new Float32Array(units), parts = [new Float32Array(units), new Float32Array(units)];
  let block = 0;
  function close(weights) {
    if (chains[0].n + chains[1].n === 0)
      return;
    chains.forEach((chain, odd) => {
      parts[odd].fill(0);
      addChain(parts[odd], weights, chain.values, chain.places, chain.n);
      chain.n = 0;
    });
    for (let u = 0; u < units; u++)
      sums[u] += Math.fround(parts[0][u] + parts[1][u]);
  }
  return {
    sums, close,
    // Element number `at`, counted over all blocks, in ascending order.
    add(at, value, place, weights) {
      if (at >> 5 !== block) {
        close(weights);
        block = at >> 5;
      }
      const chain = chains[at & 1];
      chain.values[chain.n] = value;
      chain.places[chain.n++] = place;
    },
    start() {
      sums.fill(0);
      block = 0;
    }
  };
}

// rows and columns as windowed() gives them; lie: how the input lies there, {channels, stored}, stored with the
// channels that fill up a block of 16.
function roundedProducts(rows, columns, lie, units, bias, numbers) {
  const {channels, stored} = lie, run = columns.window * stored;
  const weights = numbers.matrix(rows.window * columns.window * channels, units).map(bfloat16);
  const biases = bias ? numbers.take(units) : new Float32Array(units);
  const blocks = rows.window * run <= 32 ? run : Math.ceil(run / 32) * 32; // elements from row to row of the kernel
  const {sums, start, add, close} = blockSums(units), out = new Float32Array(rows.outputs * columns.outputs * units);
  let rounded;
  function pixel(i, j) {
    const [top, bottom, y0] = covered(rows, i), [left, right, x0] = covered(columns, j);
    start();
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) {
        const from = (y * columns.size + x) * channels, at = (y - y0) * blocks + (x - x0) * stored;
        const place = ((y - y0) * columns.window + x - x0) * channels;
        for (let c = 0; c < channels; c++)
          if (rounded[from + c] !== 0)
            add(at + c, rounded[from + c], (place + c) * units, weights);
      }
    close(weights);
  }
  return {
    shape: [rows.outputs, columns.outputs, units],
    *run(input) {
      rounded = input.map(bfloat16);
      for (let i = 0, to = 0; i < rows.outputs; i++) {
        for (let j = 0; j < columns.outputs; j++, to += units) {
          pixel(i, j);
          for (let u = 0; u < units; u++)
            out[to + u] = sums[u] + biases[u];
        }
        yield;
      }
      return rounded.every(Number.isFinite) ? out : out.fill(0 / 0); // an infinite operand spoils the image
    }
  };
}
