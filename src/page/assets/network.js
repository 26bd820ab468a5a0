// A trained network, forward only. Images are channels last; weights lie as in a checkpoint:
// convolution [kernel row][kernel column][in / groups][out], dense [in][out]. A layer is an object of its options
// as in the configuration; the page has a table layerKinds of functions (layer, shape, numbers, shapes, lie),
// shape that of its first input, which give {shape, run}; run is a generator (first input, others...). lie is there
// with train.precision: bf16 only: {rows, columns, channels, stored} of the first input, before any flatten.

// How one axis is windowed: outputs, and the padding before the first input.
function windowed(size, window, stride, padding) {
  let before = 0, total = 0;
  if (padding === "same") {
    total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + window - size);
    before = Math.floor(total / 2);
  } else if (padding) {
    before = padding;
    total = 2 * padding;
  }
  return {size, window, stride, before, outputs: Math.floor((size + total - window) / stride) + 1};
}

// A number for both directions, or [rows, columns].
function pair(value) {
  return Array.isArray(value) ? value : [value, value];
}

function windowsOf(layer, shape, window) {
  const padding = layer.padding === "valid" ? 0 : layer.padding;
  return [0, 1].map(d => windowed(shape[d], pair(window)[d], pair(layer.stride)[d],
    padding === "same" ? "same" : pair(padding)[d]));
}

// The inputs [first, end) that window number i of an axis covers.
function covered(axis, i) {
  const start = i * axis.stride - axis.before;
  return [Math.max(start, 0), Math.min(start + axis.window, axis.size), start];
}

// sums[u] += values[k] * weights[places[k] + u] for k < n: four at a time save loads and stores.
function addProducts(sums, weights, values, places, n) {
  const units = sums.length;
  let k = 0;
  for (; k + 4 <= n; k += 4) {
    const a = values[k], b = values[k + 1], c = values[k + 2], d = values[k + 3];
    let p = places[k], q = places[k + 1], r = places[k + 2], s = places[k + 3];
    for (let u = 0; u < units; u++)
      sums[u] += a * weights[p++] + b * weights[q++] + c * weights[r++] + d * weights[s++];
  }
  for (; k < n; k++)
    for (let u = 0, p = places[k]; u < units; u++)
      sums[u] += values[k] * weights[p++];
}

// What convolution and dense layers share: weights, biases, and room for the inputs that are not 0,
// which behind a ReLU and around a drawing are few.
function products(taps, units, bias, numbers) {
  return {
    weights: numbers.matrix(taps, units), bias: bias ? numbers.take(units) : new Float32Array(units),
    sums: new Float64Array(units), values: new Float64Array(taps), places: new Int32Array(taps)
  };
}

function convolution(layer, shape, numbers, shapes, lie) {
  const [rows, columns] = windowsOf(layer, shape, layer.kernel), channels = shape[2], units = layer.filters;
  if (lie && layer.groups === 1)
    return roundedProducts(rows, columns, lie, units, layer.bias, numbers);
  const each = channels / layer.groups, filters = units / layer.groups; // of one group
  const {weights, bias, sums, values, places} =
    products(rows.window * columns.window * each, units, layer.bias, numbers);
  const out = new Float32Array(rows.outputs * columns.outputs * units);
  const groups = Array.from({length: layer.groups}, (_, g) => sums.subarray(g * filters, (g + 1) * filters));
  const add = lie ? addFused : addProducts; // a sum that is rounded to bfloat16 next has to be the program's
  // Pixel (i, j), group g: gathers what is not 0 in its window. Returns how many.
  function gather(x, i, j, g) {
    const [top, bottom, y0] = covered(rows, i), [left, right, x0] = covered(columns, j);
    let n = 0;
    for (let y = top; y < bottom; y++) {
      let place = ((y - y0) * columns.window + left - x0) * each * units + g * filters;
      for (let pixel = left; pixel < right; pixel++) {
        const first = (y * columns.size + pixel) * channels + g * each;
        for (let at = first; at < first + each; at++) {
          values[n] = x[at];
          places[n] = place;
          n += x[at] !== 0;
          place += units;
        }
      }
    }
    return n;
  }
  return {
    shape: [rows.outputs, columns.outputs, units],
    *run(x) {
      for (let i = 0, to = 0; i < rows.outputs; i++) {
        for (let j = 0; j < columns.outputs; j++, to += units) {
          sums.set(bias);
          for (let g = 0; g < layer.groups; g++)
            add(groups[g], weights, values, places, gather(x, i, j, g));
          out.set(sums, to);
        }
        yield;
      }
      return out;
    }
  };
}

