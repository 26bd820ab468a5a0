// Light or dark, and what is behind glass: src/pictures/ink/tone.c in JavaScript. A picture is {rows, columns,
// pixels}, red, green, blue and alpha in turn; without alpha it is an array of planes {rows, columns, values},
// one where it has no colours, else three. Generators pause where they yield.

const restEvery = 1 << 17; // pixels between two pauses

// True if all pixels that are more to be seen than not have one colour, and some are not.
function alphaDraws({pixels}) {
  const low = [255, 255, 255], high = [0, 0, 0];
  let glass = false;
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] < 128) {
      glass = true;
      continue;
    }
    for (let c = 0; c < 3; c++) {
      low[c] = Math.min(low[c], pixels[i + c]);
      high[c] = Math.max(high[c], pixels[i + c]);
    }
  }
  return glass && low.every((v, c) => high[c] - v <= 24);
}

// A ground that what is to be seen stands out from: paper that fills most of the picture goes on, strokes
// get the other.
function groundBehind({pixels}) {
  let seen = 0, light = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const alpha = pixels[i + 3];
    seen += alpha;
    light += alpha * (pixels[i] + 2 * pixels[i + 1] + pixels[i + 2] >> 2);
  }
  return light > 127 * seen === 2 * seen > 255 * (pixels.length / 4) ? 255 : 0;
}

function* withoutAlpha(picture) {
  const {rows, columns, pixels} = picture;
  const clear = !opaque(pixels);
  yield;
  const draws = clear && alphaDraws(picture), ground = clear && !draws ? groundBehind(picture) : 255;
  const channels = draws ? [3] : colourless(pixels) ? [0] : [0, 1, 2], planes = [];
  for (const c of channels) {
    yield;
    const values = new Uint8Array(rows * columns);
    for (let i = 0; i < values.length; i++) {
      values[i] = draws ? pixels[4 * i + 3] : laid(pixels[4 * i + c], pixels[4 * i + 3], ground);
      if (i % restEvery === 0)
        yield;
    }
    planes.push({rows, columns, values});
  }
  return planes;
}

function lumaOf(planes) {
  if (planes.length === 1)
    return planes[0].values;
  const [red, green, blue] = planes.map(p => p.values);
  return red.map((v, i) => (19595 * v + 38470 * green[i] + 7471 * blue[i] + 32768) >> 16);
}

// The mean of the outermost pixels, each once, is above that of all.
function borderIsLight(luma, rows, columns) {
  let sum = 0, border = 0, n = 0;
  for (let y = 0, i = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, i++) {
      sum += luma[i];
      if (y === 0 || x === 0 || y === rows - 1 || x === columns - 1) {
        border += luma[i];
        n++;
      }
    }
  return border * luma.length > sum * n;
}

// Which way values differ from the mean around them: 1 light is the rarer, -1 dark, 0 neither. In ratio to how
// light both are, where asked for: then paper in a shadow counts as much as paper beside it.
function* skewOf({rows, columns, luma, sums}, inRatio) {
  const stride = columns + 1, reach = Math.max(Math.floor(Math.min(rows, columns) / 6), 2);
  let square = 0, cube = 0;
  for (let y = 0, i = 0; y < rows; y++) {
    const top = Math.max(y - reach, 0) * stride, end = Math.min(y + reach + 1, rows) * stride;
    if (i % restEvery < columns)
      yield;
    for (let x = 0; x < columns; x++, i++) {
      const left = Math.max(x - reach, 0), right = Math.min(x + reach + 1, columns);
      const sum = sums[end + right] - sums[end + left] - sums[top + right] + sums[top + left];
      const n = (end - top) / stride * (right - left), own = luma[i] * n;
      const off = Math.trunc(inRatio ? (own - sum) * 256 / (own + sum + 128 * n) : (own - sum) / n);
      square += off * off;
      cube += off * off * off;
    }
  }
  square = Math.trunc(square / luma.length);
  cube = Math.trunc(cube / luma.length);
  return 4 * cube * cube < square * square * square ? 0 : cube < 0 ? -1 : 1;
}

// Whether ink is darker than the paper. Ink is the rarer: how pixels differ from the mean around them is
// skewed towards it. Where neither is rare, paper is what the border has more of. Where light is rare, and at the
// border, it may be what a deep shadow has left.
function* inkIsDark(planes) {
  const {rows, columns} = planes[0], luma = lumaOf(planes), stride = columns + 1;
  const sums = new Float64Array((rows + 1) * stride);
  for (let y = 0, i = 0; y < rows; y++)
    for (let x = 1, row = 0; x <= columns; x++, i++) {
      row += luma[i];
      sums[(y + 1) * stride + x] = sums[y * stride + x] + row;
    }
  const lightBorder = borderIsLight(luma, rows, columns), view = {rows, columns, luma, sums};
  let rarer = yield* skewOf(view, false);
  if (rarer > 0 && lightBorder)
    rarer = yield* skewOf(view, true);
  return rarer !== 0 ? rarer < 0 : lightBorder;
}
