// From a photo, scan or drawing to its ink: src/pictures/ink/ink.c in JavaScript, the steps of
// src/pictures/ink.h in the same integers. Generators pause where they yield.

const leastContrast = 16;
const partsMost = 8192; // more are a pattern, whose pairs would take minutes

// Where values are cut best in two, paper and ink (N. Otsu, IEEE Transactions on Systems, Man, and Cybernetics 9
// (1979), p. 62).
function middleValue(values) {
  const counts = countsOf(values), n = values.length;
  let sum = 0, below = 0, belowSum = 0, best = -1, cut = 1;
  counts.forEach((count, k) => { sum += k * count; });
  for (let k = 1; k < 256; k++) {
    below += counts[k - 1];
    belowSum += (k - 1) * counts[k - 1];
    const above = n - below;
    if (below === 0 || above === 0)
      continue;
    const apart = Math.floor(16 * (sum - belowSum) / above) - Math.floor(16 * belowSum / below);
    const between = Math.floor(Math.floor(below * 256 / n) * Math.floor(above * 65536 / n) * apart / 256) * apart;
    if (between > best) {
      best = between;
      cut = k;
    }
  }
  return cut;
}

// The value that `percent` of those below `cut` do not exceed.
function quantile(counts, cut, percent) {
  const n = counts.subarray(0, cut).reduce((a, b) => a + b, 0);
  let k = 0;
  for (let below = counts[0]; k < 255 && below * 100 < percent * n; below += counts[k])
    k++;
  return k;
}

// True if what is below `cut` and what is not are two things, paper and much ink.
function partsWell(counts, cut) {
  let below = 0, belowSum = 0, above = 0, aboveSum = 0;
  counts.forEach((count, k) => {
    if (k < cut) {
      below += count;
      belowSum += k * count;
    } else {
      above += count;
      aboveSum += k * count;
    }
  });
  return below > 0 && 5 * above >= below && aboveSum * below > 4 * (belowSum + 4 * below) * above;
}

// {low, exact}: below low is paper; exact: the paper has one value, and all that differs is ink.
function levelsOf(values) {
  const counts = countsOf(values), sum = (a, b) => a + b;
  const faint = counts.subarray(1, leastContrast).reduce(sum), strong = counts.subarray(leastContrast).reduce(sum);
  const cut = middleValue(values), paper = partsWell(counts, cut) ? cut : 256;
  const median = quantile(counts, paper, 50), weak = quantile(counts, paper, 16);
  const exact = median === 0 && faint * 2 <= strong;
  return {exact, low: exact ? 1 : Math.max(leastContrast >> 1, median + 4 * (median - weak) + 4)};
}

// Means of 3 x 3, of fewer at the border.
function soften(values, rows, columns) {
  const from = values.slice();
  for (let y = 0, at = 0; y < rows; y++) {
    const top = Math.max(y - 1, 0), end = Math.min(y + 2, rows);
    for (let x = 0; x < columns; x++, at++) {
      const left = Math.max(x - 1, 0), right = Math.min(x + 2, columns), n = (end - top) * (right - left);
      let sum = n >> 1;
      for (let j = top; j < end; j++)
        for (let i = left; i < right; i++)
          sum += from[j * columns + i];
      values[at] = Math.floor(sum / n);
    }
  }
}

// The levels, once grain that comes near the ink has been averaged away.
function levelsWithoutGrain({rows, columns, values}) {
  let levels = levelsOf(values);
  for (let k = 0; k < 2 && !levels.exact && 3 * levels.low > 2 * middleValue(values); k++) {
    soften(values, rows, columns);
    levels = levelsOf(values);
  }
  return levels;
}

// The value that a quarter of those of `low` or more reaches.
function topOf(values, low) {
  const counts = new Int32Array(256);
  let all = 0, top = 255;
  for (const v of values)
    if (v >= low) {
      counts[v]++;
      all++;
    }
  for (let above = counts[255]; top > 0 && above * 4 < all; above += counts[top])
    top--;
  return all > 0 ? top : 0;
}

function stretch(values, low, high) {
  const range = high - low;
  values.forEach((v, i) => {
    values[i] = v <= low ? 0 : v >= high ? 255 : Math.floor(((v - low) * 255 + (range >> 1)) / range);
  });
}

// --- what is no writing

const longestOf = part => Math.max(part.rows, part.columns);

