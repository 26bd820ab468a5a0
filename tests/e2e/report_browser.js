// Plays a person in front of the report: node report_browser.js TASK.json
// The task: {modules, browser, lockstep, checkpoint, page, images, labels, folder, kinds, shots}; kinds has pictures of
// make_pictures, shots is a folder for screenshots, or empty. Prints one object of JSON with what was found; what to think of it is said in report_browser.sh.
"use strict";
const fs = require("fs");
const path = require("path");
const {execFileSync} = require("child_process");

const task = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const {chromium} = require(path.join(task.modules, "node_modules", "playwright-core"));
const side = 28, patience = 180000; // milliseconds: other tests may have the machine
const imageBytes = fs.readFileSync(task.images), labels = fs.readFileSync(task.labels).subarray(8);
const imageOf = i => imageBytes.subarray(16 + i * side * side, 16 + (i + 1) * side * side);
const best = p => p.indexOf(Math.max(...p));
const distance = (p, q) => p.reduce((most, v, c) => Math.max(most, Math.abs(v - q[c])), 0);

// What the program says of picture files, in order.
function predict(...files) {
  return execFileSync(task.lockstep, ["predict", task.checkpoint, "--format", "json", ...files],
    {maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "inherit"]}).toString().trim().split("\n").map(JSON.parse);
}

// --- strokes from an image

// Four times as large, so that lines run smoothly.
const fine = 4, wide = side * fine;

// The image between its pixels' centres, as ink or none.
function inkOf(image) {
  const at = (x, y) => x >= 0 && y >= 0 && x < side && y < side ? image[y * side + x] : 0;
  return Array.from({length: wide * wide}, (_, i) => {
    const x = (i % wide + 0.5) / fine - 0.5, y = (Math.floor(i / wide) + 0.5) / fine - 0.5;
    const u = Math.floor(x), v = Math.floor(y), a = x - u, b = y - v;
    return (1 - b) * ((1 - a) * at(u, v) + a * at(u + 1, v)) + b * ((1 - a) * at(u, v + 1) + a * at(u + 1, v + 1)) > 110 ? 1 : 0;
  });
}

// The eight neighbours of a pixel, clockwise from the one above.
const around = [[0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1]];
const offsets = around.map(([dx, dy]) => dy * wide + dx);

// Lines one pixel thick (T. Y. Zhang & C. Y. Suen, Communications of the ACM 27 (1984), p. 236). No ink
// is at the very border.
function thinned(ink) {
  for (let removed = true, pass = 0; removed || pass % 2; pass++) {
    const gone = [];
    for (let i = 0; i < ink.length; i++) {
      if (!ink[i])
        continue;
      const p = offsets.map(o => ink[i + o]), [n, , e, , s, , w] = p;
      const count = p.reduce((a, b) => a + b), turns = p.filter((v, k) => !v && p[(k + 1) % 8]).length;
      if (count >= 2 && count <= 6 && turns === 1 && (pass % 2 ? n * w * (e + s) : e * s * (n + w)) === 0)
        gone.push(i);
    }
    gone.forEach(i => { ink[i] = 0; });
    removed = gone.length > 0;
  }
  return ink;
}

// Walks along the lines, from their ends first, until each pixel has been passed. A stroke begins and
// ends in the pixel of another one that it meets; what is shorter than a pen is thick is left out.
function strokesOf(image) {
  const ink = thinned(inkOf(image)), fresh = [...ink], strokes = [];
  const near = (i, among) => [0, 2, 4, 6, 1, 3, 5, 7].map(k => i + offsets[k]).filter(j => among[j]);
  for (const ends of [true, false])
    for (let i = 0; i < ink.length; i++) {
      if (!fresh[i] || (ends && near(i, ink).length > 1))
        continue;
      const before = near(i, ink).find(j => !fresh[j]), stroke = before === undefined ? [] : [before];
      let last = i;
      for (let next = i; next !== undefined; next = near(last, fresh)[0]) {
        last = next;
        fresh[last] = 0;
        stroke.push(last);
      }
      const after = near(last, ink).find(j => !stroke.slice(-4).includes(j));
      strokes.push(after === undefined ? stroke : [...stroke, after]);
    }
  const whole = strokes.filter(s => s.length > 2 * fine);
  return (whole.length ? whole : strokes).map(stroke => stroke
    .filter((_, k) => k % 6 === 0 || k === stroke.length - 1)
    .map(i => [(i % wide + 0.5) / wide, (Math.floor(i / wide) + 0.5) / wide]));
}

