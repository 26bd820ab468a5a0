// The panel: a board to draw on, pictures from files, and what the network makes of them.

const lineWidth = 0.08; // of the board's side: behind the centring about two pixels, like a pen's in MNIST
const patience = 12;     // milliseconds of computing before the page may do something else
const largestPicture = 1 << 25; // pixels

function pictureOf(canvas) {
  const {width, height} = canvas;
  const data = canvas.getContext("2d", {willReadFrequently: true}).getImageData(0, 0, width, height).data;
  return {rows: height, columns: width, pixels: data};
}

// A canvas with the picture of a file, in its own size and with its values as they stand.
async function readPicture(file) {
  const bitmap = await createImageBitmap(file, {colorSpaceConversion: "none", premultiplyAlpha: "none"})
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

  function show(result) {
    answer = result;
    const probabilities = result ? result.probabilities : null;
    const order = network.classes.map((_, c) => c);
    if (result)
      order.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
    setBars(probabilities, order[0]);
    drawSeen(part("seen"), result && result.bytes, network);
    const name = result ? network.classes[order[0]] : "";
    part("answer").textContent = name;
    part("answer").dataset.long = name.length > 3;
    part("sure").textContent = result ? percent(probabilities[order[0]]) : "";
    tell(result ? order.slice(0, 2).map(c => network.classes[c] + ", " + percent(probabilities[c])).join("; ")
      : "The board is empty.");
  }

  // In slices, so that a large network does not hold up the pen.
  async function work() {
    busy = true;
    while (waiting) {
      const image = waiting;
      waiting = null;
      const run = network.classifying(image.bytes);
      let step, until = performance.now() + patience;
      while (!(step = run.next()).done)
        if (performance.now() > until) {
          await new Promise(done => setTimeout(done));
          until = performance.now() + patience;
        }
      if (strokes.length || shown)
        show({...image, probabilities: step.value});
    }
    busy = false;
  }

  function look() {
    frame = 0;
    drawBoard(board, strokes, shown);
    const empty = !strokes.length && !shown;
    section.dataset.empty = empty;
    part("undo").disabled = part("clear").disabled = empty;
    waiting = empty ? null : prepare(pictureOf(shown || board), network);
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
    prepare: canvas => prepare(pictureOf(canvas), network),
    classifyCanvas: canvas => network.classify(prepare(pictureOf(canvas), network).bytes),
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
