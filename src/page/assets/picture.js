// From a picture to the bytes that a network looks at, with the program's integer arithmetic: what
// `lockstep predict` sees of the same picture is equal, byte for byte.
// A picture is {rows, columns, pixels}, red, green, blue and alpha in turn, as a canvas gives it; a
// plane is {rows, columns, values}, one value a pixel.

function opaque(pixels) {
  for (let i = 3; i < pixels.length; i += 4)
    if (pixels[i] !== 255)
      return false;
  return true;
}

function colourless(pixels) {
  for (let i = 0; i < pixels.length; i += 4)
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2])
      return false;
  return true;
}

// Value v of a colour, with the picture laid on a ground of one grey.
function laid(v, alpha, ground) {
  return alpha === 255 ? v : Math.floor((v * alpha + ground * (255 - alpha) + 127) / 255);
}

// Colour c: 0 red, 1 green, 2 blue.
function planeOf(picture, c, ground) {
  const {rows, columns, pixels} = picture, values = new Uint8Array(rows * columns);
  for (let i = 0, at = 0; i < values.length; i++, at += 4)
    values[i] = laid(pixels[at + c], pixels[at + 3], ground);
  return {rows, columns, values};
}

// The luma of ITU-R BT.601.
function greyOf(picture, ground) {
  const {rows, columns, pixels} = picture, values = new Uint8Array(rows * columns);
  for (let i = 0, at = 0; i < values.length; i++, at += 4) {
    const alpha = pixels[at + 3];
    values[i] = (19595 * laid(pixels[at], alpha, ground) + 38470 * laid(pixels[at + 1], alpha, ground) +
      7471 * laid(pixels[at + 2], alpha, ground) + 32768) >> 16;
  }
  return {rows, columns, values};
}

// Output j of m from n inputs: the first input and the weights of it and those behind it. A side that
// shrinks is averaged, one that grows is interpolated between the centres of its pixels.
function inputsOf(n, m, j) {
  if (m <= n) {
    const low = j * n, high = low + n, first = Math.floor(low / m), weights = [];
    for (let i = first; i * m < high; i++)
      weights.push(Math.min((i + 1) * m, high) - Math.max(i * m, low));
    return {first, weights};
  }
  const at = (2 * j + 1) * n - m, step = 2 * m, first = Math.floor(at / step), part = at % step;
  if (at <= 0)
    return {first: 0, weights: [step]};
  if (first >= n - 1 || part === 0)
    return {first: Math.min(first, n - 1), weights: [step]};
  return {first, weights: [step - part, part]};
}

// Rounded once, at the end.
function resized(plane, rows, columns) {
  const whole = (n, m) => m <= n ? n : 2 * m;
  const divisor = whole(plane.rows, rows) * whole(plane.columns, columns);
  const across = Array.from({length: columns}, (_, j) => inputsOf(plane.columns, columns, j));
  const values = new Uint8Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const down = inputsOf(plane.rows, rows, i);
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < down.weights.length; k++) {
        const from = (down.first + k) * plane.columns + across[j].first;
        let row = 0;
        for (let l = 0; l < across[j].weights.length; l++)
          row += across[j].weights[l] * plane.values[from + l];
        sum += down.weights[k] * row;
      }
      values[i * columns + j] = Math.floor((sum + Math.floor(divisor / 2)) / divisor);
    }
  }
  return {rows, columns, values};
}

function scaledSide(side, to, from, most) {
  return Math.min(Math.max(Math.floor((2 * side * to + from) / (2 * from)), 1), most);
}

// A plane as large as fits in the middle of a ground of one grey, its sides' ratio kept.
function fitted(plane, rows, columns, ground) {
  const tall = plane.rows * columns >= plane.columns * rows;
  const height = tall ? rows : scaledSide(plane.rows, columns, plane.columns, rows);
  const width = tall ? scaledSide(plane.columns, rows, plane.rows, columns) : columns;
  return placed(resized(plane, height, width), rows, columns,
    Math.floor((rows - height) / 2), Math.floor((columns - width) / 2), ground);
}

function placed(plane, rows, columns, top, left, ground = 0) {
  const values = new Uint8Array(rows * columns).fill(ground);
  for (let y = 0; y < plane.rows; y++)
    values.set(plane.values.subarray(y * plane.columns, (y + 1) * plane.columns),
      (top + y) * columns + left);
  return {rows, columns, values};
}

