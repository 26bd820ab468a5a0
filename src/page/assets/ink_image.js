// An image as MNIST's are of chosen parts of the ink: src/pictures/ink/image.c and picture_center.c in JavaScript.

const mnistSide = 28;

// The box around what is chosen, or null.
function boxOf(parts, chosen) {
  const among = parts.filter((_, i) => chosen(i));
  if (!among.length)
    return null;
  const top = Math.min(...among.map(p => p.top)), left = Math.min(...among.map(p => p.left));
  return {top, left, rows: Math.max(...among.map(p => p.top + p.rows)) - top,
    columns: Math.max(...among.map(p => p.left + p.columns)) - left};
}

// The values of what is chosen, and nothing else.
function cutOut(ink, labels, chosen, {top, left, rows, columns}) {
  const values = new Uint8Array(rows * columns);
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0, from = (top + y) * ink.columns + left; x < columns; x++, at++, from++)
      values[at] = labels[from] > 0 && chosen(labels[from] - 1) ? ink.values[from] : 0;
  return {rows, columns, values};
}

// Where what has a mass and a moment, in half pixels, begins along an axis: so that the centre of mass comes next to
// 14.5, ties towards the end, but all inside.
function startOf(mass, moment, side) {
  return Math.min(Math.max(Math.floor((30 * mass - moment) / (2 * mass)), 0), mnistSide - side);
}

function massCentred(plane) {
  const {rows, columns, values} = plane;
  let mass = 0, down = 0, across = 0;
  for (let y = 0, i = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, i++) {
      mass += values[i];
      down += values[i] * (2 * y + 1);
      across += values[i] * (2 * x + 1);
    }
  return mass === 0 ? new Uint8Array(mnistSide * mnistSide)
    : placed(plane, mnistSide, mnistSide, startOf(mass, down, rows), startOf(mass, across, columns), 0).values;
}

function imageOf(ink, {labels, parts}, chosen) {
  const box = boxOf(parts, chosen);
  if (!box)
    return new Uint8Array(mnistSide * mnistSide);
  const digit = widthFitted(cutOut(ink, labels, chosen, box)), side = Math.max(digit.rows, digit.columns);
  const small = resized(digit, scaledSide(digit.rows, 20, side, 20), scaledSide(digit.columns, 20, side, 20));
  const top = largest(small.values);
  if (side !== 20 && top > 0) // thin lines of a large picture come out as faint ones
    small.values = small.values.map(v => Math.floor((v * 255 + (top >> 1)) / top));
  return massCentred(small);
}

// True for images that are MNIST's: the longest side 19 or 20, the brightest value 254 or 255, at most one pixel from
// where the centre of mass would have them.
function isPrepared({rows, columns, values}) {
  if (rows !== mnistSide || columns !== mnistSide)
    return false;
  let top = mnistSide, left = mnistSide, bottom = -1, right = -1, most = 0, mass = 0, down = 0, across = 0;
  values.forEach((v, i) => {
    if (v === 0)
      return;
    const y = Math.floor(i / mnistSide), x = i % mnistSide;
    top = Math.min(top, y);
    left = Math.min(left, x);
    bottom = y;
    right = Math.max(right, x);
    most = Math.max(most, v);
    mass += v;
    down += v * (2 * y + 1);
    across += v * (2 * x + 1);
  });
  const height = bottom - top + 1, width = right - left + 1, side = Math.max(height, width);
  return most >= 254 && side >= 19 && side <= 20 &&
    Math.abs(startOf(mass, down - 2 * top * mass, height) - top) <= 1 &&
    Math.abs(startOf(mass, across - 2 * left * mass, width) - left) <= 1;
}

// How far the boxes of two parts are apart.
function apart(p, q) {
  const gap = (first, end, other, otherEnd) => other >= end ? other - end : first >= otherEnd ? first - otherEnd : 0;
  return Math.max(gap(p.top, p.top + p.rows, q.top, q.top + q.rows),
    gap(p.left, p.left + p.columns, q.left, q.left + q.columns));
}

// The digit's part with the most ink; one that touches the edge only where it has four times as much.
function mainPart(ink, parts) {
  let main = null, most = -1;
  for (const p of parts) {
    const weight = touchesEdge(ink, p) ? p.mass : 4 * p.mass;
    if (weight > most) {
      most = weight;
      main = p;
    }
  }
  return main;
}

// The main part, and what is near it and no speck.
function belongsTo(main, p) {
  return p === main || (4 * longestOf(p) >= longestOf(main) && 4 * apart(p, main) <= longestOf(main));
}

// Whether it may be a digit beside the main part, or half of that. A bar that stands off a 5 is long, but has less ink.
function isAnother(main, p) {
  return 2 * longestOf(p) >= longestOf(main) && 10 * p.mass >= 3 * main.mass;
}

// {bytes, how, info}: the image of one digit; a picture that is one already is handed on. info is {blank, parts}: parts
// that are large enough to be a digit, or half of one.
function* centring(picture) {
  if (opaque(picture.pixels) && colourless(picture.pixels)) {
    const plane = planeOf(picture, 0, 0);
    if (isPrepared(plane))
      return {bytes: plane.values, how: "none", info: {blank: false, parts: 1}};
  }
  const ink = yield* separated(picture, 1024), found = partsOf(ink), {parts} = found;
  const main = mainPart(ink, parts), chosen = parts.map(p => belongsTo(main, p));
  yield;
  const isGrain = main && !ink.exact && 30 * longestOf(main) < Math.min(ink.rows, ink.columns);
  const info = {blank: !main || isGrain, parts: parts.filter(p => isAnother(main, p)).length};
  return {bytes: imageOf(ink, found, i => chosen[i] && !info.blank), how: "mnist", info};
}