function touchesEdge({rows, columns}, p) {
  return p.top === 0 || p.left === 0 || p.top + p.rows === rows || p.left + p.columns === columns;
}

function encloses(p, q) {
  return q.top > p.top && q.left > p.left && q.top + q.rows < p.top + p.rows && q.left + q.columns < p.left + p.columns;
}

// The longest side of what is left, of all or of what does not touch the picture's edge; 0: nothing is.
function longestLeft(ink, parts, insideOnly) {
  return parts.reduce((most, p) => p.gone || (insideOnly && touchesEdge(ink, p)) ? most : Math.max(most, longestOf(p)), 0);
}

// How much of a side is a corner: more of a long rectangle's short sides, as it leans.
function cornerOf(side, other) {
  const corner = Math.max(Math.floor(side / 9), Math.floor(other / 20), 1);
  return 2 * corner > side ? (side + 1) >> 1 : corner;
}

// True if part i comes near all four corners of its box: a rectangle does, also one that leans.
function isRectangle(ink, {labels, parts}, i) {
  const p = parts[i], rows = cornerOf(p.rows, p.columns), columns = cornerOf(p.columns, p.rows);
  const isNear = (top, left) => {
    for (let y = top; y < top + rows; y++)
      for (let x = left; x < left + columns; x++)
        if (labels[y * ink.columns + x] === i + 1)
          return true;
    return false;
  };
  const low = p.top + p.rows - rows, right = p.left + p.columns - columns;
  return isNear(p.top, p.left) && isNear(p.top, right) && isNear(low, p.left) && isNear(low, right);
}

// A rectangle around something that is large enough to be a digit; fields in a row are one.
function isFrame(ink, found, i) {
  const p = found.parts[i];
  return found.parts.some(q => encloses(p, q) && 5 * longestOf(q) >= Math.min(p.rows, p.columns)) && isRectangle(ink, found, i);
}

// How many of the part's pixels are the picture's outermost ones.
function contactOf({rows, columns}, {labels}, i) {
  let n = 0;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x += y === 0 || y === rows - 1 ? 1 : Math.max(columns - 1, 1))
      n += labels[y * columns + x] === i + 1;
  return n;
}

// Grain of a table around the sheet: here and there it is as dark as ink, and hangs together by what is fainter.
function dropGrain(ink, {labels, parts}) {
  const cores = new Int32Array(parts.length);
  labels.forEach((label, i) => {
    if (label > 0 && ink.values[i] >= ink.core)
      cores[label - 1]++;
  });
  parts.forEach((p, i) => {
    if (4 * cores[i] < p.pixels) {
      p.gone = true;
      ink.specks++;
    }
  });
}

function dropFrames(ink, found) {
  found.parts.forEach((p, i) => {
    if (!p.gone && isFrame(ink, found, i)) {
      p.gone = true;
      ink.lines++;
    }
  });
}

// Straight, nearly level or upright, and as long as 12 times its breadth.
function isBar(p) {
  const length = longestOf(p);
  return 8 * Math.min(p.rows, p.columns) <= length && 12 * p.pixels <= length * length;
}

// True if a bar is a rule: something stands in the picture that is no speck, four times as long as the bar is broad,
// and at most a third as long as the bar, as a one is not beside other digits.
function isRule(ink, {parts}, bar) {
  const length = longestOf(bar);
  return parts.some(p => !p.gone && !touchesEdge(ink, p) && !isBar(p) && longestOf(p) * length >= 4 * bar.pixels &&
    3 * longestOf(p) <= length);
}

// Rules that end within the picture.
function dropRules(ink, found) {
  for (const part of found.parts)
    if (!part.gone && isBar(part) && isRule(ink, found, part)) {
      part.gone = true;
      ink.lines++;
    }
}

// What comes in from the edge, where something stands free of it; not a digit that touches the edge.
function dropAtEdge(ink, found) {
  const inside = longestLeft(ink, found.parts, true);
  if (5 * inside < Math.min(ink.rows, ink.columns))
    return;
  found.parts.forEach((p, i) => {
    if (p.gone || !touchesEdge(ink, p))
      return;
    if (2 * longestOf(p) > 3 * inside || 3 * Math.min(p.rows, p.columns) < inside ||
        2 * contactOf(ink, found, i) > longestOf(p)) {
      p.gone = true;
      ink.lines++;
    }
  });
}

