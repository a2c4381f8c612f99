/** QEMU's arguments in a launch script, as far as they matter (docs/reference/confidential-computing.md §3.3). */
import type { LaunchFacts } from './bundle.ts';
import type { Known } from './shell-words.ts';

/** Options without a value. */
const flags = new Set([
  'nographic',
  'enable-kvm',
  'no-reboot',
  'no-shutdown',
  'nodefaults',
  'no-user-config',
  'S',
  'daemonize',
  'no-hpet',
  'no-acpi',
  'only-migratable',
  'snapshot',
  'no-fd-bootchk',
]);
/** Options that change what is measured in a way that is not followed here. */
const refused: Readonly<Record<string, string>> = {
  readconfig: 'reads further settings from a file',
  set: 'changes settings of other options',
  global: 'changes settings of devices',
  pflash: 'takes its firmware from another file than -bios',
  dtb: 'loads a device tree',
  L: 'looks for firmware in another folder',
};
const measuredOnce = ['bios', 'kernel', 'initrd', 'append', 'smp', 'cpu', 'machine'];
/** Properties of `sev-snp-guest` that do not change the measurement, or that are read. */
const snpProperties = new Set([
  'id',
  'cbitpos',
  'reduced-phys-bits',
  'policy',
  'kernel-hashes',
  'host-data',
  'id-block',
  'id-auth',
  'author-key-enabled',
  'vcek-disabled',
  'guest-visible-workarounds',
  'sev-device',
]);

interface Option {
  name: string;
  value: Known | undefined;
}

type Properties = Map<string, string>;

/** `a,b=c`: QEMU's comma lists; `,,` is a comma in a value. The first piece without `=` is under the empty name. */
function propertiesOf(text: string): Properties {
  const properties: Properties = new Map();
  const pieces = text
    .replaceAll(',,', '\0')
    .split(',')
    .map((piece) => piece.replaceAll('\0', ','));
  pieces.forEach((piece, index) => {
    const equals = piece.indexOf('=');
    if (equals >= 0) properties.set(piece.slice(0, equals), piece.slice(equals + 1));
    else if (index === 0) properties.set('', piece);
    else properties.set(piece, 'on');
  });
  return properties;
}

function optionsOf(words: readonly Known[], problems: string[]): Option[] {
  const options: Option[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as Known;
    if ('unknown' in word) {
      problems.push(`an argument of QEMU is not known: ${word.unknown}`);
      continue;
    }
    if (!word.text.startsWith('-')) {
      problems.push(`the argument "${word.text.slice(0, 60)}" belongs to no option`);
      continue;
    }
    const name = word.text.replace(/^--?/, '');
    if (flags.has(name)) {
      options.push({ name, value: undefined });
      continue;
    }
    const value = words[index + 1];
    if (value === undefined) {
      problems.push(`-${name.slice(0, 60)} has no value`);
      continue;
    }
    if ('text' in value && value.text.startsWith('-') && name !== 'append') {
      problems.push(`-${name.slice(0, 60)} is not known`);
      continue;
    }
    options.push({ name, value });
    index += 1;
  }
  return options;
}

const wholeNumber = (text: string | undefined): number | undefined => {
  const number = text !== undefined && /^(?:0x[0-9a-fA-F]+|[0-9]+)$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
};
const onOff = (text: string | undefined): boolean | undefined =>
  text === undefined
    ? undefined
    : ['on', 'yes', 'true'].includes(text)
      ? true
      : ['off', 'no', 'false'].includes(text)
        ? false
        : undefined;

class Reading {
  readonly facts: LaunchFacts = { forwards: [], drives: [], gpus: [] };
  readonly problems: string[] = [];
  readonly #guests: Properties[] = [];
  readonly #given = new Set<string>();
  #confidentialGuest: string | undefined;

  take({ name: written, value }: Option): void {
    const name = { M: 'machine', object: 'object' }[written] ?? written;
    if (refused[name] !== undefined) this.problems.push(`-${name} ${refused[name]}`);
    if (measuredOnce.includes(name)) {
      if (this.#given.has(name)) this.problems.push(`-${name} is given twice`);
      this.#given.add(name);
    }
    if (value === undefined) return;
    if ('unknown' in value) {
      if (measuredOnce.includes(name) || name === 'object' || name === 'device' || name === 'drive') {
        this.problems.push(`-${name} is not known: ${value.unknown}`);
      }
      return;
    }
    this.#read(name, value.text);
  }

  #read(name: string, text: string): void {
    switch (name) {
      case 'bios':
        return this.#file(name, text, 'OVMF.amdsev.fd');
      case 'kernel':
        return this.#file(name, text, 'vmlinuz');
      case 'initrd':
        return this.#file(name, text, 'initrd.img');
      case 'append':
        return this.#append(text);
      case 'smp':
        return this.#cores(propertiesOf(text));
      case 'cpu':
        return this.#cpu(propertiesOf(text));
      case 'm':
        this.facts.memory = propertiesOf(text).get('') ?? propertiesOf(text).get('size');
        return;
      case 'machine': {
        const properties = propertiesOf(text);
        this.#confidentialGuest =
          properties.get('confidential-guest-support') ?? properties.get('memory-encryption');
        if (properties.has('igvm-cfg'))
          this.problems.push('-machine igvm-cfg takes its firmware from another file');
        return;
      }
      case 'object':
        return this.#object(propertiesOf(text));
      case 'device':
        return this.#device(propertiesOf(text));
      case 'drive': {
        const properties = propertiesOf(text);
        if (properties.get('if') === 'pflash')
          this.problems.push('-drive if=pflash takes its firmware from another file than -bios');
        return this.#drive(properties.get('file'));
      }
      case 'blockdev': {
        const properties = propertiesOf(text);
        return this.#drive(properties.get('filename') ?? properties.get('file.filename'));
      }
      case 'qmp': {
        const socket = /^unix:(.+)$/.exec(propertiesOf(text).get('') ?? '')?.[1];
        if (socket !== undefined && /^[\w./@+:-]+$/.test(socket)) this.facts.qmpSocket = socket;
        return;
      }
      case 'hda':
      case 'hdb':
      case 'hdc':
      case 'hdd':
        return this.#drive(text);
      case 'netdev':
      case 'nic':
        return this.#forwards(text);
    }
  }

