import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  build: {
    // The box comes with its browser: Debian's Chromium.
    target: "chrome110",
    rolldownOptions: { input: ["tv.html"] },
    // The page has one script; the browser needs no help to find more.
    modulePreload: false,
    // Nothing is hidden in the style sheet: its policy lets it load files of this box only.
    assetsInlineLimit: 0,
  },
});
