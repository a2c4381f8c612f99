/** Cuts a byte stream into units that begin with their length. Holds at most one unit and the piece that came with it. */
export class Splitter {
  readonly #headerBytes: number;
  readonly #lengthOf: (header: Uint8Array) => number;
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Whole length of the unit in progress, or undefined while its header is incomplete. */
  #wanted: number | undefined;

  /**
   * @param headerBytes how many bytes tell the length
   * @param lengthOf the whole length of a unit (header included), from its first bytes; throws to refuse it
   */
  constructor(headerBytes: number, lengthOf: (header: Uint8Array) => number) {
    this.#headerBytes = headerBytes;
    this.#lengthOf = lengthOf;
  }

  /** Takes a piece, gives the units it completes. */
  push(piece: Uint8Array): Uint8Array[] {
    const units: Uint8Array[] = [];
    if (piece.length > 0) {
      this.#pieces.push(piece);
      this.#held += piece.length;
    }
    for (;;) {
      if (this.#wanted === undefined) {
        if (this.#held < this.#headerBytes) return units;
        this.#wanted = this.#lengthOf(this.#front(this.#headerBytes));
      }
      if (this.#held < this.#wanted) return units;
      units.push(this.#take(this.#wanted));
      this.#wanted = undefined;
    }
  }

  /** The first bytes, joined into one piece when they came in several. */
  #front(count: number): Uint8Array {
    if ((this.#pieces[0]?.length ?? 0) < count) {
      const joined: Uint8Array[] = [];
      let length = 0;
      while (length < count) {
        const piece = this.#pieces.shift()!;
        joined.push(piece);
        length += piece.length;
      }
      this.#pieces.unshift(joined.length === 1 ? joined[0]! : Buffer.concat(joined, length));
    }
    return this.#pieces[0]!.subarray(0, count);
  }

  #take(count: number): Uint8Array {
    const unit = this.#front(count);
    const first = this.#pieces[0]!;
    if (first.length === count) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(count);
    this.#held -= count;
    return unit;
  }
}
