// The dashboard on a static host of its own, as step 7 of the guide makes it.
//
//   node hosted.mjs '{"part", "chromium", "folder", "pictures", "port", "email", "password", "dist", …}'
//
// `part` is one of those below. `port` is the API's, on loopback and without TLS, with ALLOWED_ORIGINS=https://tableau.example;
// `dist` a dashboard built with NG_APP_API_URL=https://api.neopro.test, `unset` one without it, `mixed` one with http:,
// `older` one of version 0.0.9; `file` a video of some megabytes; pictures go to `pictures`, the rest to `folder`.

import { blank } from "./hosted/blank.mjs";
import { mixed, upload } from "./hosted/mixed.mjs";
import { listed, own, screens } from "./hosted/screens.mjs";

const asked = JSON.parse(process.argv[2]);
console.log(JSON.stringify(await { blank, listed, mixed, own, screens, upload }[asked.part](asked)));