function dense(layer, shape, numbers, shapes, lie) {
  const units = layer.units;
  if (lie) {
    const pixels = lie.rows * lie.columns; // one row of the kernel, as long as the input
    return roundedProducts(windowed(1, 1, 1, 0), windowed(pixels, pixels, 1, 0), lie, units, layer.bias, numbers);
  }
  const {weights, bias, sums, values, places} = products(shape[2], units, layer.bias, numbers);
  const out = new Float32Array(units);
  return {
    shape: [1, 1, units],
    *run(x) {
      let n = 0;
      for (let i = 0; i < shape[2]; i++) {
        values[n] = x[i];
        places[n] = i * units;
        n += x[i] !== 0;
      }
      sums.set(bias);
      addProducts(sums, weights, values, places, n);
      out.set(sums);
      return out;
    }
  };
}

// A window is cut to the part that lies in the image.
function pooling(layer, shape) {
  const [rows, columns] = windowsOf(layer, shape, layer.window), channels = shape[2], most = layer.kind === "maxpool";
  const out = new Float32Array(rows.outputs * columns.outputs * channels);
  return {
    shape: [rows.outputs, columns.outputs, channels],
    *run(x) {
      out.fill(most ? -Infinity : 0);
      for (let i = 0, to = 0; i < rows.outputs; i++)
        for (let j = 0; j < columns.outputs; j++, to += channels) {
          const [top, bottom] = covered(rows, i), [left, right] = covered(columns, j);
          for (let y = top; y < bottom; y++)
            for (let at = (y * columns.size + left) * channels; at < (y * columns.size + right) * channels;)
              for (let c = to; c < to + channels; c++, at++)
                out[c] = most ? Math.max(out[c], x[at]) : out[c] + x[at];
          const n = layer.count_padding ? rows.window * columns.window : (bottom - top) * (right - left);
          for (let c = to; !most && c < to + channels; c++)
            out[c] /= n;
        }
      return out;
    }
  };
}

function globalMean(layer, shape) {
  return pooling({window: shape, stride: shape, padding: "valid"}, shape);
}

// (x - mean) / sqrt(variance + epsilon) * gamma + beta, with the running moments; each operation rounded as in the
// program.
function normalisation(layer, shape, numbers) {
  const channels = shape[2], of = wanted => wanted ? numbers.take(channels) : undefined;
  const gamma = of(layer.affine), beta = of(layer.affine), mean = of(true), variance = of(true);
  const scale = Float32Array.from(variance, (v, c) => (gamma ? gamma[c] : 1) * (1 / Math.sqrt(v + layer.epsilon)));
  const shift = beta || new Float32Array(channels), fround = Math.fround;
  const out = new Float32Array(shape[0] * shape[1] * channels);
  return {
    shape,
    *run(x) {
      for (let i = 0; i < out.length;)
        for (let c = 0; c < channels; c++, i++)
          out[i] = fround(fround(x[i] - mean[c]) * scale[c]) + shift[c];
      return out;
    }
  };
}

function sum(layer, shape) {
  const out = new Float32Array(shape[0] * shape[1] * shape[2]);
  return {
    shape,
    *run(x, other) {
      for (let i = 0; i < out.length; i++)
        out[i] = x[i] + other[i];
      return out;
    }
  };
}

