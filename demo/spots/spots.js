// The pictures of the spots: for each a function of the time, from 0 to 1, that gives an SVG of 1280 × 720.

const clamp = (x) => Math.min(1, Math.max(0, x));
/** From 0 to 1 between two moments in seconds, slowing down. */
const ease = (t, from, to) => 1 - (1 - clamp((t - from) / (to - from))) ** 3;
/** The same, a little too far and back. */
const pop = (t, from, to) => {
  const x = clamp((t - from) / (to - from)) - 1;
  return 1 + 2.7 * x ** 3 + 1.7 * x ** 2;
};
const mix = (from, to, x) => from + (to - from) * x;

const INK = "#14162B";
const text = (x, y, size, words, { fill = "#fff", weight = 650, anchor = "start", more = "" } = {}) =>
  `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}" ${more}>${words}</text>`;
/** A line that rises out of nothing behind an edge. */
const rise = (t, at, x, y, size, words, options = {}) => {
  const up = mix(size * 1.25, 0, ease(t, at, at + 0.7));
  const id = `cut-${Math.round(x)}-${Math.round(y)}`;
  return `<clipPath id="${id}"><rect x="0" y="${y - size}" width="1280" height="${size * 1.3}"/></clipPath>
    <g clip-path="url(#${id})"><g transform="translate(0 ${up})">${text(x, y, size, words, options)}</g></g>`;
};
const chip = (t, x, y, fill, ink, words = "Partenaire du club") => {
  const width = words.length * 12.2 + 52;
  return `<g transform="translate(${mix(-420, x, ease(t, 0.1, 0.8))} ${y})"><rect width="${width}" height="50" rx="25" fill="${fill}"/>
    ${text(width / 2, 33, 23, words, { fill: ink, weight: 600, anchor: "middle" })}</g>`;
};
const back = (from, to) =>
  `<defs><linearGradient id="back" x1="0" y1="0" x2="1" y2="1"><stop stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient></defs>
   <rect width="1280" height="720" fill="url(#back)"/>`;

function garage(t) {
  const x = mix(-260, 985, ease(t, 0, 1.7));
  const turn = (x - 985) / 215 * 57.3;
  const spokes = [0, 72, 144, 216, 288].map((angle) =>
    `<path d="M-26 -30 L-17 -128 A130 130 0 0 1 17 -128 L26 -30 Z" fill="#E5E7F1" transform="rotate(${angle})"/>`);
  const studs = Array.from({ length: 36 }, (_, at) => `<rect x="-13" y="-226" width="26" height="22" rx="5" fill="#0B0D1C" transform="rotate(${at * 10})"/>`);
  const wheel = `<g transform="translate(${x} 372) rotate(${turn})">${studs.join("")}<circle r="214" fill="#0B0D1C"/>
    <circle r="176" fill="none" stroke="#262B47" stroke-width="5"/><circle r="146" fill="#7863F6"/><circle r="132" fill="#3A0686"/>
    ${spokes.join("")}<circle r="44" fill="#FDBE00"/><circle r="20" fill="#14162B"/></g>`;
  const words = ["Entretien", "Pneus", "Carrosserie"].map((word, at) => {
    const x = [80, 292, 446][at], width = [192, 134, 226][at], scale = pop(t, 2 + at * 0.28, 2.5 + at * 0.28);
    return `<g transform="translate(${x + width / 2} 542) scale(${Math.max(0, scale)})"><rect x="${-width / 2}" y="-38" width="${width}" height="68" rx="34" fill="#FDBE00"/>
      ${text(0, 9, 33, word, { fill: INK, anchor: "middle" })}</g>`;
  });
  return `${back("#3A0686", "#2022E9")}<rect y="598" width="1280" height="122" fill="#14162B"/>
    ${[0, 1, 2, 3, 4, 5, 6, 7].map((at) => `<rect x="${((at * 190 - ease(t, 0, 2.2) * 570) % 1520 + 1520) % 1520 - 160}" y="652" width="96" height="10" rx="5" fill="#FDBE00"/>`).join("")}
    ${wheel}${chip(t, 80, 84, "#ffffff", "#3A0686")}${rise(t, 0.7, 76, 300, 122, "Garage")}${rise(t, 0.95, 76, 430, 122, "Morvan")}${words.join("")}`;
}

