// The paper behind the ink, and how far a pixel is from it: src/pictures/ink/paper.c in JavaScript.

// The middle one of three.
function median(a, b, c) {
  return a < b ? (b < c ? b : a < c ? c : a) : a < c ? a : b < c ? c : b;
}

// Medians of 3 x 3: grain goes, edges stay. The outermost pixels are repeated. Of three columns in order it is
// the median of the largest small, the middle middle and the smallest large value.
function smoothed({rows, columns, values}) {
  const out = new Uint8Array(values.length);
  const small = new Uint8Array(columns), middle = new Uint8Array(columns), large = new Uint8Array(columns);
  for (let y = 0; y < rows; y++) {
    const row = y * columns, above = Math.max(y - 1, 0) * columns, below = Math.min(y + 1, rows - 1) * columns;
    for (let x = 0; x < columns; x++) {
      const a = values[above + x], b = values[row + x], c = values[below + x];
      small[x] = Math.min(a, b, c);
      middle[x] = median(a, b, c);
      large[x] = Math.max(a, b, c);
    }
    for (let x = 0; x < columns; x++) {
      const l = Math.max(x - 1, 0), r = Math.min(x + 1, columns - 1);
      out[row + x] = median(Math.max(small[l], small[x], small[r]), median(middle[l], middle[x], middle[r]),
        Math.min(large[l], large[x], large[r]));
    }
  }
  return out;
}

// The largest value within `reach` of each of n values that lie `step` apart, or the smallest where all are
// turned round by XOR with 255.
function widen(values, from, n, step, reach, turn, {line, ahead, back}) {
  const window = 2 * reach + 1, all = n + 2 * reach;
  line.fill(0, 0, all);
  for (let i = 0; i < n; i++)
    line[reach + i] = values[from + i * step] ^ turn;
  for (let i = 0; i < all; i++)
    ahead[i] = i % window === 0 || line[i] > ahead[i - 1] ? line[i] : ahead[i - 1];
  for (let i = all - 1; i >= 0; i--)
    back[i] = i === all - 1 || (i + 1) % window === 0 || line[i] > back[i + 1] ? line[i] : back[i + 1];
  for (let i = 0; i < n; i++)
    values[from + i * step] = Math.max(back[i], ahead[i + 2 * reach]) ^ turn;
}

function* closeDark(values, rows, columns, reach) {
  const all = Math.max(rows, columns) + 2 * reach;
  const room = {line: new Uint8Array(all), ahead: new Uint8Array(all), back: new Uint8Array(all)};
  for (const turn of [0, 255]) {
    for (let y = 0; y < rows; y++) {
      if (y % 128 === 0)
        yield;
      widen(values, y * columns, columns, 1, reach, turn, room);
    }
    for (let x = 0; x < columns; x++) {
      if (x % 128 === 0)
        yield;
      widen(values, x, rows, columns, reach, turn, room);
    }
  }
}

// A plane closed with windows that reach `reach` pixels each way, as if that much black were around it: a shadow that
// the picture's edge cuts off stays a shadow.
function* closedOn(values, rows, columns, reach) {
  const high = rows + 2 * reach, wide = columns + 2 * reach, canvas = new Uint8Array(high * wide);
  const out = new Uint8Array(values.length), first = y => (reach + y) * wide + reach;
  for (let y = 0; y < rows; y++)
    canvas.set(values.subarray(y * columns, (y + 1) * columns), first(y));
  yield* closeDark(canvas, high, wide, reach);
  for (let y = 0; y < rows; y++)
    out.set(canvas.subarray(first(y), first(y) + columns), y * columns);
  return out;
}

// Paper of one value, but for what is hidden in the narrows of the ink, has that value everywhere.
function evenOut(paper) {
  const counts = countsOf(paper), most = counts.indexOf(Math.max(...counts));
  if (100 * counts[most] >= 85 * paper.length)
    paper.fill(most);
}

// How much darker than the paper around it each pixel is, 0..255; the most of all planes. Windows reach `reach`
// pixels each way.
function* contrastWithin(planes, reach) {
  const {rows, columns} = planes[0], out = new Uint8Array(rows * columns);
  for (const {values, smooth} of planes) {
    const paper = yield* closedOn(smooth, rows, columns, reach);
    evenOut(paper);
    for (let i = 0; i < out.length; i++) {
      const p = paper[i], v = values[i], most = Math.max(p, 64);
      if (p > v)
        out[i] = Math.max(out[i], Math.floor(((p - v) * 255 + (most >> 1)) / most));
    }
  }
  return out;
}

function countsOf(values) {
  const counts = new Int32Array(256);
  for (const v of values)
    counts[v]++;
  return counts;
}

// Half of what one pixel in 50 reaches: grain and slopes do not.
function strongOf(values) {
  const counts = countsOf(values);
  let top = 255;
  for (let above = counts[255]; top > 0 && above * 50 < values.length; above += counts[top])
    top--;
  return top >> 1;
}

// True if what is strong in `wide` is half as strong in `narrow`.
function keeps(narrow, wide, strong) {
  let all = 0, kept = 0;
  for (let i = 0; i < wide.length; i++)
    if (wide[i] >= strong) {
      all++;
      kept += 2 * narrow[i] >= wide[i];
    }
  return 100 * kept >= 97 * all;
}

// How much darker than the paper each pixel is, or lighter: with the narrowest window that no stroke fills, which
// follows the paper best.
function* contrastOf(planes, dark) {
  const {rows, columns} = planes[0], shorter = Math.min(rows, columns), turned = [];
  for (const plane of planes) {
    const values = dark ? plane.values : plane.values.map(v => 255 - v);
    yield;
    turned.push({rows, columns, values, smooth: smoothed({rows, columns, values})});
    yield;
  }
  const widest = Math.max(Math.floor(shorter / 3), 2);
  const wide = yield* contrastWithin(turned, widest), strong = strongOf(wide);
  for (const parts of [24, 16, 10, 7, 5]) {
    const reach = Math.floor(shorter / parts);
    if (reach < 2 || reach >= widest)
      continue;
    const narrow = yield* contrastWithin(turned, reach);
    if (keeps(narrow, wide, strong))
      return narrow;
  }
  return wide;
}
