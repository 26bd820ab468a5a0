// Lines that no pen drew: rules, grids, frames. src/pictures/ink/lines.c in JavaScript. A view looks along
// lines: `a` counts along them, `c` across.

const linesMost = 48;

function middleOf(v, {lean, at}, a) {
  return at + Math.floor((lean * (2 * a - v.along) + v.along) / (2 * v.along));
}

// The run of ink around c, or one pixel beside it, into v.first and v.end; false if there is none.
function runAt(v, a, c) {
  const {values, stepAcross, low} = v, row = a * v.stepAlong;
  for (const off of [0, -1, 1]) {
    let first = c + off;
    if (first < 0 || first >= v.across || values[row + first * stepAcross] < low)
      continue;
    let end = first + 1;
    while (first > 0 && values[row + (first - 1) * stepAcross] >= low)
      first--;
    while (end < v.across && values[row + end * stepAcross] >= low)
      end++;
    v.first = first;
    v.end = end;
    return true;
  }
  v.first = v.end = 0;
  return false;
}

const runOf = (v, line, a) => runAt(v, a, middleOf(v, line, a));

// --- votes

// A thin run at place a, from `first` to before `end`, votes for the lines through its middle.
function vote({v, votes, bins}, a, first, end, weight) {
  const double = 2 * v.along, middle = (first + end) * v.along, from = 2 * a - v.along;
  let at = v.leans + 2;
  for (let lean = -v.leans; lean <= v.leans; lean++, at += bins)
    votes[at + Math.floor((middle - lean * from) / double)] += weight;
}

// Runs thicker than `thinner` vote, up to v.thickest.
function* countVotes(h, thinner) {
  const {v} = h, {values, stepAcross, low} = v;
  for (let a = 0; a < v.along; a++) {
    if (a % 64 === 0)
      yield;
    for (let c = 0, at = a * v.stepAlong; c < v.across; c++, at += stepAcross) {
      if (values[at] < low)
        continue;
      const first = c;
      while (c < v.across && values[at] >= low) {
        c++;
        at += stepAcross;
      }
      if (c - first > thinner && c - first <= v.thickest)
        vote(h, a, first, c, 1);
    }
  }
}

// The line with the most votes, those of both neighbours too: {votes, lean, at}.
function strongest({v, votes, bins}) {
  let most = 0, best = null;
  for (let k = 0; k <= 2 * v.leans; k++)
    for (let b = 1, at = k * bins + 1; b < bins - 1; b++, at++) {
      const sum = votes[at - 1] + votes[at] + votes[at + 1];
      if (sum > most) {
        most = sum;
        best = {lean: k - v.leans, at: b - v.leans - 2};
      }
    }
  return {...best, votes: most};
}

// What is found once is not found again.
function withdraw(h, line) {
  const {v} = h;
  for (let a = 0; a < v.along; a++)
    if (runOf(v, line, a) && v.end - v.first <= v.thickest)
      vote(h, a, v.first, v.end, -1);
}

// --- a line

// How thick it is where nothing crosses it: a quarter of it is no thicker.
function thicknessOf(v, line) {
  const counts = new Int32Array(64);
  let n = 0, t = 1;
  for (let a = 0; a < v.along; a++) {
    runOf(v, line, a);
    const thick = v.end - v.first;
    if (thick > 0 && thick <= v.thickest && thick < 64) {
      counts[thick]++;
      n++;
    }
  }
  for (let seen = counts[1]; t < 63 && seen * 4 < n; seen += counts[t])
    t++;
  return t;
}

const thickestOf = line => line.thick + (line.thick > 2 ? line.thick >> 1 : 1);

// The longest stretch of ink along it that has no large gap, into line.first and .last; returns how much of it
// is thin.
function stretchOf(v, line) {
  let first = -1, last = -1, thin = 0, best = 0;
  line.first = 0;
  line.last = -1;
  for (let a = 0; a <= v.along; a++) {
    const ink = a < v.along && runOf(v, line, a);
    if (first >= 0 && (a === v.along || (!ink && a - last > v.gap))) {
      if (last - first > line.last - line.first) {
        line.first = first;
        line.last = last;
        best = thin;
      }
      first = -1;
    }
    if (!ink)
      continue;
    thin = (first < 0 ? 0 : thin) + (v.end - v.first <= thickestOf(line));
    first = first < 0 ? a : first;
    last = a;
  }
  return best;
}

