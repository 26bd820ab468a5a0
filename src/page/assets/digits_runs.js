// The likeliest way through the pieces of a line: src/infer/predict/runs.c in JavaScript. A run is pieces that follow
// each other, {first, count, digit, traits, score}: a digit, or what is none and left out.

const runMost = 10;

// The box around a run, and its mass.
function boxOfRun({parts}, {first, count}) {
  const among = parts.slice(first, first + count);
  const top = Math.min(...among.map(p => p.top)), left = Math.min(...among.map(p => p.left));
  return {top, left, rows: Math.max(...among.map(p => p.bottom)) - top,
    columns: Math.max(...among.map(p => p.right)) - left, mass: among.reduce((sum, p) => sum + p.mass, 0)};
}

// Strokes that the rows of a run cross, in the mean over rows with ink.
function crossings(ink, {labels}, {first, count}, box) {
  let strokes = 0, rows = 0;
  for (let y = box.top; y < box.top + box.rows; y++) {
    let before = false, any = false;
    for (let x = 0, at = y * ink.columns + box.left; x < box.columns; x++, at++) {
      const piece = labels[at] - 1, now = piece >= first && piece < first + count && ink.values[at] >= 128;
      strokes += now && !before;
      any = any || now;
      before = now;
    }
    rows += any;
  }
  return rows ? strokes / rows : 0;
}

// The widest gap between pieces that do not hang together; below 0: none.
function widestGap({parts}, {first, count}) {
  let right = 0, gap = -1;
  for (let i = first; i < first + count; i++) {
    if (i > first && parts[i].cuts === 0)
      gap = Math.max(gap, parts[i].left - right);
    right = Math.max(right, parts[i].right);
  }
  return gap;
}

// Parts that could be digits, or pieces of such.
function largeParts({parts}, {first, count}) {
  return new Set(parts.slice(first, first + count).filter(p => !p.small).map(p => p.part)).size;
}

// The most ink on a cut between pieces of the run, which is then none.
function inkInside({parts}, {first, count}) {
  return parts.slice(first + 1, first + count).reduce((most, p) => Math.max(most, p.cut), 0);
}

const over = (value, limit) => Math.max(value - limit, 0);

// What the cut behind a run counts.
function scoreOfCut({parts, height}, {first, count}, end) {
  if (first + count === end)
    return 0;
  const {cut, cuts, strokes} = parts[first + count];
  return -2.750 * cut / (255 * height) - 0.710 * (strokes - cuts) - 1.980 * cuts;
}

// The run with its score but for the network's word, or null: it can be nothing.
function runOfPieces(ink, found, first, count, end) {
  const run = {first, count}, box = boxOfRun(found, run), {height} = found;
  const gap = widestGap(found, run), large = largeParts(found, run);
  run.score = scoreOfCut(found, run, end);
  run.digit = large > 0 && 10 * box.rows >= 3 * height;
  if (!run.digit) {
    run.score += -1.040 - 0.270 * box.mass / (255 * height * height);
    return count === 1 ? run : null;
  }
  const aspect = box.columns / box.rows, crossed = crossings(ink, found, run, box), rows = box.rows / height;
  run.traits = [aspect, crossed, rows];
  run.score += -4.330 + 1.370 * aspect + 2.730 * over(aspect, 1.1) - 3.500 * crossed - 5.990 * over(crossed, 2.2) + 1.960 * rows
    - 7.340 * over(0.75, rows) - 1.010 * over(gap, 0) / height - 2.070 * over(large, 1) - 2.190 * inkInside(found, run) / (255 * height);
  return count === 1 || (10 * gap <= 3 * height && 2 * box.columns <= 5 * height) ? run : null;
}

// All runs of pieces first .. end - 1, a line, in order of their first pieces.
function runsOf(ink, found, first, end) {
  const runs = [];
  for (let i = first; i < end; i++)
    for (let count = 1; count <= runMost && i + count <= end; count++) {
      const run = runOfPieces(ink, found, i, count, end);
      if (run)
        runs.push(run);
    }
  return runs;
}

// Of the ten digits columns by rows, strokes that a row crosses, and rows: means and deviations.
const shapes = [[0.93, 1.71, 0.97], [0.43, 1.00, 1.02], [0.93, 1.32, 0.98], [0.81, 1.21, 1.00], [0.82, 1.44, 1.00],
  [0.95, 1.19, 0.96], [0.75, 1.40, 0.99], [0.79, 1.15, 1.00], [0.76, 1.55, 0.99], [0.68, 1.36, 0.99]];
const deviations = [[0.17, 0.12, 0.09], [0.19, 0.03, 0.13], [0.18, 0.19, 0.10], [0.16, 0.14, 0.08], [0.16, 0.12, 0.07],
  [0.24, 0.13, 0.11], [0.14, 0.20, 0.09], [0.15, 0.13, 0.10], [0.16, 0.15, 0.08], [0.13, 0.13, 0.09]];

// The network's word for a digit: its logit above the mean of all, and how far the shape is from that of its class.
function scoreOfWord({traits}, probabilities) {
  const predicted = probabilities.indexOf(Math.max(...probabilities));
  const mean = probabilities.reduce((sum, p) => sum + Math.log(Math.max(p, 2 ** -126)), 0) / probabilities.length;
  return 0.520 * (Math.log(probabilities[predicted]) - mean) + [0.000, -0.110, -0.080].reduce((sum, weight, k) => {
    const off = Math.min(Math.max((traits[k] - shapes[predicted][k]) / deviations[predicted][k], -5), 5);
    return sum + weight * off * off;
  }, 0);
}

// log(exp(a) + exp(b))
function addLogs(a, b) {
  const most = Math.max(a, b);
  return most === -Infinity ? most : most + Math.log(1 + Math.exp(Math.min(a, b) - most));
}

// The runs of the likeliest way through the line, each with its certainty.
function likeliest(runs, first, end) {
  const at = Array.from({length: end - first + 1}, () => ({before: -Infinity, after: -Infinity, best: -Infinity, last: null}));
  const from = run => at[run.first - first], to = run => at[run.first + run.count - first];
  at[0].before = at[0].best = at[end - first].after = 0;
  for (const run of runs) {
    const a = from(run), b = to(run);
    b.before = addLogs(b.before, a.before + run.score);
    if (a.best + run.score > b.best) {
      b.best = a.best + run.score;
      b.last = run;
    }
  }
  for (const run of [...runs].reverse())
    from(run).after = addLogs(from(run).after, to(run).after + run.score);
  const chosen = [];
  for (let run = at[end - first].last; run; run = from(run).last)
    chosen.unshift({...run, certainty: Math.exp(from(run).before + run.score + to(run).after - at[0].after)});
  return chosen;
}
