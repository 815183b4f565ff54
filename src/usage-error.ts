/** Something the user asked for can't be done: told in one line, exit code 2, nothing written. */
export class UsageError extends Error {}
