// A picture of what is on the screen, and what is wrong with it: found by axe, and by its edges.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";

const AXE = readFileSync(path.resolve("node_modules/axe-core/axe.min.js"), "utf8");

/** The three languages, both themes, a desk and a phone: each at least once. */
export const VIEWS = [
  { name: "fr-light-1280", locale: "fr-FR", colorScheme: "light", viewport: { width: 1280, height: 860 } },
  { name: "fr-dark-390", locale: "fr-FR", colorScheme: "dark", viewport: { width: 390, height: 844 } },
  { name: "en-dark-1280", locale: "en-GB", colorScheme: "dark", viewport: { width: 1280, height: 860 } },
  { name: "es-light-390", locale: "es-ES", colorScheme: "light", viewport: { width: 390, height: 844 } },
];

export async function look(page, folder, name) {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
  // The policy of the page is not the tool's: it is put in by the browser's own means.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: AXE });
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } }),
  );
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).slice(0, 3)}`);
  assert.deepEqual(found, [], name);
}
