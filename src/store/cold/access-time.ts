import { statSync, utimesSync } from 'node:fs';

/**
 * Sets the time at which a file was last used, in milliseconds since 1970. Its mtime loses what is
 * below a second, the first time: with its fraction it would become earlier each time, by what Node
 * cuts off, and the file another one to those who compare times.
 */
export function setAccessTime(path: string, milliseconds: number): void {
  utimesSync(path, milliseconds / 1000, Math.floor(statSync(path).mtimeMs / 1000));
}