// --- a person's hands

async function draw(page, strokes) {
  await page.locator("#draw-board").scrollIntoViewIfNeeded();
  const box = await page.locator("#draw-board").boundingBox();
  for (const points of strokes) {
    const at = points.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
    await page.mouse.move(...at[0]);
    await page.mouse.down();
    await Promise.all(at.slice(1).map(([x, y]) => page.mouse.move(x, y))); // some come to the page in one
    await page.mouse.up();
  }
}

const answer = page => page.evaluate(async () => {
  const a = await window.lockstep.answer();
  return a && {...a, bytes: Array.from(a.bytes)};
});
const clear = page => page.locator("#draw-clear").click();

async function board(page, file) {
  const url = await page.evaluate(() => document.getElementById("draw-board").toDataURL("image/png"));
  fs.writeFileSync(file, Buffer.from(url.split(",")[1], "base64"));
  return file;
}

// Five images of each digit, traced on the board.
async function digits(page) {
  const chosen = [...Array(10).keys()].flatMap(digit =>
    [...labels.keys()].filter(i => labels[i] === digit).slice(0, 5));
  const answers = [], files = [];
  for (const i of chosen) {
    await draw(page, strokesOf(imageOf(i)));
    answers.push((await answer(page)).probabilities);
    files.push(await board(page, path.join(task.folder, `stroke-${labels[i]}-${i}.png`)));
    await clear(page);
  }
  const program = predict(...files);
  return {
    n: chosen.length,
    right: chosen.filter((i, k) => best(answers[k]) === labels[i]).length,
    same: answers.filter((p, k) => best(p) === program[k].class).length,
    worst: Math.max(...answers.map((p, k) => distance(p, program[k].probabilities)))
  };
}

// The first 200 test images as they are.
async function testImages(page) {
  const n = 200, file = path.join(task.folder, "first-200");
  const head = Buffer.from(imageBytes.subarray(0, 16));
  head.writeUInt32BE(n, 4);
  fs.writeFileSync(file, Buffer.concat([head, imageBytes.subarray(16, 16 + n * side * side)]));
  const program = predict(file);
  const answers = await page.evaluate(all => all.map(bytes => window.lockstep.classify(Uint8Array.from(bytes))),
    [...Array(n).keys()].map(i => Array.from(imageOf(i))));
  return {n: program.length, worst: Math.max(...answers.map((p, i) => distance(p, program[i].probabilities)))};
}

// --- pictures from files

// PNGs that the browser makes: a test image as it is, half-transparent ink, ink on paper.
async function makePictures(page) {
  const urls = await page.evaluate(bytes => {
    const canvas = (width, height, paint) => {
      const c = Object.assign(document.createElement("canvas"), {width, height});
      paint(c.getContext("2d"));
      return c.toDataURL("image/png");
    };
    return {
      exact: canvas(28, 28, g => {
        const image = g.createImageData(28, 28);
        bytes.forEach((v, i) => image.data.set([v, v, v, 255], 4 * i));
        g.putImageData(image, 0, 0);
      }),
      paper: canvas(300, 200, g => {
        g.fillStyle = "#e8e4d8";
        g.fillRect(0, 0, 300, 200);
        g.lineWidth = 14;
        g.strokeStyle = "#2a3050";
        g.strokeRect(100, 40, 70, 110);
      }),
      transparent: canvas(90, 120, g => {
        g.fillStyle = "#000";
        g.fillRect(40, 20, 11, 80);
      })
    };
  }, Array.from(imageOf(0)));
  return Object.entries(urls).map(([name, url]) => {
    const file = path.join(task.folder, name + ".png");
    fs.writeFileSync(file, Buffer.from(url.split(",")[1], "base64"));
    return file;
  });
}