function bakery(t) {
  const loaf = (at) => {
    const y = mix(900, [210, 360, 510][at], pop(t, 0.1 + at * 0.22, 1.1 + at * 0.22));
    const cuts = [-150, -75, 0, 75, 150].map((x) => `<path d="M${x - 26} 34 Q${x - 8} -6 ${x + 30} -38" stroke="#FEECD8" stroke-width="13" fill="none" stroke-linecap="round"/>`);
    return `<g transform="translate(980 ${y}) rotate(${-24 + Math.sin(t * 2 + at) * 2 * (1 - ease(t, 1, 3))})"><path d="M-262 0 C-262 -58 -150 -66 0 -66 C150 -66 262 -58 262 0 C262 58 150 62 0 62 C-150 62 -262 58 -262 0Z" fill="#C77A32"/>
      <path d="M-240 18 C-200 60 -100 62 0 62 C110 62 220 58 256 14 C200 40 100 44 0 44 C-110 44 -200 42 -240 18Z" fill="#9C5A1F"/>${cuts.join("")}</g>`;
  };
  return `<rect width="1280" height="720" fill="#FEECD8"/><circle cx="980" cy="360" r="${mix(0, 330, pop(t, 0, 0.9))}" fill="#FDBE00"/>
    ${loaf(0)}${loaf(1)}${loaf(2)}${chip(t, 80, 84, "#14162B", "#FEECD8")}
    ${rise(t, 0.5, 76, 290, 62, "Boulangerie", { fill: "#9C5A1F" })}${rise(t, 0.75, 72, 420, 136, "Le Goff", { fill: INK })}
    <rect x="80" y="462" width="${mix(0, 132, ease(t, 1.3, 2))}" height="10" rx="5" fill="#CC384E"/>
    ${rise(t, 1.6, 76, 548, 44, "Le pain chaud", { fill: INK, weight: 500 })}${rise(t, 1.85, 76, 604, 44, "des troisièmes mi-temps", { fill: INK, weight: 500 })}`;
}

function cider(t) {
  const apple = (x, y, size, colour, at) => {
    const fall = Math.max(0, t - at);
    const bounce = fall < 0.55 ? mix(-520, 0, (fall / 0.55) ** 2) : -Math.abs(Math.sin((fall - 0.55) * 5.2)) * 90 * Math.exp(-(fall - 0.55) * 1.9);
    return `<g transform="translate(${x} ${y + (fall ? bounce : -900)}) scale(${size}) rotate(${Math.sin(fall * 3) * 7 * Math.exp(-fall * 0.7)})">
      <path d="M0 -62 C-30 -92 -112 -78 -112 8 C-112 84 -58 118 -24 108 C-8 102 8 102 24 108 C58 118 112 84 112 8 C112 -78 30 -92 0 -62Z" fill="${colour}"/>
      <path d="M-72 -18 C-70 -46 -52 -58 -38 -58" stroke="#fff" stroke-opacity=".55" stroke-width="13" fill="none" stroke-linecap="round"/>
      <path d="M0 -58 C-2 -88 8 -108 22 -120" stroke="#4A2A12" stroke-width="12" fill="none" stroke-linecap="round"/><path d="M14 -92 C34 -130 78 -130 98 -116 C82 -84 42 -76 14 -92Z" fill="#FAE571"/></g>`;
  };
  return `<rect width="1280" height="720" fill="#20473C"/><path d="M0 ${mix(720, 560, ease(t, 0, 1))} Q640 ${mix(720, 470, ease(t, 0, 1))} 1280 ${mix(720, 560, ease(t, 0, 1))} V720 H0Z" fill="#51B28B"/>
    ${apple(790, 512, 0.86, "#FE5949", 0.25)}${apple(1110, 500, 0.98, "#FDBE00", 0.55)}${apple(945, 430, 1.3, "#CC384E", 0.9)}
    ${chip(t, 80, 84, "#FAE571", "#20473C")}${rise(t, 0.5, 76, 280, 62, "Les vergers de", { fill: "#A8E0C6" })}${rise(t, 0.75, 72, 410, 136, "Kerlann")}
    ${rise(t, 1.5, 76, 616, 46, "Jus de pomme fermier,", { fill: "#14291F", weight: 600 })}${rise(t, 1.75, 76, 670, 46, "pressé au village", { fill: "#14291F", weight: 600 })}`;
}

