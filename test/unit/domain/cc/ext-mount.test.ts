import { describe, expect, it } from 'vitest';
import {
  exportsLine,
  mountFindings,
  type MountingSite,
  type NfsExport,
  readExport,
} from '../../../../src-main/domain/cc/ext-mount.ts';

const exported = (text: string): NfsExport => {
  const read = readExport(text);
  if (typeof read === 'string') throw new Error(read);
  return read;
};
const wanted = exported('nfs.example.org:/exports/study');
const site = (outPorts: number[], hostNames: string[] = []): MountingSite => ({
  name: 'site-1',
  outPorts,
  hostNames,
});
const open = { ports: [111, 2049].map((port) => ({ port, reached: true })), from: 'this machine' };
const lines = (...asked: Parameters<typeof mountFindings>): string[] =>
  mountFindings(...asked).map(({ severity, message }) => `${severity} ${message}`);

describe('an export', () => {
  it('is read with its host, its path and its one line', () => {
    expect(wanted).toEqual({
      host: 'nfs.example.org',
      path: '/exports/study',
      line: 'nfs.example.org:/exports/study',
    });
    expect(exported(' [2001:db8::1]:/x\n').host).toBe('2001:db8::1');
    expect(exportsLine(wanted)).toBe('/exports/study CLIENTS(rw,insecure,sync)');
  });

  it.each([
    ['', /empty/],
    ['a:/b c:/d', /one word/],
    ['a:/b\u0001', /control/],
    ['nfs.example.org', /host:\/path/],
    ['nfs.example.org:exports', /absolute path/],
    ['2001:db8::1:/x', /brackets/],
    ['a:/b/../c', /"\.\."/],
  ])('%j is none, and says why', (text, why) => {
    expect(readExport(text)).toMatch(why);
  });
});

describe('what stands against an export', () => {
  it('is a problem where the image is known to let neither port out', () => {
    const [first] = mountFindings(wanted, site([443, 8002]), open);
    expect(first).toMatchObject({ severity: 'problem' });
    expect(first?.message).toBe(
      'allowed_out_ports of site-1 lacks 111 and 2049: the VM will not reach the server.',
    );
    expect(lines(wanted, site([443, 111]), open)[0]).toMatch(/^problem .* lacks 2049:/);
  });

  it('is a warning where the image is not known, and nothing where both ports are open', () => {
    expect(lines(wanted, undefined, open)[0]).toMatch(/^warning Ports 111 and 2049 must be/);
    expect(lines(wanted, site([111, 2049]), open)[0]).toBe(
      'ok allowed_out_ports of site-1 has 111 and 2049.',
    );
  });

  it('always tells what the export itself needs, with the line to write', () => {
    for (const known of [undefined, site([111, 2049])]) {
      const insecure = mountFindings(wanted, known, open).find(({ message }) =>
        message.includes('"insecure"'),
      );
      expect(insecure).toMatchObject({
        severity: 'warning',
        hint: 'In /etc/exports: /exports/study CLIENTS(rw,insecure,sync)',
      });
    }
  });

  it('says for each port whether it was reached, and from where', () => {
    const ports = [
      { port: 111, reached: false },
      { port: 2049, reached: true },
    ];
    const said = lines(wanted, undefined, { ports, from: 'site-1' });
    expect(said).toContain('warning Port 111 of nfs.example.org is not reached from site-1.');
    expect(said).toContain('ok Port 2049 of nfs.example.org is reached from site-1.');
  });

  it('takes a name that nobody knows for a warning, one that hosts_entries names for a note', () => {
    const tried = { ports: [], from: 'this machine', unknownName: true };
    expect(lines(wanted, site([111, 2049]), tried)).toContain(
      'warning The name nfs.example.org is not known on this machine.',
    );
    expect(lines(wanted, site([111, 2049], ['nfs.example.org']), tried)).toContain(
      'note The name nfs.example.org is not known on this machine.',
    );
  });

  it('warns of a short name that only this network may know', () => {
    const short = exported('filer:/x');
    const warned = (known: MountingSite): boolean =>
      lines(short, known, open).some((line) => line.includes('is a short name'));
    expect(warned(site([111, 2049]))).toBe(true);
    expect(warned(site([111, 2049], ['filer']))).toBe(false);
    expect(lines(exported('10.0.0.9:/x'), site([111, 2049]), open).join()).not.toContain('short name');
  });
});
