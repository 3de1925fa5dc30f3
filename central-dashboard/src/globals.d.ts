/** The API's origin, as `NG_APP_API_URL` gave it to the build; empty when it was not given. */
declare const __API__: string
