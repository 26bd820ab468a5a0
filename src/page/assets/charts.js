/* A reader's cursor on the charts: with the pointer, or with the arrow keys. The charts stand without it. */
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const short = (v) => String(+v.toPrecision(4));

  function lines(svg) {
    return [...svg.querySelectorAll("polyline")].map((line) => ({
      name: line.dataset.name,
      colour: line.classList[0],
      values: line.dataset.values.split(" "),
      points: line.getAttribute("points").trim().split(" ").map((p) => p.split(",").map(Number)),
    })).filter((l) => l.points.length > 0 && l.points[0].length === 2);
  }

  function nearest(points, x) {
    let best = 0;
    points.forEach((p, i) => { if (Math.abs(p[0] - x) < Math.abs(points[best][0] - x)) best = i; });
    return best;
  }

  function equip(svg) {
    const [low, high, left, right] = svg.dataset.x.split(" ").map(Number);
    const series = lines(svg), steps = Number(svg.dataset.steps), unit = svg.dataset.unit;
    if (series.length === 0) return;
    const places = [...new Set(series.flatMap((l) => l.points.map((p) => p[0])))].sort((a, b) => a - b);
    const cursor = document.createElementNS(SVG, "path");
    cursor.setAttribute("class", "cursor");
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.setAttribute("role", "status");
    tip.hidden = true;
    svg.after(tip);
    let at = -1;

    function where(x) {
      const value = low + (x - left) / (right - left) * (high - low);
      const text = `${svg.dataset.label} ${+value.toFixed(value < 100 ? 2 : 0)}`;
      return steps > 0 ? `${text}, step ${Math.round(value * steps)}` : text;
    }

    function show(index) {
      at = Math.max(0, Math.min(places.length - 1, index));
      const x = places[at], box = svg.viewBox.baseVal;
      cursor.setAttribute("d", `M${x} 10V${box.height - 40}`);
      svg.append(cursor);
      tip.replaceChildren();
      const head = document.createElement("b");
      head.textContent = where(x);
      tip.append(head);
      for (const line of series) {
        const i = nearest(line.points, x), row = document.createElement("div"), key = document.createElement("i");
        const gap = line.points.length > 1 ? (line.points.at(-1)[0] - line.points[0][0]) / (line.points.length - 1) : 0;
        if (Math.abs(line.points[i][0] - x) > Math.max(gap / 2, 2)) continue;
        key.className = `key ${line.colour}`;
        row.append(key, `${line.name} ${short(Number(line.values[i]))}${unit}`);
        tip.append(row);
      }
      tip.hidden = false;
      const share = x / box.width, room = svg.clientWidth - tip.offsetWidth;
      tip.style.left = `${Math.max(0, Math.min(room, share * svg.clientWidth + (share < .5 ? 12 : -tip.offsetWidth - 12)))}px`;
    }

    function hide() {
      tip.hidden = true;
      cursor.remove();
    }

    svg.tabIndex = 0;
    svg.addEventListener("pointermove", (e) => {
      const box = svg.getBoundingClientRect(), x = (e.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      show(places.reduce((best, p, i) => Math.abs(p - x) < Math.abs(places[best] - x) ? i : best, 0));
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) show(at < 0 ? places.length - 1 : at); });
    svg.addEventListener("keydown", (e) => {
      const jump = Math.max(1, Math.round(places.length / 40));
      const to = { ArrowLeft: at - jump, ArrowRight: at + jump, Home: 0, End: places.length - 1 }[e.key];
      if (e.key === "Escape") hide();
      if (to === undefined) return;
      e.preventDefault();
      show(to);
    });
  }

  document.querySelectorAll("svg[data-x]").forEach(equip);
})();
