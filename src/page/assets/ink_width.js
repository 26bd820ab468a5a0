// Strokes as wide as the training images': src/pictures/ink/width.c in JavaScript, where the numbers are explained.

// In 1/1000 pixel of an image whose longest side is 20: the ink divided by how much values change from pixel to pixel.
function breadthOf({rows, columns, values}) {
  let ink = 0, change = 0;
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, at++) {
      const v = values[at];
      ink += v;
      change += Math.abs(v - (x > 0 ? values[at - 1] : 0)) + Math.abs(v - (y > 0 ? values[at - columns] : 0)) +
        (x + 1 === columns ? v : 0) + (y + 1 === rows ? v : 0);
    }
  return change === 0 ? 0 : Math.floor(ink * 20000 / (change * Math.max(rows, columns)));
}

// How far the edges of strokes have to move, in 1/1000 pixel of the fine picture.
function shiftOf(from, to) {
  return Math.floor(4 * 2546 * Math.abs(to - from) / (2 * (1000 - Math.floor(2546 * to / 20000))));
}

// The largest or the smallest value within `reach` thousandths of a pixel.
function edgesMoved({rows, columns, values}, reach, broaden) {
  const out = new Uint8Array(values.length), r = Math.floor(reach / 1000), disc = [];
  for (let j = -r; j <= r; j++)
    for (let i = -r; i <= r; i++)
      if ((j * j + i * i) * 1000000 <= reach * reach)
        disc.push([j, i]);
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, at++) {
      let best = values[at];
      for (const [j, i] of disc) {
        const inside = y + j >= 0 && y + j < rows && x + i >= 0 && x + i < columns;
        const v = inside ? values[at + j * columns + i] : 0;
        best = broaden ? Math.max(best, v) : Math.min(best, v);
      }
      out[at] = best;
    }
  return {rows, columns, values: out};
}

// Without what is empty around the ink, or null if there is none.
function croppedToInk({rows, columns, values}) {
  let top = rows, bottom = -1, left = columns, right = -1;
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, at++)
      if (values[at]) {
        top = Math.min(top, y);
        bottom = y;
        left = Math.min(left, x);
        right = Math.max(right, x);
      }
  if (bottom < 0)
    return null;
  const height = bottom - top + 1, width = right - left + 1, crop = new Uint8Array(height * width);
  for (let y = 0; y < height; y++)
    crop.set(values.subarray((top + y) * columns + left, (top + y) * columns + left + width), y * width);
  return {rows: height, columns: width, values: crop};
}

function widthFitted(plane) {
  const from = breadthOf(plane), side = Math.max(plane.rows, plane.columns), margin = 12;
  if ((from >= 589 && from <= 1800) || from > 3300)
    return plane;
  const broaden = from < 589, reach = shiftOf(from, broaden ? 850 : 1300);
  const fine = resized(plane, scaledSide(plane.rows, 80, side, 80), scaledSide(plane.columns, 80, side, 80));
  const canvas = placed(fine, fine.rows + 2 * margin, fine.columns + 2 * margin, margin, margin, 0);
  return croppedToInk(edgesMoved(canvas, reach, broaden)) || plane;
}
