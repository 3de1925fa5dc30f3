// A static host and what stands before the API, each with TLS and under names of their own that lead to this machine by
// a rule of the browser alone; both can be made to fail as they do in the world.

import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import path from "node:path";
import { chromium } from "playwright-core";

export const PAGES = "tableau.example";
export const UNLISTED = "autre.example";
export const API = "api.neopro.test";
const KINDS = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml", ".woff2": "font/woff2" };

function certificate(folder) {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => path.join(folder, name));
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"].concat(
      ["-subj", "/CN=neopro tests", "-addext", `subjectAltName=DNS:${PAGES},DNS:${UNLISTED},DNS:${API}`],
      ["-keyout", key, "-out", cert],
    ),
    { stdio: "pipe" },
  );
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

const listen = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

/** `dist` is what is published; `rewrite` the rule of step 7.4; `missing` says which paths are not there; `opened` how often a page was opened. */
function staticHost(tls) {
  const site = { dist: undefined, rewrite: true, missing: () => false, instead: new Map(), opened: 0 };
  const answer = (request, response) => {
    const asked = path.normalize(new URL(request.url, "https://x").pathname);
    if (request.headers["sec-fetch-dest"] === "document") site.opened += 1;
    let file = path.join(site.dist, asked === "/" ? "index.html" : asked);
    const there = !site.missing(asked) && existsSync(file) && statSync(file).isFile();
    if (!there && !site.rewrite && asked !== "/") return response.writeHead(404).end("Not Found\n");
    if (!there) file = path.join(site.dist, "index.html");
    response.setHeader("content-type", KINDS[path.extname(file)] ?? "application/octet-stream");
    const instead = site.instead.get(asked);
    if (instead !== undefined) return response.end(instead);
    createReadStream(file).pipe(response);
  };
  return Object.assign(site, { server: https.createServer(tls, answer) });
}

/** What an address answers with when the server is not behind it. */
const MOODS = {
  html: (response) => response.writeHead(200, { "content-type": "text/html" }).end("<h1>Bienvenue</h1>"),
  nothing: (response) => response.writeHead(404, { "content-type": "text/plain" }).end("Not Found\n"),
  starting: (response) => response.writeHead(503, { "content-type": "text/plain", "access-control-allow-origin": "*" }).end("starting\n"),
  hangs: () => undefined,
  dead: (response) => response.destroy(),
};

/** `mood` is one of the above, or `passes`; `cut` the share of a request's body after which its line is lost. */
function front(tls, port) {
  const api = { mood: "passes", cut: undefined, streams: new Set(), cuts: 0 };
  const answer = (request, response) => {
    if (api.mood !== "passes") return MOODS[api.mood](response);
    const headers = { ...request.headers, "x-forwarded-proto": "https" };
    const to = { host: "127.0.0.1", port, method: request.method, path: request.url, headers };
    const passed = http.request(to, (said) => {
      response.writeHead(said.statusCode, said.headers);
      if (request.url.startsWith("/api/events")) api.streams.add(response);
      said.pipe(response);
    });
    passed.on("error", () => response.destroy());
    response.on("close", () => (api.streams.delete(response), passed.destroy()));
    const most = Number(request.headers["content-length"] ?? 0) * (api.cut ?? 1);
    let come = 0;
    request.on("data", (piece) => {
      come += piece.length;
      if (api.cut === undefined || request.method !== "POST" || most < 1_000_000 || come < most) return;
      api.cuts += 1;
      request.destroy();
      passed.destroy();
    });
    request.pipe(passed);
  };
  return Object.assign(api, { server: https.createServer(tls, answer) });
}

/** Both, and a browser to which their names lead. */
export async function world(asked, options = {}) {
  const tls = certificate(asked.folder);
  const [site, api] = [staticHost(tls), front(tls, asked.port)];
  site.dist = asked.dist;
  const [sitePort, apiPort] = [await listen(site.server), await listen(api.server)];
  const names = [PAGES, UNLISTED].map((name) => `MAP ${name}:443 127.0.0.1:${sitePort}`);
  // `own`: the address of the API leads to the pages themselves.
  const rules = [...names, `MAP ${API}:443 127.0.0.1:${options.own ? sitePort : apiPort}`].join(", ");
  const browser = await chromium.launch({
    executablePath: asked.chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", `--host-resolver-rules=${rules}`],
  });
  const end = async () => {
    await browser.close();
    for (const { server } of [site, api]) {
      server.closeAllConnections();
      server.close();
    }
  };
  return { site, api, browser, end };
}

/** A tab; what breaks its policy, and its errors, are kept beside it. */
export async function tab(browser, options = {}) {
  const context = await browser.newContext({ locale: "fr-FR", ignoreHTTPSErrors: true, reducedMotion: "reduce", viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const [violations, errors] = [[], []];
  page.on("console", (said) => /Content.Security.Policy/i.test(said.text()) && violations.push(said.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  return { context, page, violations, errors };
}

export async function logIn(page, asked) {
  await page.locator("input[type=email]").fill(asked.email);
  await page.locator("input[type=password]").fill(asked.password);
  await page.keyboard.press("Enter");
  await page.getByText("En direct").first().waitFor();
}