// Drops the file on the board, as a file manager would.
async function drop(page, file) {
  const data = await page.evaluateHandle(([name, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(bytes)], name));
    return transfer;
  }, [path.basename(file), Array.from(fs.readFileSync(file))]);
  await page.dispatchEvent("#draw-board", "drop", {dataTransfer: data});
}

const noteIs = (page, text) => page.waitForFunction(
  wanted => document.getElementById("draw-note").textContent.startsWith(wanted), text);

async function files(page) {
  const made = await makePictures(page), program = predict(...made), found = {};
  for (let k = 0; k < made.length; k++)
    for (const way of ["open", "drop"]) {
      const name = path.basename(made[k]);
      if (k || way === "drop")
        await clear(page); // or the note would already say what is waited for
      if (way === "open")
        await page.setInputFiles("#draw-file", made[k]);
      else
        await drop(page, made[k]);
      await noteIs(page, name + ", ");
      const a = await answer(page);
      found[`${way} ${name}`] = {how: a.how, wanted: program[k].preprocess, distance: distance(a.probabilities, program[k].probabilities)};
    }
  await page.setInputFiles("#draw-file", {name: "letter.png", mimeType: "image/png", buffer: Buffer.from("no picture")});
  await noteIs(page, "letter.png: ");
  return {pictures: found, refused: await page.textContent("#draw-note"), kept: (await answer(page)) !== null};
}

// --- pictures as people make them

// Answers to the pictures of a folder, dropped one after the other.
async function dropped(page, folder) {
  const names = fs.readdirSync(folder).filter(name => /\.(png|jpg)$/.test(name)).sort(), answers = [];
  for (const name of names) {
    await clear(page);
    await drop(page, path.join(folder, name));
    await noteIs(page, name + ", ");
    answers.push(await answer(page));
  }
  return {files: names.map(name => path.join(folder, name)), answers};
}

// What JPEG and EXIF make of a picture is the browser's: the answer is the program's.
async function turned(page) {
  const found = {n: 0, same: 0};
  for (const kind of ["exif-jpeg", "exif-png", "photo"]) {
    const {files, answers} = await dropped(page, path.join(task.kinds, kind)), program = predict(...files);
    found.n += files.length;
    found.same += answers.filter((a, k) => best(a.probabilities) === program[k].class).length;
  }
  return found;
}

// A photo of 12 million pixels: the page draws on while it is looked at.
async function large(page) {
  await clear(page);
  return page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 4000, height: 3000}), g = canvas.getContext("2d");
    g.fillStyle = "#e8e4d8";
    g.fillRect(0, 0, 4000, 3000);
    g.fillStyle = "#2a3050";
    g.fillRect(1900, 900, 150, 1200);
    const blob = await new Promise(done => canvas.toBlob(done)), transfer = new DataTransfer();
    transfer.items.add(new File([blob], "large.png"));
    document.getElementById("draw-board").dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true}));
    while (!document.getElementById("draw-note").textContent.startsWith("large.png, "))
      await new Promise(done => setTimeout(done, 2));
    let frames = 0, over = false;
    const count = () => { frames++; over || requestAnimationFrame(count); };
    requestAnimationFrame(count);
    const a = await window.lockstep.answer();
    over = true;
    return {frames, answer: a.probabilities.indexOf(Math.max(...a.probabilities))};
  });
}

// --- buttons and keys

