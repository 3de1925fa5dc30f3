// The page on which all pictures are looked through.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const escape = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

const figure = ({ name, faults }) =>
  `<figure><a href="${name}"><img loading="lazy" src="${name}" alt=""></a><figcaption>${name}` +
  faults.map((fault) => `<br><b>${escape(fault)}</b>`).join("") +
  "</figcaption></figure>";

const STYLE = `
body{font:14px system-ui;margin:24px;background:#e5e7f1}
section{display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start}
figure{margin:0;width:300px;overflow-wrap:anywhere}
img{width:100%;max-height:420px;object-fit:cover;object-position:top;border-radius:8px}
b{color:#a8241c}nav a{margin-right:12px}`;

/** A writer of the page: it can be looked at while pictures are added. Those of earlier calls for the folder stay. */
export function sheet(folder) {
  const list = path.join(folder, "pictures.json");
  let before = [];
  try {
    before = JSON.parse(readFileSync(list, "utf8"));
  } catch (error) {
    // The first states of this gallery.
    if (error.code !== "ENOENT") throw error;
  }
  return (taken) => {
    const pictures = [...before, ...taken];
    writeFileSync(list, JSON.stringify(pictures));
    writeFileSync(path.join(folder, "index.html"), html(pictures));
  };
}

function html(pictures) {
  const names = [...new Set(pictures.map(({ page }) => page))];
  const faulty = pictures.filter(({ faults }) => faults.length > 0);
  const part = (title, some) => `<h2 id="${title}">${title} (${some.length})</h2><section>${some.map(figure).join("")}</section>`;
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>NeoPro</title><style>${STYLE}</style>` +
    `<h1>${pictures.length} pictures, ${faulty.length} with faults</h1>` +
    `<nav>${names.map((name) => `<a href="#${name}">${name}</a>`).join("")}</nav>` +
    (faulty.length > 0 ? part("faults", faulty) : "") +
    names.map((name) => part(name, pictures.filter((one) => one.page === name))).join("") +
    "</html>"
  );
}
