import { DeskError } from '../../contract/errors.ts';

/** Characters that mean nothing to any shell we may meet. */
const harmless = /^[A-Za-z0-9_@%+:,./-]+$/;

/**
 * Turns an argument list into one command line for the far side's login shell, so that every argument arrives byte
 * for byte. This is the only place where a remote command line is put together. Single quotes switch off everything in
 * POSIX shells; a quote itself leaves the quotes for a moment. A zero byte cannot be an argument: `invalid_input`.
 */
export function quoteArguments(args: readonly string[]): string {
  if (args.length === 0) throw new DeskError('invalid_input', 'A remote command needs at least one word.');
  return args
    .map((arg) => {
      if (arg.includes('\0'))
        throw new DeskError(
          'invalid_input',
          'A remote command holds a zero byte, which no argument can carry.',
        );
      if (harmless.test(arg)) return arg;
      return `'${arg.replaceAll("'", `'\\''`)}'`;
    })
    .join(' ');
}
