/** Only addresses of ours: a link must not be able to lead elsewhere after the login. */
export function safeReturn(wanted: string | undefined): string {
  return wanted && /^\/(?![/\\])/.test(wanted) && !/^\/login\b/.test(wanted) ? wanted : '/dashboard'
}
