/** The rules of image builds: config text, what a log says, expected times. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildConfig } from '../../../../src-main/domain/cc/build-config.ts';
import { failureHint, readyPath, stageOf } from '../../../../src-main/domain/cc/build-log.ts';
import { documentedSeconds, expectedSeconds } from '../../../../src-main/domain/cc/build-times.ts';
import { renderAppImage } from '../../../../src-main/domain/cc/app-image.ts';

const places = { kit: '/kits/site-1', absolute: (path: string) => `/abs/${path}` };

describe('the config for the builder', () => {
  it('has sorted keys, block lists without indent, absolute paths, the kit, the right name for hosts', () => {
    const { text, files, driveGigabytes } = buildConfig(
      {
        role: 'client',
        root_drive_size: 45,
        user_data_drive_size: 1,
        docker_archive: 'app.tar.gz',
        allowed_out_ports: [443],
        user_config: { extra: 'data', nvflare: '/old' },
        host_entries: { server1: '10.0.0.5' },
      },
      'cc.yml',
      places,
    );
    expect(text).toBe(`allowed_out_ports:
- 443
docker_archive: /abs/app.tar.gz
hosts_entries:
  server1: 10.0.0.5
role: client
root_drive_size: 45
user_config:
  extra: /abs/data
  nvflare: /kits/site-1
user_data_drive_size: 1
`);
    expect(files.map(({ field }) => field)).toEqual(['user_config.extra', 'docker_archive']);
    expect(driveGigabytes).toBe(46);
  });

  it('keeps every other value as it is', () => {
    const key = fc.stringMatching(/^[a-z_]{1,12}$/).map((name) => `x_${name}`);
    const value = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' });
    fc.assert(
      fc.property(fc.dictionary(key, value), (document) => {
        const { text } = buildConfig(document, 'cc.yml', places);
        const read = parse(text, { version: '1.1' }) as Record<string, unknown>;
        const { user_config: userConfig, ...rest } = read;
        expect(JSON.stringify(rest, sorted)).toBe(JSON.stringify(document, sorted));
        expect(userConfig).toEqual({ nvflare: '/kits/site-1' });
      }),
      { numRuns: 200 },
    );
  });

  it.each([[null], [['a']], ['text']])('refuses user_config %j in words', (user_config) => {
    expect(() => buildConfig({ user_config }, 'cc.yml', places)).toThrow(
      /cc\.yml: user_config must be a mapping/,
    );
  });
});

/** Objects by key, so that order does not count; -0 is 0 in both formats. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

describe('the log of a builder', () => {
  it.each([
    ['Creating root drive', 'root_drive'],
    ['docker load < app.tar.gz', 'root_drive'],
    ['copying startup kit to user config drive', 'user_config'],
    ['cryptsetup luksFormat /dev/nbd0', 'encrypt'],
    ['Waiting for VM to get ready', 'measure'],
    ['VM_ID: 885f Measurement: abc=', 'measure'],
    ['updating policy at KBS', 'policy'],
    ['Packing CVM bundle', 'pack'],
    ['hello', undefined],
  ])('"%s" is %s', (line, stage) => expect(stageOf(line)).toBe(stage));

  it.each([
    ['CVM Bundle /x/y.tgz is ready', '/x/y.tgz'],
    ['12:00 INFO CVM Bundle  /x/y.tgz  is ready, bye', '/x/y.tgz'],
    ['CVM Bundle /x y.tgz is ready', undefined],
    ['CVM bundle /x.tgz is ready', undefined],
  ])('"%s" names %s', (line, path) => expect(readyPath(line)).toBe(path));

  it('knows what stands behind a failure', () => {
    expect(failureHint(['a', 'sudo: a password is required'])).toMatch(/NOPASSWD/);
    expect(failureHint(['tar: No space left on device'])).toMatch(/Free some space/);
    expect(failureHint(['Failed to set NBD socket'])).toMatch(/modprobe nbd/);
    expect(failureHint(['fine'])).toBeUndefined();
  });
});

it('expects the median of the newest five, else the guide’s figure', () => {
  expect(expectedSeconds([], [])).toEqual({ seconds: documentedSeconds, from: 0 });
  expect(expectedSeconds([1, 900, 1000, 5000, 950, 970], [7])).toEqual({ seconds: 970, from: 5 });
  expect(expectedSeconds([], [7])).toEqual({ seconds: 7, from: 1 });
});

it('writes an image with pinned NVFlare, the GPU package where asked for, and --verify', () => {
  const [dockerfile, requirements] = renderAppImage({
    line: '2.7.2',
    gpu: true,
    packages: ['torch'],
    code: true,
  });
  expect(requirements?.text).toBe('nvflare==2.7.2\nnv-attestation-sdk\ntorch\n');
  expect(dockerfile?.text).toContain('ENTRYPOINT ["/user_config/nvflare/startup/sub_start.sh", "--verify"]');
  expect(dockerfile?.text).toContain('COPY code /opt/flare/code');
});
