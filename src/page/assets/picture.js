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

// Runs what may pause to its end.
function atOnce(steps) {
  for (;;) {
    const {done, value} = steps.next();
    if (done)
      return value;
  }
}

// Rounded once, at the end.
function* resizing(plane, rows, columns) {
  const whole = (n, m) => m <= n ? n : 2 * m;
  const divisor = whole(plane.rows, rows) * whole(plane.columns, columns);
  const across = Array.from({length: columns}, (_, j) => inputsOf(plane.columns, columns, j));
  const values = new Uint8Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const down = inputsOf(plane.rows, rows, i);
    if (i % 16 === 0)
      yield;
    for (let j = 0; j < columns; j++) {
      const {first, weights} = across[j];
      let sum = 0;
      for (let k = 0; k < down.weights.length; k++) {
        const from = (down.first + k) * plane.columns + first;
        let row = 0;
        for (let l = 0; l < weights.length; l++)
          row += weights[l] * plane.values[from + l];
        sum += down.weights[k] * row;
      }
      values[i * columns + j] = Math.floor((sum + Math.floor(divisor / 2)) / divisor);
    }
  }
  return {rows, columns, values};
}

function resized(plane, rows, columns) {
  return atOnce(resizing(plane, rows, columns));
}

function scaledSide(side, to, from, most) {
  return Math.min(Math.max(Math.floor((2 * side * to + from) / (2 * from)), 1), most);
}

// A plane as large as fits in the middle of the ground, its sides' ratio kept.
function fitted(plane, rows, columns, ground) {
  const tall = plane.rows * columns >= plane.columns * rows;
  const height = tall ? rows : scaledSide(plane.rows, columns, plane.columns, rows);
  const width = tall ? scaledSide(plane.columns, rows, plane.rows, columns) : columns;
  return placed(resized(plane, height, width), rows, columns,
    Math.floor((rows - height) / 2), Math.floor((columns - width) / 2), ground);
}

function placed(plane, rows, columns, top, left, ground) {
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

// Fitted to the network's size: "none" where nothing had to be changed, else "fit".
function fitting(picture, {rows, columns, channels, pictures}) {
  const {invert, background} = pictures;
  const plane = c => channels === 1 ? greyOf(picture, background) : planeOf(picture, c, background);
  const planes = [0, 1, 2].slice(0, channels).map(c => fitted(plane(c), rows, columns, background).values);
  const bytes = Uint8Array.from({length: rows * columns * channels}, (_, i) => {
    const v = planes[i % channels][Math.floor(i / channels)];
    return invert ? 255 - v : v;
  });
  const how = !invert && isFor(picture, {rows, columns, channels}) ? "none" : "fit";
  return {bytes, how, info: {blank: false, parts: 1}};
}

// True where the network can look at the picture as it is.
function isFor(picture, {rows, columns, channels}) {
  return picture.rows === rows && picture.columns === columns && opaque(picture.pixels) &&
    (channels > 1 || colourless(picture.pixels));
}

// {bytes, how, info}: as the network's own pictures were made. "mnist": as one digit is prepared for 28 x 28 in grey.
function* preparing(picture, network) {
  const {rows, columns, channels, pictures: {preprocess}} = network;
  const asDigits = rows === mnistSide && columns === mnistSide && channels === 1;
  return preprocess === "none" || !asDigits ? fitting(picture, network) : yield* centring(picture);
}