function atEdge(v, line, a) {
  const c = middleOf(v, line, a), near = v.gap + line.thick;
  return a <= v.gap || a >= v.along - 1 - v.gap || c < near || c >= v.across - near;
}

function* findLines(h) {
  const {v, lines} = h;
  for (let tries = 0; tries < 2 * linesMost && lines.length < linesMost; tries++) {
    yield;
    const line = strongest(h);
    if (line.votes < 8 || 100 * line.votes < Math.floor(40 * v.along / 2))
      return;
    line.thick = thicknessOf(v, line);
    const thin = stretchOf(v, line), length = line.last - line.first + 1;
    withdraw(h, line);
    line.spans = atEdge(v, line, line.first) && atEdge(v, line, line.last);
    if (length >= 8 && 100 * thin >= 40 * length)
      lines.push(line);
  }
}

// --- what crosses it

// True if a line of the other direction is at place a.
function meets(h, other, line, a) {
  const c = middleOf(h.v, line, a), {gap} = other.v;
  return other.lines.some(o => o.spans && c >= o.first - gap && c <= o.last + gap &&
    Math.abs(a - middleOf(other.v, o, c)) <= (o.thick >> 1) + 2);
}

// From its ends to the first and the last stroke across it; -1: none.
function findStrokes(h, other, line) {
  line.head = line.tail = -1;
  for (let a = line.first; a <= line.last; a++) {
    runOf(h.v, line, a);
    if (h.v.end - h.v.first <= thickestOf(line) || meets(h, other, line, a))
      continue;
    if (line.head < 0)
      line.head = a - line.first;
    line.tail = line.last - a;
  }
}

function isDrawnByNoPen(line) {
  const least = Math.max(Math.floor((line.last - line.first + 1) / 16), 2);
  return line.spans && (line.head < 0 || (line.head >= least && line.tail >= least));
}

function wipe(ink, v, line) {
  for (let a = 0; a < v.along; a++) {
    const found = runOf(v, line, a), at = c => v.values[a * v.stepAlong + c * v.stepAcross];
    if (!found || v.end - v.first > thickestOf(line))
      continue;
    const first = v.first - (v.first > 0 && at(v.first - 1) < v.low); // a soft edge is below the threshold
    const end = v.end + (v.end < v.across && at(v.end) < v.low);
    for (let c = first; c < end; c++) {
      ink.dropped += at(c);
      v.values[a * v.stepAlong + c * v.stepAcross] = 0;
    }
  }
}

function dropLinesOf(ink, h, other) {
  for (const line of h.lines)
    findStrokes(h, other, line);
  for (const line of h.lines)
    if (isDrawnByNoPen(line)) {
      wipe(ink, h.v, line);
      ink.lines++;
    }
}

// --- both directions

function* lookForLines({rows, columns, values}, low, upright) {
  const [along, across] = upright ? [rows, columns] : [columns, rows];
  const leans = Math.floor(along * 8 / 100), bins = across + 2 * leans + 5;
  const v = {
    values, low, along, across, leans, stepAlong: upright ? columns : 1, stepAcross: upright ? 1 : columns,
    thickest: Math.max(Math.floor(Math.min(rows, columns) / 12), 2), gap: Math.max(along >> 4, 2)
  };
  const h = {v, bins, votes: new Int32Array((2 * leans + 1) * bins), lines: []};
  const {thickest} = v, thin = Math.max(thickest >> 2, 2); // thin ones first: strokes have no vote yet
  v.thickest = thin;
  yield* countVotes(h, 0);
  yield* findLines(h);
  v.thickest = thickest;
  if (thickest > thin) {
    yield* countVotes(h, thin);
    yield* findLines(h);
  }
  return h;
}

// Long straight lines of values of `low` or more become 0, where no stroke crosses them.
function* dropLines(ink, low) {
  const level = yield* lookForLines(ink, low, false), upright = yield* lookForLines(ink, low, true);
  dropLinesOf(ink, level, upright);
  dropLinesOf(ink, upright, level);
}
