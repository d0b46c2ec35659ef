/** Control characters (of C0 and C1, and DEL) as escapes: what others have written must not steer a terminal. */
export function withoutControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    return `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** `2026-11-26 01:05:12`. @param rfc3339 with the date first, in UTC */
export function dateAndTime(rfc3339: string): string {
  return rfc3339.slice(0, 19).replace('T', ' ');
}

/** `sendRetries` → `send_retries`. */
export function snakeCase(camelCase: string): string {
  return camelCase.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
