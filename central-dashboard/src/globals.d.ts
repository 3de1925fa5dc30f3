/** The API's address, as `NG_APP_API_URL` gave it to the build; empty when it was not given. */
declare const __API__: string
/** The version of NeoPro that this dashboard is of. */
declare const __VERSION__: string
/** What changes with any of its sources: `health.json` has that of the published dashboard. */
declare const __BUILD__: string