async function controls(page) {
  const found = {};
  const empty = async () => (await answer(page)) === null;
  await clear(page);
  found.clear = await empty();
  found.disabled = await page.isDisabled("#draw-undo") && await page.isDisabled("#draw-clear");
  const line = x => [[[x, 0.2], [x, 0.8]]];
  await draw(page, line(0.3));
  const one = (await answer(page)).bytes.join();
  await draw(page, line(0.6));
  found.second = (await answer(page)).digits.length === 2;
  await page.locator("#draw-undo").click();
  found.undo = (await answer(page)).bytes.join() === one;
  await draw(page, line(0.6));
  await page.keyboard.press("Control+z");
  found.key = (await answer(page)).bytes.join() === one;
  await page.waitForFunction(() => /^\S+, [0-9.]+ %; /.test(document.getElementById("draw-said").textContent));
  await page.keyboard.press("Escape");
  found.escape = await empty();
  await page.waitForFunction(() => document.getElementById("draw-said").textContent === "The board is empty.");
  found.bars = await page.locator("#draw-classes li").count();
  return found;
}

// --- the page in one window

async function visit(browser, options, work) {
  const context = await browser.newContext(options), page = await context.newPage();
  page.setDefaultTimeout(patience);
  const errors = [], requests = [];
  page.on("console", m => { if (["error", "warning"].includes(m.type())) errors.push(m.text()); });
  page.on("pageerror", e => errors.push(e.message));
  page.on("request", r => { if (!/^(data|blob):/.test(r.url())) requests.push(r.url()); });
  await page.goto("file://" + encodeURI(task.page));
  const found = await work(page);
  await context.close();
  return {...found, errors, requests: requests.length};
}

async function desktop(page) {
  const sections = await page.locator("main section").evaluateAll(all => all.map(s => s.id));
  const headline = await page.locator("#headline data").evaluateAll(all =>
    Object.fromEntries(all.map(d => [d.dataset.key, d.value])));
  const found = {sections, headline, files: await files(page), turned: await turned(page), large: await large(page), controls: await controls(page), images: await testImages(page)};
  found.digits = await digits(page);
  return found;
}

// A finger draws, and the page stays where it is.
async function phone(page) {
  await page.locator("#draw-board").scrollIntoViewIfNeeded();
  const box = await page.locator("#draw-board").boundingBox(), y = await page.evaluate(() => scrollY);
  const finger = await page.context().newCDPSession(page);
  for (let k = 0; k <= 10; k++)
    await finger.send("Input.dispatchTouchEvent", {type: k ? "touchMove" : "touchStart",
      touchPoints: [{x: box.x + box.width / 2, y: box.y + box.height * (0.2 + 0.06 * k)}]});
  await finger.send("Input.dispatchTouchEvent", {type: "touchEnd", touchPoints: []});
  const a = await answer(page);
  return {
    drawn: a ? best(a.probabilities) : null, stayed: y === await page.evaluate(() => scrollY),
    width: await page.evaluate(() => document.documentElement.scrollWidth)
  };
}

async function shoot(page, name) {
  const five = [[[.68, .2], [.38, .2], [.35, .45], [.55, .42], [.66, .55], [.62, .72], [.48, .8], [.33, .74]]];
  await draw(page, five);
  await answer(page);
  await page.waitForTimeout(300);
  await page.locator("#draw").screenshot({path: path.join(task.shots, `draw-${name}.png`)});
  await page.screenshot({path: path.join(task.shots, `page-${name}.png`), fullPage: true});
}

async function main() {
  const browser = await chromium.launch({executablePath: task.browser, args: ["--no-sandbox"], timeout: patience});
  const small = {viewport: {width: 390, height: 844}, deviceScaleFactor: 2, hasTouch: true};
  try {
    const found = {desktop: await visit(browser, {viewport: {width: 1200, height: 900}}, desktop),
      phone: await visit(browser, small, phone)};
    for (const [name, options] of task.shots ? [["light", {}], ["dark", {colorScheme: "dark"}], ["phone", small]] : [])
      await visit(browser, {viewport: {width: 1200, height: 900}, deviceScaleFactor: 1.5, ...options}, page => shoot(page, name));
    console.log(JSON.stringify(found));
  } finally {
    await browser.close();
  }
}

main().catch(error => {
  console.error(error.stack);
  process.exit(1);
});