function optician(t) {
  const at = mix(-460, 640, ease(t, 1.1, 2.3));
  const dim = (ease(t, 1.7, 2.4)), blur = mix(13, 0, dim).toFixed(1);
  const lens = (x) => `<circle cx="${x}" cy="0" r="128" fill="#fff" fill-opacity=".28" stroke="#14162B" stroke-width="20"/>`;
  const lift = mix(352, 208, ease(t, 2.5, 3.2)), scale = mix(1.3, 0.72, ease(t, 2.5, 3.2));
  const shine = mix(-330, 330, clamp((t - 3.3) / 0.8));
  return `<rect width="1280" height="720" fill="#A3EFFD"/><path d="M0 ${610 + Math.sin(t) * 5} C220 ${575 - Math.sin(t * 1.3) * 14} 420 ${640 + Math.sin(t * 1.3) * 14} 640 610 S1060 ${575 - Math.sin(t) * 14} 1280 612 V720 H0Z" fill="#2022E9"/>
    <path d="M0 ${655 - Math.sin(t) * 5} C260 630 430 690 660 655 S1080 630 1280 660 V720 H0Z" fill="#1719B8"/>
    <g filter="url(#soft)"><filter id="soft" x="-20%" y="-50%" width="140%" height="200%"><feGaussianBlur stdDeviation="${blur}"/></filter>
    ${text(640, mix(370, 430, ease(t, 2.5, 3.2)), 118, "Opticien du Canal", { fill: INK, anchor: "middle" })}</g>
    <clipPath id="lenses"><circle cx="-158" r="118"/><circle cx="158" r="118"/></clipPath>
    <g transform="translate(${at} ${lift}) scale(${scale})">${lens(-158)}${lens(158)}<path d="M-32 -28 Q0 -66 32 -28" fill="none" stroke="#14162B" stroke-width="20" stroke-linecap="round"/>
    <g clip-path="url(#lenses)"><path d="M${shine - 40} -160 L${shine + 20} -160 L${shine - 60} 160 L${shine - 120} 160Z" fill="#fff" opacity=".85"/></g></g>
    ${rise(t, 2.9, 640, 518, 48, "Soudain, on voit le hors-jeu.", { fill: "#2022E9", weight: 600, anchor: "middle" })}
    <g opacity="${ease(t, 0.1, 0.6)}">${chip(t, 80, 60, "#14162B", "#A3EFFD")}</g>`;
}

function energy(t) {
  const rays = Array.from({ length: 12 }, (_, at) => {
    const long = 60 + 16 * Math.sin(t * 3 + at * 1.7);
    return `<rect x="-11" y="${-212 - long}" width="22" height="${long * ease(t, 0.7 + at * 0.04, 1.5 + at * 0.04)}" rx="11" fill="#FAE571" transform="rotate(${at * 30 + t * 9})"/>`;
  });
  const panels = [0, 1, 2].map((at) => {
    const up = mix(260, 0, ease(t, 0.9 + at * 0.2, 1.7 + at * 0.2));
    const x = 640 + at * 222;
    const lit = clamp(Math.sin(t * 2.4 - at * 0.9) * 0.5 + 0.5);
    return `<g transform="translate(${x} ${520 + up}) skewX(-14)"><rect width="200" height="150" rx="10" fill="#0B0D1C"/>
      ${[0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => `<rect x="${10 + column * 46}" y="${10 + row * 44}" width="40" height="38" rx="4" fill="#2022E9"/><rect x="${10 + column * 46}" y="${10 + row * 44}" width="40" height="38" rx="4" fill="#A3EFFD" opacity="${(lit * (0.25 + 0.1 * ((row + column) % 3))).toFixed(2)}"/>`).join("")).join("")}</g>`;
  });
  return `${back("#2022E9", "#7863F6")}<g transform="translate(960 ${mix(760, 300, ease(t, 0, 1.3))})"><circle r="178" fill="#FDBE00"/>${rays.join("")}
    <path d="M26 -118 L-62 20 H-6 L-30 118 L66 -28 H8 Z" fill="#fff" transform="scale(${Math.max(0, pop(t, 1.2, 1.8))})"/></g>${panels.join("")}
    ${chip(t, 80, 84, "#FAE571", "#2022E9")}${rise(t, 0.6, 74, 300, 128, "Armor")}${rise(t, 0.85, 74, 432, 128, "Énergie")}
    ${rise(t, 1.7, 78, 540, 44, "Le soleil joue", { weight: 500 })}${rise(t, 1.95, 78, 598, 44, "à domicile.", { weight: 500 })}`;
}