function elementwise(f) {
  return (layer, shape) => {
    const out = new Float32Array(shape[0] * shape[1] * shape[2]);
    return {
      shape,
      *run(x) {
        for (let i = 0; i < out.length; i++)
          out[i] = f(x[i], layer);
        return out;
      }
    };
  };
}

function unchanged(shapeOf) {
  return (layer, shape) => ({shape: shapeOf(shape), *run(x) { return x; }});
}

// The numbers of a network in the order of its layers. Large matrices may come rounded: a character of
// text is a weight in units of its output, "!" for -46 to "}" for 46, but "~" where "<" would stand.
function numbersFrom(base64, text) {
  const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  const floats = new Float32Array(bytes.buffer); // little-endian, as every browser's machine is
  let taken = 0, read = 0;
  function take(n) {
    if (taken + n > floats.length)
      throw new Error("the network's numbers end early");
    return floats.subarray(taken, taken += n);
  }
  function matrix(taps, units) {
    if (!text)
      return take(taps * units);
    const scale = take(units), weights = new Float32Array(taps * units);
    for (let i = 0; i < weights.length; i++) {
      const code = text.charCodeAt(read++);
      weights[i] = ((code === 126 ? 60 : code) - 79) * scale[i % units];
    }
    return weights;
  }
  return {take, matrix, rest: () => floats.length - taken};
}

// The first largest score counts as the answer, as in the program.
function softmax(scores) {
  const best = Math.max(...scores);
  const powers = Array.from(scores, z => z - best < -87 ? 0 : Math.exp(z - best));
  const total = powers.reduce((a, b) => a + b);
  return powers.map(p => p / total);
}

// {rows, columns, channels, classes, pictures, unsure, low, high, classify(bytes), classifying(bytes)}: bytes of an image in,
// probabilities of the classes out, at once or by a generator that pauses every few milliseconds' work.
function makeNetwork(description, numbers) {
  const {rows, columns, channels, mean, std} = description;
  const pixels = mean.map((m, c) =>
    Float32Array.from({length: 256}, (_, byte) => (byte / 255 - m) / std[c]));
  const shapes = [], steps = [], lies = [], stored = description.stored; // of the image, then of each layer
  const lieOf = (shape, k) => ({rows: shape[0], columns: shape[1], channels: shape[2], stored: stored[k]});
  for (const [k, layer] of description.layers.entries()) {
    const inputs = layer.inputs.map(i => i < 0 ? [rows, columns, channels] : shapes[i]), first = layer.inputs[0];
    const lie = stored && (first < 0 ? lieOf(inputs[0], 0) : lies[first]);
    const step = layerKinds[layer.kind](layer, inputs[0], numbers, inputs, lie);
    steps.push({run: step.run, inputs: layer.inputs});
    shapes.push(step.shape);
    lies.push(stored && (layer.kind === "flatten" ? lie : lieOf(step.shape, k + 1)));
  }
  if (numbers.rest() !== 0)
    throw new Error("the network has numbers that no layer reads");
  function* classifying(bytes) {
    const image = Float32Array.from(bytes, (byte, i) => pixels[i % channels][byte]);
    const outputs = [];
    const outputOf = layer => layer < 0 ? image : outputs[layer];
    for (const step of steps)
      outputs.push(yield* step.run(...step.inputs.map(outputOf)));
    return softmax(outputs[outputs.length - 1]);
  }
  function classify(bytes) {
    if (bytes.length !== rows * columns * channels)
      throw new RangeError(`an image has ${rows} x ${columns} x ${channels} bytes, not ${bytes.length}`);
    const run = classifying(bytes);
    for (;;) {
      const {done, value} = run.next();
      if (done)
        return value;
    }
  }
  const {classes, pictures, unsure, low, high} = description;
  return {rows, columns, channels, classes, pictures, unsure, low, high, classify, classifying};
}
