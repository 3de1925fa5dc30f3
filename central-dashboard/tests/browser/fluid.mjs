// Whether long lists stay fluid: scrolls through every row of the sites and of a deployment, types a search, changes a
// site elsewhere and waits for the pixel. Prints what it has measured as JSON; judging is for whoever asked.
//
//   node fluid.mjs '{"chromium", "address", "email", "password", "places": {"deployment"}}'

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const asked = JSON.parse(process.argv[2]);
/** Pixels of a step, one each frame: as fast as somebody who drags the bar is still able to look. */
const STEP = 600;

const browser = await chromium.launch({
  executablePath: asked.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-precise-memory-info"],
});

/** The API, without the browser: what somebody else does. */
async function api(method, route, body, token) {
  const answer = await fetch(asked.address + route, {
    method,
    headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  assert.ok(answer.ok, `${method} ${route}: ${answer.status}`);
  return answer.json();
}

/** Runs in the page: one step each frame to the end, and more rows whenever they come. */
async function scrollThrough({ step, total }) {
  const table = () => document.querySelector("table[role=table]");
  const frames = [];
  const longTasks = [];
  const observer = new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((one) => one.duration)));
  observer.observe({ entryTypes: ["longtask"] });
  const next = () => new Promise((done) => requestAnimationFrame(done));
  let mostRows = 0;
  let waited = 0;
  let last = 0;
  let before = await next();
  for (let still = 0; still < 600; ) {
    const bottom = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
    if (!bottom) scrollBy(0, step);
    const now = await next();
    // At the end of what is loaded nothing moves: that is the network's time, not the page's.
    if (bottom) waited += now - before;
    else frames.push(now - before);
    before = now;
    const rows = table().querySelectorAll("tbody tr[aria-rowindex]");
    mostRows = Math.max(mostRows, rows.length);
    last = Number(rows[rows.length - 1]?.getAttribute("aria-rowindex")) - 1;
    if (last >= total && bottom) break;
    still = bottom ? still + 1 : 0;
  }
  for (const entry of observer.takeRecords()) longTasks.push(entry.duration);
  observer.disconnect();
  return { frames, longTasks, mostRows, waited, last };
}

const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const at = (numbers, share) => numbers[Math.min(numbers.length - 1, Math.floor(numbers.length * share))] ?? 0;
const round = (number) => Math.round(number * 10) / 10;

async function megabytes(session) {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return round(usedSize / 1e6);
}

/** Seconds of a processor that the page's main thread has had: other programs beside it do not count. */
async function processorTime(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find((one) => one.name === "TaskDuration").value;
}

/** Opens a list and goes through it, down to its last row. */
async function through(page, session, path, total) {
  await page.goto(asked.address + path);
  await page.locator("tbody tr[aria-rowindex]").first().waitFor();
  await page.waitForTimeout(1000);
  const before = await megabytes(session);
  const busy = await processorTime(session);
  const seen = await page.evaluate(scrollThrough, { step: STEP, total });
  const spent = (await processorTime(session)) - busy;
  const after = await megabytes(session);
  const frames = sorted(seen.frames);
  return {
    rows: total,
    last_row: seen.last,
    rows_in_page: seen.mostRows,
    frames: frames.length,
    processor_ms_a_frame: round((spent * 1000) / frames.length),
    frame_ms: { median: round(at(frames, 0.5)), p95: round(at(frames, 0.95)), worst: round(at(frames, 1)) },
    long_tasks: seen.longTasks.length,
    longest_task_ms: round(Math.max(0, ...seen.longTasks)),
    waited_for_rows_ms: round(seen.waited),
    memory_mb: { before, after },
  };
}

/** From the last key of a search to the frame that shows its rows. */
async function search(page, text) {
  await page.goto(`${asked.address}/sites`);
  await page.locator("tbody tr[aria-rowindex]").first().waitFor();
  const field = page.locator("input[type=search]").first();
  await field.focus();
  await page.evaluate((wanted) => {
    window.found = new Promise((done) => {
      const look = () => {
        const rows = [...document.querySelectorAll("tbody tr[aria-rowindex]")];
        const fit = rows.length > 0 && rows.every((row) => row.textContent.includes(wanted));
        if (fit) requestAnimationFrame(() => done(Date.now()));
        else requestAnimationFrame(look);
      };
      look();
    });
  }, text);
  await page.keyboard.type(text, { delay: 40 });
  const typed = Date.now();
  return round((await page.evaluate(() => window.found)) - typed);
}

/** From the change of a site elsewhere to the frame that shows it, some times over, with every row loaded. */
async function changes(page, token, times) {
  const row = await page.evaluate(() => {
    const rows = [...document.querySelectorAll("tbody tr[aria-rowindex]")];
    const seen = rows.find((one) => one.getBoundingClientRect().top > innerHeight / 2);
    return seen.querySelector("a").getAttribute("href").split("/")[2];
  });
  const taken = [];
  for (let time = 0; time < times; time += 1) {
    const name = `Club changé ${time}`;
    await page.evaluate((wanted) => {
      window.shown = new Promise((done) => {
        const look = () =>
          document.querySelector("tbody").textContent.includes(wanted)
            ? requestAnimationFrame(() => done(Date.now()))
            : requestAnimationFrame(look);
        look();
      });
    }, name);
    const began = Date.now();
    await api("PUT", `/api/sites/${row}`, { club_name: name }, token);
    taken.push((await page.evaluate(() => window.shown)) - began);
    await page.waitForTimeout(700);
  }
  const all = sorted(taken);
  return { median_ms: at(all, 0.5), worst_ms: at(all, 1) };
}

try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "fr-FR" });
  const failures = [];
  page.on("pageerror", (error) => failures.push(String(error)));
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.goto(`${asked.address}/login`);
  await page.locator("input[type=email]").fill(asked.email);
  await page.locator("input[type=password]").fill(asked.password);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/dashboard$/);
  const { token } = await api("POST", "/api/auth/login", { email: asked.email, password: asked.password });
  const { total_sites: sitesTotal } = await api("GET", "/api/sites/stats", undefined, token);
  const { total_count: targets } = await api("GET", `/api/deployments/${asked.places.deployment}`, undefined, token);

  const sites = await through(page, session, "/sites", sitesTotal);
  const change = await changes(page, token, 7);
  const deployment = await through(page, session, `/deployments/${asked.places.deployment}`, targets);
  const found = await search(page, asked.search ?? "Ville 77");
  assert.deepEqual(failures, [], "no error in the page");
  console.log(JSON.stringify({ sites, deployment, search_ms: found, change }));
} finally {
  await browser.close();
}