function goal(t) {
  const colours = ["#FDBE00", "#FE5949", "#FF6AA7", "#7863F6", "#2022E9"];
  const bands = colours.map((colour, at) => {
    const left = mix(-1900, -200, ease(t, at * 0.11, 0.75 + at * 0.11));
    return `<path d="M${left} 0 H${left + 1700} L${left + 1500} 720 H${left - 200}Z" fill="${colour}"/>`;
  });
  const hit = 0.95;
  const shake = t > hit ? Math.exp(-(t - hit) * 4) * 16 * Math.sin((t - hit) * 46) : 0;
  const ball = t < hit ? mix(1.9, 1, t / hit) : 1;
  const bx = mix(-120, 1075, clamp(t / hit)), by = t < hit ? 620 - Math.sin((t / hit) * Math.PI * 0.72) * 330 : mix(368, 590, clamp((t - hit) / 0.7) ** 2) - Math.abs(Math.sin(Math.max(0, t - hit - 0.7) * 5)) * 95 * Math.exp(-Math.max(0, t - hit - 0.7) * 1.5);
  const bulge = t > hit ? Math.exp(-(t - hit) * 2.4) * 60 * Math.cos((t - hit) * 9) : 0;
  const net = Array.from({ length: 11 }, (_, at) => {
    const x = 830 + at * 44, y = 130 + at * 48;
    return `<path d="M${x} 110 Q${x + bulge} 365 ${x} 640 M830 ${y} Q${1060} ${y + bulge * 0.5} 1290 ${y}" stroke="#fff" stroke-opacity=".55" stroke-width="4" fill="none"/>`;
  });
  const confetti = Array.from({ length: 30 }, (_, at) => {
    const r = (n) => ((Math.sin(at * 127.1 + n * 311.7) * 43758.5453) % 1 + 1) % 1;
    const age = Math.max(0, t - hit - r(1) * 0.5);
    if (!age) return "";
    const x = 340 + (r(2) - 0.5) * 1500 * (1 - Math.exp(-age * 1.4)), y = 380 - r(3) * 560 * (1 - Math.exp(-age * 3)) + age * age * 90;
    return `<rect x="-13" y="-9" width="26" height="18" fill="${["#FAE571", "#fff", "#51B28B", "#A3EFFD", "#FF6AA7"][at % 5]}" transform="translate(${x} ${y}) rotate(${age * 260 * (r(4) - 0.5) + at * 40})"/>`;
  });
  const size = Math.max(0, pop(t, hit, hit + 0.45));
  return `<rect width="1280" height="720" fill="#3A0686"/><g transform="translate(${shake} ${-shake / 2})">${bands.join("")}${net.join("")}
    <path d="M820 660 V100 H1300" stroke="#fff" stroke-width="22" fill="none" stroke-linejoin="round" stroke-linecap="round"/>
    <g transform="translate(${bx} ${by}) scale(${ball}) rotate(${t * 190})"><circle r="74" fill="#fff"/><path d="M0 -32 L30 -10 L19 26 L-19 26 L-30 -10Z" fill="#14162B"/>
    ${[0, 72, 144, 216, 288].map((angle) => `<path d="M0 -32 V-56 M-17 -70 L0 -56 L17 -70" stroke="#14162B" stroke-width="8" fill="none" transform="rotate(${angle})"/>`).join("")}</g>
    ${confetti.join("")}<g transform="translate(415 460) scale(${size}) rotate(-5)">${text(0, 0, 280, "BUT !", { anchor: "middle", weight: 800, more: 'stroke="#14162B" stroke-width="26" paint-order="stroke" stroke-linejoin="round"' })}</g></g>`;
}

function poster() {
  const balls = [["7", 880, 250, "#FE5949"], ["23", 1075, 330, "#FDBE00"], ["48", 905, 470, "#51B28B"], ["90", 1095, 545, "#7863F6"]];
  return `${back("#3A0686", "#2022E9")}${balls.map(([number, x, y, colour]) => `<circle cx="${x}" cy="${y}" r="104" fill="${colour}"/><circle cx="${x}" cy="${y}" r="62" fill="#fff"/>${text(x, y + 22, 62, number, { fill: INK, anchor: "middle" })}`).join("")}
    ${chip(9, 80, 84, "#FAE571", "#3A0686", "Vie du club")}${text(74, 310, 150, "Loto")}${text(74, 440, 118, "du club")}
    ${text(80, 540, 46, "Samedi, 20 h 30", { fill: "#FAE571" })}${text(80, 600, 46, "Salle des fêtes", { weight: 500 })}`;
}

/** Their names, seconds, the moment of the small picture, and the function. */
export const SPOTS = [
  ["garage-morvan", 6, 4.5, garage],
  ["boulangerie-le-goff", 6, 4.5, bakery],
  ["vergers-de-kerlann", 6, 4.5, cider],
  ["opticien-du-canal", 6, 5.2, optician],
  ["armor-energie", 6, 4.5, energy],
  ["but", 4, 2.2, goal],
  ["loto", 0, 0, poster],
];