// A straight stroke, longer than high, that stands above or below something that it is not part of. A five may
// have lost its upper bar, which is shorter than it is high.
function isUnderline({parts}, bar) {
  if (bar.columns < 3 * bar.rows || 3 * bar.pixels < bar.rows * bar.columns)
    return false;
  const middle = bar.top + (bar.rows >> 1);
  return parts.some(p => {
    const beside = p.left + p.columns <= bar.left || p.left >= bar.left + bar.columns;
    if (p.gone || beside || p.rows < 2 * bar.rows || 10 * p.columns > 13 * bar.columns)
      return false;
    return (p.top + p.rows <= middle && 2 * bar.columns >= p.rows) || (p.top >= middle && 10 * bar.columns >= 9 * p.rows);
  });
}

function dropUnderlines(ink, found) {
  for (const part of found.parts)
    if (!part.gone && isUnderline(found, part)) {
      part.gone = true;
      ink.lines++;
    }
}

function dropSpecks(ink, {parts}) {
  const most = longestLeft(ink, parts, false);
  for (const p of parts)
    if (!p.gone && 8 * longestOf(p) < most) {
      p.gone = true;
      ink.specks++;
    }
}

// What was dropped goes, and with `all` what belongs to no part.
function wipeParts(ink, {labels, parts}, all) {
  labels.forEach((label, i) => {
    if (label > 0 ? !parts[label - 1].gone : !all)
      return;
    ink.dropped += label > 0 ? ink.values[i] : 0;
    ink.values[i] = 0;
  });
}

// True if something large went: what remains may be fainter.
function sift(ink, last) {
  const found = partsOf(ink), {lines} = ink, pairs = found.parts.length <= partsMost;
  dropGrain(ink, found);
  if (pairs) {
    dropFrames(ink, found);
    dropRules(ink, found);
  }
  dropAtEdge(ink, found);
  const again = ink.lines > lines && !last;
  if (!again) {
    if (pairs)
      dropUnderlines(ink, found);
    dropSpecks(ink, found);
  }
  wipeParts(ink, found, !again);
  return again;
}

// --- all

const sumOf = values => values.reduce((a, b) => a + b, 0);

// Lines go, unless the only one is all there is: a one that reaches from edge to edge.
function* dropAllLines(ink, low) {
  const before = ink.values.slice();
  yield* dropLines(ink, low);
  if (ink.lines !== 1 || 10 * sumOf(ink.values) >= sumOf(before))
    return;
  ink.values.set(before);
  ink.lines = ink.dropped = 0;
}

function* clean(ink) {
  const {values} = ink, {low, exact} = levelsWithoutGrain(ink);
  if (topOf(values, Math.max(low, 1)) < leastContrast) {
    values.fill(0);
    return;
  }
  ink.exact = exact;
  values.forEach((v, i) => { values[i] = v < low ? 0 : v; });
  yield* dropAllLines(ink, Math.max(low, leastContrast));
  for (let round = 0, again = true; again; round++) {
    ink.core = Math.max(Math.floor(middleValue(values) / (exact ? 2 : 1)), low, 1);
    again = sift(ink, round === 2);
    yield;
  }
  const top = topOf(values, ink.core);
  if (!exact && top > 0) {
    const from = Math.max(low, ink.core >> 1);
    stretch(values, from, Math.max(top, from + 1));
    ink.core = 64;
  }
  ink.kept = sumOf(values);
}

// {rows, columns, values, core, exact, lines, specks, dropped, kept, darkOnLight}: what is written on a picture,
// brought to at most `longest` pixels a side.
function* separated(picture, longest) {
  const side = Math.max(picture.rows, picture.columns);
  const planes = yield* withoutAlpha(picture);
  if (side > longest) {
    const rows = scaledSide(picture.rows, longest, side, longest);
    const columns = scaledSide(picture.columns, longest, side, longest);
    for (const [k, plane] of planes.entries())
      planes[k] = yield* resizing(plane, rows, columns);
  }
  const {rows, columns} = planes[0], darkOnLight = yield* inkIsDark(planes);
  const values = yield* contrastOf(planes, darkOnLight);
  const ink = {rows, columns, values, darkOnLight, exact: false, core: 1, lines: 0, specks: 0, dropped: 0, kept: 0};
  yield* clean(ink);
  return ink;
}
