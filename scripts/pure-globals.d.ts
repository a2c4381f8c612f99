/** What contract and domain may know of the world beyond the language: cancelling, which Node and browsers share. */
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
}
