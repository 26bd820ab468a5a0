// Whether an answer can be trusted: src/infer/predict/doubt.c and src/data/traits.c in JavaScript.

// Ink, extent and stroke of an image in grey, as src/data/traits.h measures them.
function traitsOf(bytes, rows, columns) {
  const isInk = (y, x) => y >= 0 && y < rows && x >= 0 && x < columns && bytes[y * columns + x] >= 128;
  let sum = 0, area = 0, outline = 0, top = rows, bottom = -1, left = columns, right = -1;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      sum += bytes[y * columns + x];
      if (!isInk(y, x))
        continue;
      area++;
      outline += !isInk(y - 1, x) + !isInk(y + 1, x) + !isInk(y, x - 1) + !isInk(y, x + 1);
      top = Math.min(top, y);
      bottom = y;
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
  const down = Math.floor(1000 * (bottom - top + 1) / rows), across = Math.floor(1000 * (right - left + 1) / columns);
  return [Math.floor(1000 * sum / (255 * rows * columns)), area && Math.max(down, across), area && Math.floor(32 * area / outline)]
    .map(value => Math.min(value, 1023));
}

// How sure the answer is: its probability at the temperature of the network.
function confidenceOf(probabilities, chosen, temperature) {
  return 1 / probabilities.reduce((sum, p) =>
    p > 0 ? sum + Math.exp((Math.log(p) - Math.log(probabilities[chosen])) / temperature) : sum, 0);
}

// An image in grey moved by `down` and `right` pixels; what comes in is black.
function movedBy(bytes, rows, columns, down, right) {
  return Uint8Array.from(bytes, (_, i) => {
    const y = Math.floor(i / columns) - down, x = i % columns - right;
    return y >= 0 && y < rows && x >= 0 && x < columns ? bytes[y * columns + x] : 0;
  });
}

// Whether five looks, one of them at the image as it is and four a pixel aside, stay with the answer.
function* steadiness({bytes, probabilities}, network) {
  const [, temperature, least, softer, sure] = network.unsure, chosen = probabilities.indexOf(Math.max(...probabilities));
  if (confidenceOf(probabilities, chosen, temperature) >= sure)
    return true;
  let sum = 0;
  for (const [down, right] of [[0, 0], [-1, 0], [0, -1], [0, 1], [1, 0]]) {
    const look = yield* network.classifying(movedBy(bytes, network.rows, network.columns, down, right));
    sum += confidenceOf(look, chosen, softer * temperature);
  }
  return sum / 5 >= least;
}

// Why an answer should not be trusted; an empty list: it can be. `info` is what the centring found, and
// whether it is steady.
function doubtsOf({bytes, probabilities}, info, {rows, columns, unsure, low, high}) {
  const [below, temperature] = unsure, doubts = info.blank ? ["blank"] : [];
  const chosen = probabilities.indexOf(Math.max(...probabilities)), told = [];
  if (!info.blank && confidenceOf(probabilities, chosen, temperature) < below)
    doubts.push("low confidence");
  if (info.parts > 1)
    doubts.push("several parts");
  if (info.uncut === false)
    doubts.push("cut in doubt");
  if (low && !info.blank)
    traitsOf(bytes, rows, columns).forEach((value, t) => {
      const [less, more] = [["less ink", "more ink"], ["smaller", "larger"], ["thinner strokes", "thicker strokes"]][t];
      if (value < low[t] || value > high[t])
        told.push(`${value < low[t] ? less : more} than training images`);
    });
  return [...doubts, ...told, ...info.steady === false ? ["unsteady"] : []];
}