  #file(option: string, path: string, expected: string): void {
    if (path !== expected && path !== `./${expected}`) {
      this.problems.push(`-${option} is "${path.slice(0, 80)}", not ${expected} of the bundle`);
    }
  }

  #append(text: string): void {
    this.facts.append = text;
    const ids = text.split(' ').filter((word) => word.startsWith('vm_id='));
    if (ids.length === 1) this.facts.vmId = ids[0]?.slice('vm_id='.length);
  }

  #cores(properties: Properties): void {
    const cores = wholeNumber(properties.get('') ?? properties.get('cpus'));
    const most = properties.get('maxcpus');
    if (cores === undefined || cores < 1) this.problems.push('-smp does not say the number of vCPUs plainly');
    else if (most !== undefined && wholeNumber(most) !== cores)
      this.problems.push('-smp maxcpus differs from the number of vCPUs');
    else this.facts.cores = cores;
  }

  #cpu(properties: Properties): void {
    const model = properties.get('');
    if (model !== undefined) this.facts.cpu = model;
    for (const name of ['family', 'model', 'stepping']) {
      if (properties.has(name)) this.problems.push(`-cpu ${name} changes the CPU signature`);
    }
  }

  #object(properties: Properties): void {
    const type = properties.get('') ?? properties.get('qom-type');
    if (type === 'sev-guest' || type === 'tdx-guest')
      this.problems.push(`-object ${type} is no SEV-SNP guest`);
    if (type === 'igvm-cfg') this.problems.push('-object igvm-cfg takes its firmware from another file');
    if (type === 'sev-snp-guest') this.#guests.push(properties);
    if (type?.startsWith('{')) this.problems.push('-object in JSON form is not understood');
  }

  #device(properties: Properties): void {
    const driver = properties.get('') ?? properties.get('driver');
    if (driver === 'loader') this.problems.push('-device loader puts a file into the memory of the VM');
    const host = properties.get('host');
    if (driver === 'vfio-pci' && host !== undefined) this.facts.gpus.push(host);
  }

  #drive(file: string | undefined): void {
    if (file !== undefined) this.facts.drives.push(file.replace(/^\.\//, ''));
  }

  #forwards(text: string): void {
    for (const [, host, guest] of text.matchAll(
      /hostfwd=(?:tcp|udp)?:[^:,]*:([0-9]{1,5})-[^:,]*:([0-9]{1,5})/g,
    )) {
      this.facts.forwards.push({ host: Number(host), guest: Number(guest) });
    }
  }

  finish(): void {
    const guest = this.#guests[0];
    if (!guest) this.problems.push('it has no object sev-snp-guest: the VM is not confidential');
    else {
      if (this.#guests.length > 1) this.problems.push('it has more than one object sev-snp-guest');
      if (this.#confidentialGuest === undefined || this.#confidentialGuest !== guest.get('id')) {
        this.problems.push('-machine does not use the sev-snp-guest (confidential-guest-support)');
      }
      const unknown = [...guest.keys()].filter(
        (name) => name !== '' && name !== 'qom-type' && !snpProperties.has(name),
      );
      if (unknown.length > 0)
        this.problems.push(`sev-snp-guest has settings that are not known: ${unknown.join(', ')}`);
      this.facts.cBitPosition = wholeNumber(guest.get('cbitpos'));
      this.facts.policy = wholeNumber(guest.get('policy') ?? '0x30000');
      this.facts.kernelHashes = onOff(guest.get('kernel-hashes') ?? 'off');
    }
    for (const name of ['bios', 'kernel', 'smp', 'cpu', 'append']) {
      if (!this.#given.has(name)) this.problems.push(`-${name} is missing`);
    }
    if (guest && this.facts.kernelHashes !== true)
      this.problems.push('kernel-hashes is not on: kernel and command line are not measured');
    for (const [name, value] of Object.entries(this.facts)) {
      if (value === undefined) delete this.facts[name as keyof LaunchFacts];
    }
  }
}

/** Reads QEMU's arguments. Problems are what keeps the measurement from being certain. */
export function readQemuArguments(words: readonly Known[]): { facts: LaunchFacts; problems: string[] } {
  const reading = new Reading();
  for (const option of optionsOf(words, reading.problems)) reading.take(option);
  reading.finish();
  return { facts: reading.facts, problems: reading.problems };
}
