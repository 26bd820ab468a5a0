// The panel: a board to draw on, pictures from files, and what the network makes of them.

const lineWidth = 0.08; // of the board's side: behind the centring about two pixels, like a pen's in MNIST
const patience = 12;     // milliseconds of computing before the page may do something else
const largestPicture = 1 << 25; // pixels

function pictureOf(canvas) {
  const {width, height} = canvas;
  const data = canvas.getContext("2d", {willReadFrequently: true}).getImageData(0, 0, width, height).data;
  return {rows: height, columns: width, pixels: data};
}

// A canvas with the picture of a file, in its own size, upright as its EXIF orientation says, and with its
// values as they stand.
async function readPicture(file) {
  const asTheyStand = {colorSpaceConversion: "none", premultiplyAlpha: "none", imageOrientation: "from-image"};
  const bitmap = await createImageBitmap(file, asTheyStand)
    .catch(() => { throw new Error("no picture that this browser can read"); });
  if (bitmap.width * bitmap.height > largestPicture)
    throw new Error(`${bitmap.width} × ${bitmap.height} pixels are too many for this page`);
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d", {willReadFrequently: true}).drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

// Strokes are arrays of points in 0..1; a curve goes through the middles between them.
function drawStroke(context, points, side) {
  const at = points.map(([x, y]) => [x * side, y * side]);
  context.beginPath();
  context.moveTo(...at[0]);
  for (let i = 1; i + 1 < at.length; i++)
    context.quadraticCurveTo(...at[i], (at[i][0] + at[i + 1][0]) / 2, (at[i][1] + at[i + 1][1]) / 2);
  context.lineTo(...at[at.length - 1]);
  context.stroke();
}

function drawBoard(board, strokes, shown) {
  const context = board.getContext("2d", {willReadFrequently: true}), side = board.width;
  context.fillStyle = "#000";
  context.fillRect(0, 0, side, side);
  if (shown) {
    const scale = Math.min(side / shown.width, side / shown.height);
    const width = shown.width * scale, height = shown.height * scale;
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(shown, (side - width) / 2, (side - height) / 2, width, height);
  }
  context.strokeStyle = "#fff";
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = lineWidth * side;
  for (const points of strokes)
    drawStroke(context, points, side);
}

function drawSeen(canvas, bytes, network) {
  const {rows, columns, channels} = network, image = new ImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    for (let c = 0; c < 3; c++)
      image.data[4 * i + c] = bytes ? bytes[i * channels + Math.min(c, channels - 1)] : 0;
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function percent(p) {
  return (100 * p).toFixed(1) + " %";
}

// One bar a class; returns what sets them, to null where there is no answer.
function makeBars(list, classes) {
  const bars = classes.map(name => {
    const item = list.appendChild(document.createElement("li"));
    const [label, track, figure] = ["name", "track", "figure"].map(part => {
      const span = item.appendChild(document.createElement("span"));
      span.className = "draw-" + part;
      return span;
    });
    label.textContent = label.title = name;
    return {item, figure, fill: track.appendChild(document.createElement("span"))};
  });
  list.dataset.many = classes.length > 20;
  return (probabilities, best) => bars.forEach(({item, figure, fill}, c) => {
    const p = probabilities ? probabilities[c] : 0;
    fill.style.width = 100 * p + "%";
    figure.textContent = probabilities ? percent(p) : "";
    item.dataset.best = probabilities !== null && c === best;
  });
}

// Classes, the likeliest first.
function ranked(probabilities) {
  return probabilities.map((_, c) => c).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
}

function unsureOf({unsure}) {
  return unsure.length ? `, unsure: ${unsure.join(", ")}` : "";
}

// The number of each line.
function linesOf(digits, names) {
  const lines = [];
  digits.forEach(({line}, k) => { lines[line] = (lines[line] || "") + names[k]; });
  return lines.filter(text => text);
}

// The digits as buttons, in their lines: the one that is pressed is shown in full.
function buttonsOf(digits, names, choose) {
  const lines = [];
  digits.forEach((digit, k) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = names[k];
    button.dataset.digit = k;
    button.dataset.unsure = digit.unsure.length > 0;
    button.addEventListener("click", () => choose(k));
    lines[digit.line] = lines[digit.line] || document.createElement("span");
    lines[digit.line].append(button);
  });
  return lines.filter(line => line);
}

// Where the digits stand on the board.
function boxesOf({digits, rows, columns}, names) {
  const side = Math.max(rows, columns), right = (side - columns) / 2, down = (side - rows) / 2;
  return digits.map(({box, unsure}, k) => {
    const mark = document.createElement("span"), at = v => 100 * v / side + "%";
    mark.dataset.digit = k;
    mark.dataset.unsure = unsure.length > 0;
    mark.title = names[k];
    Object.assign(mark.style, {left: at(right + box.column), top: at(down + box.row), width: at(box.columns), height: at(box.rows)});
    return mark;
  });
}

function startPanel(section, network) {
  const part = name => section.querySelector("#draw-" + name);
  const board = part("board"), said = part("said"), note = part("note");
  const setBars = makeBars(part("classes"), network.classes);
  let strokes = [], shown = null, active = null; // drawn, or read from a file; the pointer that draws
  let waiting = null, busy = false, frame = 0, telling = 0, answer = null;

  function tell(text) {
    clearTimeout(telling);
    telling = setTimeout(() => { said.textContent = text; }, 500);
  }

  // One of several digits, or the only one.
  function showDigit(digit) {
    const probabilities = digit ? digit.probabilities : null, order = digit ? ranked(probabilities) : [];
    setBars(probabilities, order[0]);
    drawSeen(part("seen"), digit && digit.bytes, network);
    part("sure").textContent = digit ? percent(probabilities[order[0]]) + unsureOf(digit) : "";
    part("sure").dataset.unsure = digit !== null && digit.unsure.length > 0;
  }

  function show(result) {
    answer = result;
    const digits = result ? result.digits : [], first = digits.length ? digits[0] : null;
    const names = digits.map(digit => network.classes[ranked(digit.probabilities)[0]]);
    const choose = k => {
      showDigit(digits[k]);
      for (const mark of section.querySelectorAll("[data-digit]"))
        mark.dataset.chosen = Number(mark.dataset.digit) === k;
    };
    showDigit(first);
    part("answer").dataset.long = names.some(name => name.length > 3) || names.length > 3;
    part("answer").replaceChildren(...(digits.length > 1 ? buttonsOf(digits, names, choose) : names));
    part("boxes").replaceChildren(...(digits.length > 1 ? boxesOf(result, names) : []));
    if (digits.length > 1)
      choose(0);
    tell(!first ? "The board is empty." : digits.length > 1 ? linesOf(digits, names).join("; ")
      : ranked(first.probabilities).slice(0, 2).map(c => network.classes[c] + ", " + percent(first.probabilities[c])).join("; ") +
        unsureOf(first));
  }

  // In slices, so that neither a large photo nor a large network holds up the pen.
  async function work() {
    busy = true;
    while (waiting) {
      const run = answering(waiting, network);
      waiting = null;
      let step, until = performance.now() + patience;
      while (!(step = run.next()).done)
        if (performance.now() > until) {
          await new Promise(done => setTimeout(done));
          until = performance.now() + patience;
        }
      if (step.done && (strokes.length || shown))
        show(step.value);
    }
    busy = false;
  }

  function look() {
    frame = 0;
    drawBoard(board, strokes, shown);
    const empty = !strokes.length && !shown;
    section.dataset.empty = empty;
    part("undo").disabled = part("clear").disabled = empty;
    waiting = empty ? null : pictureOf(shown || board);
    if (empty)
      show(null);
    else if (!busy)
      work();
  }

  function changed() {
    frame = frame || requestAnimationFrame(look);
  }

  function clear() {
    strokes = [];
    shown = active = null;
    note.textContent = "";
    changed();
  }

  function undo() {
    if (shown)
      return clear();
    strokes.pop();
    active = null;
    changed();
  }

  async function open(file) {
    try {
      const canvas = await readPicture(file);
      clear();
      shown = canvas;
      note.textContent = `${file.name}, ${canvas.width} × ${canvas.height}`;
      changed();
    } catch (error) {
      note.textContent = `${file.name}: ${error.message}`;
    }
    tell(note.textContent);
  }

  function point(event) {
    const box = board.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  board.addEventListener("pointerdown", event => {
    if (active !== null || event.button !== 0)
      return;
    event.preventDefault();
    board.focus({preventScroll: true});
    board.setPointerCapture(event.pointerId);
    if (shown)
      clear();
    active = event.pointerId;
    strokes.push([point(event)]);
    changed();
  });
  board.addEventListener("pointermove", event => {
    if (event.pointerId !== active)
      return;
    const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    strokes[strokes.length - 1].push(...(between.length ? between : [event]).map(point));
    changed();
  });
  for (const end of ["pointerup", "pointercancel"])
    board.addEventListener(end, event => { active = event.pointerId === active ? null : active; });

  section.addEventListener("keydown", event => {
    if (event.key === "Escape")
      clear();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey) && !part("undo").disabled)
      undo();
    else
      return;
    event.preventDefault();
  });
  part("clear").addEventListener("click", clear);
  part("undo").addEventListener("click", undo);
  part("file").addEventListener("change", event => {
    if (event.target.files.length)
      open(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  });
  for (const over of ["dragenter", "dragover", "dragleave", "drop"])
    section.addEventListener(over, event => {
      event.preventDefault();
      section.dataset.drop = over === "dragenter" || over === "dragover";
      if (over === "drop" && event.dataTransfer.files.length)
        open(event.dataTransfer.files[0]);
    });

  part("panel").hidden = false;
  look();

  // For tests, and for the curious in the browser's console.
  window.lockstep = {
    network,
    classify: network.classify, // bytes, rows * columns * channels, to probabilities
    prepare: canvas => atOnce(preparing(pictureOf(canvas), network)),
    classifyCanvas: canvas => atOnce(answering(pictureOf(canvas), network)).probabilities,
    // Resolves to {bytes, how, probabilities} of what is on the board, or null, once it has been answered.
    async answer() {
      while (frame || busy)
        await new Promise(done => setTimeout(done, 2));
      return answer;
    }
  };
}

const element = id => document.getElementById("draw-" + id);
startPanel(document.getElementById("draw"), makeNetwork(JSON.parse(element("network").textContent),
  numbersFrom(element("values").textContent, element("rounded") ? element("rounded").textContent : "")));