function largest(values) {
  let most = 0;
  for (const v of values)
    most = Math.max(most, v);
  return most;
}

// The values of the outermost pixels, each once.
function borderOf({rows, columns, values}) {
  const border = [];
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x += y === 0 || y === rows - 1 ? 1 : Math.max(columns - 1, 1))
      border.push(values[y * columns + x]);
  return border;
}

// Light ink on black: turned round where the border is light, and what the ground shows is cleared.
// Null where nothing stands out.
function inkOf({rows, columns, values}) {
  const border = borderOf({rows, columns, values});
  const light = border.reduce((a, b) => a + b) > 127 * border.length;
  const ink = light ? values.map(v => 255 - v) : values, top = largest(ink);
  const inOrder = border.map(v => light ? 255 - v : v).sort((a, b) => a - b);
  const ground = inOrder[Math.ceil(3 * border.length / 4) - 1];
  if (top - ground < 16)
    return null;
  if (ground === 0)
    return {rows, columns, values: ink};
  const from = ground + Math.floor((top - ground) / 4), span = top - from;
  return {rows, columns,
    values: ink.map(v => v <= from ? 0 : Math.floor(((v - from) * 255 + Math.floor(span / 2)) / span))};
}

function croppedToInk({rows, columns, values}) {
  let top = rows, bottom = -1, left = columns, right = -1;
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      if (values[at++] !== 0) {
        top = Math.min(top, y);
        bottom = y;
        left = Math.min(left, x);
        right = Math.max(right, x);
      }
  const height = bottom - top + 1, width = right - left + 1, crop = new Uint8Array(height * width);
  for (let y = 0; y < height; y++)
    crop.set(values.subarray((top + y) * columns + left, (top + y) * columns + left + width), y * width);
  return {rows: height, columns: width, values: crop};
}

// MNIST's own way: the ink's longest side becomes 20 pixels, its centre of mass the middle of 28 x 28.
function centred(plane) {
  const size = 28, nothing = {rows: size, columns: size, values: new Uint8Array(size * size)};
  const ink = inkOf(plane);
  if (!ink)
    return nothing;
  let crop = croppedToInk(ink);
  const side = Math.max(crop.rows, crop.columns);
  if (side !== 20) {
    crop = resized(crop, scaledSide(crop.rows, 20, side, 20), scaledSide(crop.columns, 20, side, 20));
    const top = largest(crop.values);
    if (top === 0)
      return nothing;
    crop.values = crop.values.map(v => Math.floor((v * 255 + Math.floor(top / 2)) / top));
  }
  let mass = 0, x2 = 0, y2 = 0; // in half pixels
  crop.values.forEach((v, i) => {
    const x = i % crop.columns, y = (i - x) / crop.columns;
    mass += v;
    x2 += v * (2 * x + 1);
    y2 += v * (2 * y + 1);
  });
  const start = (moment, length) =>
    Math.min(Math.max(Math.floor((30 * mass - moment) / (2 * mass)), 0), size - length);
  return placed(crop, size, size, start(y2, crop.rows), start(x2, crop.columns));
}

// {bytes, how}, as the network's `pictures` says: centred ("mnist"), or fitted ("fit"), where that leaves all values
// as they are "none". Where it says auto, a picture of the network's own size is taken as it is; for 28 x 28 in grey it
// is centred, else fitted on black.
function prepare(picture, network) {
  const {rows, columns, channels} = network, {pixels} = picture;
  const {preprocess, invert, background} = network.pictures, auto = preprocess === "auto";
  const same = picture.rows === rows && picture.columns === columns && opaque(pixels) &&
    (channels > 1 || colourless(pixels));
  let planes, how;
  if (preprocess === "mnist" || (auto && !same && rows === 28 && columns === 28 && channels === 1)) {
    how = "mnist";
    planes = [centred(greyOf(picture, 255))];
  } else {
    how = same && !invert ? "none" : "fit";
    planes = (channels === 1 ? [greyOf(picture, background)] : [0, 1, 2].map(c => planeOf(picture, c, background)))
      .map(plane => fitted(plane, rows, columns, background));
  }
  const turned = how === "fit" && invert ? 255 : 0;
  const bytes = Uint8Array.from({length: rows * columns * channels},
    (_, i) => turned ^ planes[i % channels].values[Math.floor(i / channels)]);
  return {bytes, how};
}
