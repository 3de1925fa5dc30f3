/**
 * Runs inside of the page before its own script: looks at every picture that is presented, as a spectator would.
 *
 * The page is composed a second time on a small canvas, from its layers with their opacities at that moment, and the
 * mean luminance of that is noted: 0 is black, 255 white.
 */
export function instrument() {
  const [WIDTH, HEIGHT] = [64, 36];
  const paper = () => new OffscreenCanvas(WIDTH, HEIGHT).getContext("2d", { willReadFrequently: true });
  const [context, one] = [paper(), paper()];
  let record = fresh();
  let isBlank = false;
  /** Milliseconds from the start of the navigation. */
  let firstPicture;
  let breaksNext = false;

  function fresh() {
    return { pictures: 0, presented: 0, missed: 0, darkest: 255, darkest_presented: 255, transitions: 0, order: [] };
  }

  const layers = () => [...document.querySelectorAll(".layer")];
  const opacity = (element) => Number(getComputedStyle(element).opacity);
  const content = (layer) => layer.querySelector(layer.dataset.kind === "image" ? "img" : "video");
  const screenIsUp = () => getComputedStyle(document.getElementById("screen")).visibility === "visible";

  function light() {
    context.globalAlpha = 1;
    context.fillStyle = "#000";
    context.fillRect(0, 0, WIDTH, HEIGHT);
    if (!isBlank) {
      for (const layer of layers().sort((a, b) => a.classList.contains("upper") - b.classList.contains("upper"))) {
        context.globalAlpha = opacity(layer);
        if (context.globalAlpha === 0) continue;
        // A layer fades as a whole, with the ink beside its picture.
        one.fillRect(0, 0, WIDTH, HEIGHT);
        const inside = content(layer);
        const [width, height] = [inside.videoWidth ?? inside.naturalWidth, inside.videoHeight ?? inside.naturalHeight];
        if (width) {
          const scale = Math.min(WIDTH / width, HEIGHT / height);
          const [w, h] = [width * scale, height * scale];
          one.drawImage(inside, (WIDTH - w) / 2, (HEIGHT - h) / 2, w, h);
        }
        context.drawImage(one.canvas, 0, 0);
      }
      if (screenIsUp()) {
        context.globalAlpha = opacity(document.getElementById("screen"));
        context.fillStyle = "#2d13b0";
        context.fillRect(0, 0, WIDTH, HEIGHT);
      }
    }
    const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += 0.2126 * data[i] + 0.7152 * data[i + 1] + 0.0722 * data[i + 2];
    return sum / (WIDTH * HEIGHT);
  }

  let front;
  function everyPicture() {
    const upper = document.querySelector(".layer.upper[data-kind=video]");
    if (breaksNext && upper) {
      breaksNext = false;
      content(upper).dispatchEvent(new Event("error"));
    }
    record.darkest = Math.min(record.darkest, light());
    record.pictures += 1;
    // The one that covers all others.
    const top = layers().find((layer) => opacity(layer) === 1 && !layer.classList.contains("upper"));
    if (top !== front) {
      if (front && top) record.transitions += 1;
      front = top;
      firstPicture ??= performance.now();
      if (top) record.order.push(new URL(content(top).src).pathname);
    }
    requestAnimationFrame(everyPicture);
  }

  function everyPresented(video) {
    let before;
    const note = (_now, { presentedFrames }) => {
      // Of a layer that is out of sight nothing is seen.
      if (opacity(video.parentElement) > 0) {
        const now = light();
        record.darkest_presented = Math.min(record.darkest_presented, now);
        record.presented += 1;
        if (before !== undefined && presentedFrames > before + 1) record.missed += presentedFrames - before - 1;
      }
      before = presentedFrames;
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  }

  addEventListener("load", () => {
    document.querySelectorAll("video").forEach(everyPresented);
    requestAnimationFrame(everyPicture);
  });

  window.watch = {
    begin: () => (record = fresh()),
    seen: () => record,
    /** The next video breaks while it fades in, as a torn file does whose first pictures are whole. */
    breakNext: () => (breaksNext = true),
    async blank() {
      isBlank = true;
      // Over everything, and different in each picture: of a picture that stays as it was the compositor tells once, and
      // on a busy machine that once may fall between two photographs.
      const cover = document.createElement("div");
      cover.style.cssText = "position:fixed;inset:0;z-index:9999";
      document.body.append(cover);
      for (let pictures = 0; pictures < 12; pictures += 1) {
        cover.style.background = pictures % 2 ? "#000" : "#020202";
        await new Promise(requestAnimationFrame);
      }
      cover.remove();
      isBlank = false;
    },
    look() {
      const top = layers().find((layer) => opacity(layer) === 1 && !layer.classList.contains("upper"));
      const inside = top && content(top);
      const video = inside instanceof HTMLVideoElement ? inside : undefined;
      return {
        src: inside?.src ? new URL(inside.src).pathname : null,
        at: video?.currentTime ?? null,
        paused: video?.paused ?? null,
        muted: video?.muted ?? null,
        light: light(),
        first_picture: firstPicture ?? null,
        loaded_at: performance.timeOrigin,
        screen: screenIsUp() ? document.getElementById("screen").dataset.state : "gone",
        club: document.getElementById("club").textContent,
        invitation: document.getElementById("invitation").textContent,
        language: document.documentElement.lang,
        text: document.body.innerText.trim(),
        elements: document.querySelectorAll("*").length,
        font: document.fonts.check("700 40px Outfit", "É"),
      };
    },
  };
}

/** Runs inside of the page before its own script: a box that comes back says that it has another page now. */
export function renewOnReturn() {
  let connections = 0;
  window.WebSocket = class extends WebSocket {
    constructor(address) {
      super(address);
      connections += 1;
      const isReturn = connections > 1;
      let hear;
      Object.defineProperty(this, "onmessage", { set: (listener) => (hear = listener) });
      this.addEventListener("message", ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === "hello" && isReturn) message.page = "another";
        hear({ data: JSON.stringify(message) });
      });
    }
  };
}

/**
 * Runs inside of the page before its own script: in the middle of each fade the box says once more what is on air, as it
 * does to a page that begins to lead.
 */
export function briefInFades() {
  window.WebSocket = class extends WebSocket {
    constructor(address) {
      super(address);
      const prepared = new Map();
      let hear;
      Object.defineProperty(this, "onmessage", { set: (listener) => (hear = listener) });
      this.addEventListener("message", (event) => {
        hear(event);
        const message = JSON.parse(event.data);
        if (message.type === "prepare") prepared.set(message.play, event);
        if (message.type !== "show") return;
        for (const milliseconds of [5, 200, 390]) {
          setTimeout(() => [prepared.get(message.play), event].forEach(hear), milliseconds);
        }
      });
    }
  };
}
