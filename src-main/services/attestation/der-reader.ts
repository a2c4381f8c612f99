/** As much reading of DER as the extensions of a chip certificate need. */

interface Element {
  tag: number;
  content: Uint8Array;
}

/** The elements side by side in `bytes`. Throws when a length makes no sense. */
export function readElements(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  let at = 0;
  const next = (): number => {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('DER cut short');
    return byte;
  };
  while (at < bytes.length) {
    const tag = next();
    let size = next();
    if (size >= 0x80) {
      const count = size & 0x7f;
      if (count === 0 || count > 4) throw new Error('DER length not understood');
      size = 0;
      for (let index = 0; index < count; index += 1) size = size * 256 + next();
    }
    if (at + size > bytes.length) throw new Error('DER cut short');
    elements.push({ tag, content: bytes.subarray(at, at + size) });
    at += size;
  }
  return elements;
}

function oidText(content: Uint8Array): string {
  const arcs: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (arcs.length === 0)
      arcs.push(Math.min(2, Math.floor(value / 40)), value - 40 * Math.min(2, Math.floor(value / 40)));
    else arcs.push(value);
    value = 0;
  }
  return arcs.join('.');
}

const tag = { sequence: 0x30, oid: 0x06, octets: 0x04, extensions: 0xa3, integer: 0x02 } as const;

/** The extensions of an X.509 certificate: what is inside the octet string of each, by its OID. Throws when it is not one. */
export function readExtensions(certificate: Uint8Array): Map<string, Uint8Array> {
  const body = readElements(certificate)[0];
  const signed = body && readElements(body.content)[0];
  const wrapper = signed && readElements(signed.content).find((element) => element.tag === tag.extensions);
  const list = wrapper && readElements(wrapper.content)[0];
  const extensions = new Map<string, Uint8Array>();
  for (const { content } of list ? readElements(list.content) : []) {
    const parts = readElements(content);
    const id = parts.find((part) => part.tag === tag.oid);
    const value = parts.find((part) => part.tag === tag.octets);
    if (id !== undefined && value !== undefined) extensions.set(oidText(id.content), value.content);
  }
  return extensions;
}

/** A small INTEGER; undefined when the bytes are none. */
export function readInteger(bytes: Uint8Array): number | undefined {
  const element = readElements(bytes)[0];
  if (element?.tag !== tag.integer || element.content.length === 0 || element.content.length > 3)
    return undefined;
  return element.content.reduce((value, byte) => value * 256 + byte, 0);
}
