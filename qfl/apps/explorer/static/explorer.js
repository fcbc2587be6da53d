// Keeps a page at what the chains say, and draws its figures. Without it a page is as it was when it was loaded.
"use strict";

const POLL_MILLISECONDS = 2000;
const HEIGHT = 220;
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 5 });
const drawn = new Map(); // chart by the name of its series
let state = document.body.dataset.state;
let paused = false;

async function look() {
  if (!paused && !document.hidden) {
    try {
      const found = (await (await fetch("/state.json")).json()).state;
      if (found !== state) {
        await renew();
        state = found;
      }
    } catch {
      say("The explorer does not answer: start it again, then load this page anew.");
    }
  }
  setTimeout(look, POLL_MILLISECONDS);
}

// Loads the page again and takes over what changed, but for what somebody is just in.
async function renew() {
  const text = await (await fetch(location.href)).text();
  const loaded = new DOMParser().parseFromString(text, "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = loaded.getElementById(part.id);
    if (other && other.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
      part.innerHTML = other.innerHTML;
    }
  }
  await draw();
}

function say(text) {
  const line = document.createElement("p");
  line.className = "complaint";
  line.textContent = text;
  document.getElementById("notices").replaceChildren(line);
}

async function draw() {
  const figures = document.querySelectorAll("figure[data-series]");
  if (!figures.length || typeof uPlot === "undefined") return;
  const found = await (await fetch("/series.json")).json();
  for (const figure of figures) {
    const series = found[figure.dataset.series];
    if (!series || !series.rounds.length) continue;
    const chart = drawn.get(figure.dataset.series);
    if (chart) chart.setData([series.rounds, series.values]);
    else drawn.set(figure.dataset.series, make(figure, series));
  }
}

function make(figure, series) {
  const place = figure.querySelector(".plot");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 } };
  const options = {
    width: place.clientWidth,
    height: HEIGHT,
    scales: { x: { time: false } },
    axes: [
      { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      { ...axis, size: 60, values: (_chart, ticks) => ticks.map((tick) => COMPACT.format(tick)) },
    ],
    series: [
      { label: "round" },
      { label: series.unit, stroke: colour("--mark"), width: 2, points: { show: series.rounds.length < 60 } },
    ],
  };
  const chart = new uPlot(options, [series.rounds, series.values], place);
  const canvas = place.querySelector("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-labelledby", figure.querySelector("figcaption").id);
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(figure);
  return chart;
}

// Colours are drawn into the picture: they follow the system's when it changes.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  drawn.forEach((chart) => chart.destroy());
  drawn.clear();
  draw();
});

const pause = document.getElementById("pause");
pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Go on updating" : "Pause updates";
});

draw();
setTimeout(look, POLL_MILLISECONDS);
