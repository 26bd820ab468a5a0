// Activation functions as the program computes them, each operation rounded to float32: src/kernels/activation.c has
// the same steps, and says where they come from.

const f32 = Math.fround;

// c[0], then times x plus the next, and so on.
function polynomial(x, c) {
  return c.reduce((sum, next) => f32(f32(sum * x) + f32(next)), 0);
}

// exp(x + rest) for x <= 0.
function exponential(x, rest) {
  if (x < -87)
    return 0;
  const magic = 12582912, n = f32(f32(f32(f32(x + rest) * f32(1.44269504)) + magic) - magic);
  const r = f32(f32(f32(x - f32(n * 0.693359375)) - f32(n * f32(-2.12194440e-4))) + rest);
  const p = polynomial(r, [0.0013942763, 0.008369435, 0.041666377, 0.16666515, 0.5]);
  return f32(f32(1 + f32(r + f32(f32(r * r) * p))) * 2 ** n);
}

function hyperbolicTangent(x) {
  if (Math.abs(x) < 0.625) {
    const s = f32(x * x);
    const p = polynomial(s, [-0.0057170447, 0.020650586, -0.053743497, 0.13331491, -0.33333284]);
    return f32(x + f32(x * f32(s * p)));
  }
  const e = exponential(-2 * Math.abs(x), 0), far = f32(1 - f32(f32(2 * e) / f32(1 + e)));
  return x < 0 ? -far : far;
}

function sigmoid(x) {
  const e = exponential(-Math.abs(x), 0);
  return f32((x < 0 ? e : 1) / f32(1 + e));
}

// max(x, 0) - a * tail(a), a = |x| but at most `far`.
function withTail(x, far, tail) {
  const a = Math.abs(x) > far ? far : Math.abs(x);
  return f32((x > 0 ? x : 0) - tail(a));
}

function tailOfSigmoid(x) {
  const e = exponential(x, 0);
  return f32(e / f32(1 + e));
}

function silu(x) {
  return withTail(x, 88, a => f32(a * tailOfSigmoid(-a)));
}

function geluTanh(x) {
  return withTail(x, 14, a => {
    const slope = f32(f32(1.5957691) + f32(f32(0.071354816) * f32(a * a)));
    return f32(a * tailOfSigmoid(f32(-a * slope)));
  });
}

function gelu(x) {
  return withTail(x, 14, a => {
    const p = polynomial(a, [0.004008829, 0.03992166, 0.18114214, 0.4354968, 0.5]);
    const q = polynomial(a, [0.010048502, 0.10007611, 0.46393949, 1.1938531, 1.6688784, 1]);
    oneFloat[0] = a;
    itsBits[0] &= 0xfffff000;
    const upper = oneFloat[0];
    const bell = exponential(f32(-0.5 * f32(upper * upper)), f32(-0.5 * f32(f32(a - upper) * f32(a + upper))));
    return f32(f32(a * f32(p / q)) * bell);
  });
}
