/** Looks for secrets in what left the program, in every form they may have taken on the way. */

/** The forms a run of bytes may take inside text or bytes. Of base64 only what does not depend on its neighbours. */
export function formsOf(secret: Uint8Array): string[] {
  const bytes = Buffer.from(secret);
  const latin = bytes.toString('latin1');
  const forms = new Set<string>();
  for (let shift = 0; shift < 3; shift += 1) {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    const whole = shifted.subarray(0, shifted.length - (shifted.length % 3)).toString('base64');
    // The first group also carries the bytes before.
    const own = shift === 0 ? whole : whole.slice(4);
    forms.add(own).add(own.replaceAll('+', '-').replaceAll('/', '_'));
    forms.add(own.replaceAll('/', '\\/'));
    forms.add(encodeURIComponent(own));
  }
  const hex = bytes.toString('hex');
  forms.add(hex).add(hex.toUpperCase());
  forms.add(hex.replaceAll(/(..)(?=.)/g, '$1:')).add(hex.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:'));
  forms.add([...bytes].join(',')).add([...bytes].join(', '));
  const utf8 = bytes.toString('utf8');
  for (const text of utf8.includes('\ufffd') ? [latin] : [latin, utf8]) {
    const json = JSON.stringify(text).slice(1, -1);
    forms.add(text).add(json).add(JSON.stringify(json).slice(1, -1));
    forms.add(encodeURIComponent(text)).add(escape(text));
  }
  return [...forms].filter((form) => form.length >= 8);
}

/** `%XX` for every byte that is no letter or digit, as forms and cookies have it. */
function escape(text: string): string {
  return [...text]
    .map((letter) =>
      /[A-Za-z0-9]/.test(letter)
        ? letter
        : `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
}

/** Bytes of a private key that its public half does not hold too: everything behind the modulus and the exponent. */
const behindPublicHalf = 384;

export class Canaries {
  readonly #forms = new Map<string, string>();
  readonly names = new Set<string>();

  /** A whole secret: a passphrase, a token. Short ones could stand anywhere by chance. */
  add(name: string, secret: string | Uint8Array): void {
    const bytes = Buffer.from(secret);
    if (bytes.length < 12) throw new Error(`${name} is too short to be told from other text.`);
    this.names.add(name);
    for (const form of formsOf(bytes)) this.#forms.set(form, name);
  }

  /** A large secret: pieces of it from end to end, so that a part that leaks is found too. */
  addPieces(name: string, secret: Uint8Array, from = 0): void {
    const size = 48;
    const places = Math.floor((secret.length - from) / size);
    if (places < 1) throw new Error(`${name} is too short to be cut in pieces.`);
    const step = Math.max(1, Math.floor(places / 6));
    for (let place = 0; place < places; place += step) {
      const begin = from + place * size;
      this.add(name, secret.subarray(begin, begin + size));
    }
  }

  /** A private key of RSA in PEM: its lines, and the bytes they stand for. */
  addKey(name: string, pem: string): void {
    const body = pem.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('-'));
    this.addPieces(`${name} (DER)`, Buffer.from(body.join(''), 'base64'), behindPublicHalf);
    for (const line of body.slice(8, -1).filter((_, index) => index % 3 === 0)) this.add(name, line);
  }

  /** The names of the secrets that stand in there. */
  findIn(haystack: string | Uint8Array): string[] {
    const text = typeof haystack === 'string' ? haystack : Buffer.from(haystack).toString('latin1');
    const found = new Set<string>();
    for (const [form, name] of this.#forms) if (!found.has(name) && text.includes(form)) found.add(name);
    return [...found];
  }
}
