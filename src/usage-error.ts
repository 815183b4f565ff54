/**
 * Something the user asked for can't be done: told in one line, exit code 2, nothing written. What is quoted of files
 * and libraries reaches a terminal: control characters are told by their numbers, and what is longer than any name in
 * a file system is cut.
 */
export class UsageError extends Error {
  constructor(message: string) {
    super(
      message
        .replace(/[^\s/]{300,}/gu, word => `${word.slice(0, 60)}...`)
        .replace(/[^\P{Cc}\n\t]/gu, byte => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`),
    );
  }
}
