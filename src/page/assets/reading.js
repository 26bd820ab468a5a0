// What the network makes of a picture: of all of it as one digit, and of several digits as src/infer/predict/segment.c
// finds them.

// Ten classes without other names: only then a picture may have several.
function readsDigits({rows, columns, channels, classes, pictures}) {
  return rows === mnistSide && columns === mnistSide && channels === 1 && pictures.preprocess !== "none" &&
    classes.length === 10 && classes.every((name, k) => name === String(k));
}

// The network's word for a run.
function* judging(run, ink, found, network) {
  run.bytes = imageOf(ink, found, i => i >= run.first && i < run.first + run.count);
  run.probabilities = yield* network.classifying(run.bytes);
  run.score += scoreOfWord(run, run.probabilities);
}

// The box of a run in the picture: of its pixels that the ink's were made of.
function boxInPicture(run, ink, found, picture) {
  const {top, left, rows, columns} = boxOfRun(found, run);
  const down = v => v * picture.rows / ink.rows, across = v => v * picture.columns / ink.columns;
  const row = Math.floor(down(top)), column = Math.floor(across(left));
  return {row, column, rows: Math.ceil(down(top + rows)) - row, columns: Math.ceil(across(left + columns)) - column};
}

// The digits of a picture in reading order: {bytes, probabilities, box, line, place, certainty}.
function* readingDigits(picture, network) {
  const ink = yield* separated(picture, 2048), found = yield* piecesOfInk(ink), digits = [];
  let lines = 0;
  for (let first = 0, end; first < found.parts.length; first = end) {
    for (end = first + 1; end < found.parts.length && found.parts[end].line === found.parts[first].line;)
      end++;
    const runs = runsOf(ink, found, first, end);
    for (const run of runs)
      if (run.digit)
        yield* judging(run, ink, found, network);
    const chosen = likeliest(runs, first, end).filter(run => run.digit);
    chosen.forEach((run, place) => digits.push({bytes: run.bytes, probabilities: run.probabilities,
      box: boxInPicture(run, ink, found, picture), line: lines, place, certainty: run.certainty}));
    lines += chosen.length > 0;
  }
  return digits;
}

// {rows, columns, how, bytes, probabilities, unsure, digits}: of the picture as a whole, and of each digit on it.
function* answering(picture, network) {
  const digits = readsDigits(network) ? yield* readingDigits(picture, network) : [];
  const image = yield* preparing(picture, network);
  const whole = {...image, line: 0, place: 0, probabilities: yield* network.classifying(image.bytes)};
  const larger = image.how === "mnist" && (picture.rows > network.rows || picture.columns > network.columns);
  const steady = !larger || image.info.blank || (yield* steadiness(whole, network));
  whole.unsure = doubtsOf(whole, {...image.info, steady}, network);
  for (const digit of digits)
    digit.unsure = doubtsOf(digit, {blank: false, parts: 1, uncut: digit.certainty >= 0.9}, network);
  return {rows: picture.rows, columns: picture.columns, ...whole, digits: digits.length > 1 ? digits : [whole]};
}
