import { act, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../src-main/contract/kernel.ts';
import { bundleFiles } from '../../src-main/domain/cc/bundle.ts';
import type { ChannelMessage } from '../../src-renderer/bridge/carrier.ts';
import { BundleFacts } from '../../src-renderer/features/bundles/bundle-facts.tsx';
import { BundleSummary } from '../../src-renderer/features/bundles/bundle-summary.tsx';
import { BundleView } from '../../src-renderer/features/bundles/bundle-view.tsx';
import { exportOf, type Inspection, textOf } from '../../src-renderer/features/bundles/model.ts';
import { UserData } from '../../src-renderer/features/bundles/user-data-page.tsx';
import { draw } from './render.tsx';

const hash = (letter: string, length = 64): string => letter.repeat(length);
const inspection = (more: Partial<Inspection> = {}): Inspection => ({
  bundle: 'cvm_0123456789ab',
  participant: 'site-1',
  source: 'archive',
  archive: { name: 'site-1.tgz', size: 20_000_000_000, sha256: hash('a') },
  files: bundleFiles.map((name, index) => ({ name, size: 1000 + index, sha256: hash('b') })),
  launch: {
    vm_id: 'f'.repeat(32),
    cores: 16,
    cpu: 'EPYC-v4',
    memory: '64G',
    append: 'root=/dev/mapper/crypt_root vm_id=ff',
    c_bit_position: 51,
    policy: 0x30000,
    kernel_hashes: true,
    forwards: [{ host: 8002, guest: 8003 }],
    drives: ['crypt_root.qcow2'],
    gpus: [],
  },
  kernel_hashes: true,
  debug_allowed: false,
  drives: [
    { name: 'user_data.qcow2', virtual_size: 1e9, check: 'clean' },
    { name: 'crypt_root.qcow2', virtual_size: 45e9, check: 'not checked' },
  ],
  measurement: {
    computed: true,
    plain: hash('c', 96),
    with_debug_swap: hash('d', 96),
    plain_base64: hash('C'),
    with_debug_swap_base64: hash('D'),
  },
  kit: {
    name: 'site-1',
    kind: 'client',
    org: 'clinic',
    flare: '2.8.1',
    root_fingerprint: 'AB:CD',
    fingerprint: 'EF:01',
    not_after: '2027-01-01T00:00:00.000Z',
    server: 'server1',
    checked: 17,
  },
  findings: [],
  ...more,
});

/** Main's tasks: each start is kept, and ended by the test. */
function backend(calls: Record<string, (payload: never) => Envelope<unknown>> = {}) {
  const started: { name: string; payload: unknown }[] = [];
  const emits: ((message: ChannelMessage) => void)[] = [];
  const start = (name: string) => (payload: unknown) => {
    started.push({ name, payload });
    return { ok: true as const, value: { id: `t${started.length}` } };
  };
  const tasks = ['bundles.inspect', 'bundles.verify', 'user_data.create', 'user_data.list'];
  const more = [
    'user_data.put',
    'user_data.resize',
    'user_data.check_mount',
    'user_data.mount_conf',
    'user_data.read',
  ];
  const cancelled: unknown[] = [];
  const end = async (task: { result?: unknown; error?: unknown }, at = emits.length - 1): Promise<void> => {
    await act(async () => {
      const id = `t${at + 1}`;
      const status = task.error ? 'failed' : 'succeeded';
      emits[at]?.({ kind: 'item', item: { kind: 'task', task: { id, status, steps: [], ...task } } });
      emits[at]?.({ kind: 'end', result: { ok: true, value: null } });
      await Promise.resolve();
    });
  };
  const progress = async (value: unknown): Promise<void> => {
    await act(async () => {
      emits.at(-1)?.({ kind: 'item', item: { kind: 'progress', id: `t${emits.length}`, progress: value } });
      await Promise.resolve();
    });
  };
  return {
    started,
    cancelled,
    end,
    progress,
    parts: {
      calls: {
        ...Object.fromEntries([...tasks, ...more].map((name) => [name, start(name)])),
        'tasks.cancel': (payload: unknown) => {
          cancelled.push(payload);
          return { ok: true as const, value: { status: 'cancelling' } };
        },
        ...calls,
      } as never,
      streams: {
        'tasks.watch': (_payload: unknown, emit: (message: ChannelMessage) => void) => {
          emits.push(emit);
          return {};
        },
      },
    },
  };
}
const place = (name: string) => ({ token: `place:${name}`, label: `/home/ada/${name}` });
const picks = (answers: Record<string, string>) => ({
  'places.pick': ({ purpose }: { purpose: string }) => ({
    ok: true as const,
    value: { place: place(answers[purpose] ?? purpose) },
  }),
});

describe('what was found in a bundle', () => {
  it('is good only where nothing stands against it', () => {
    draw(<BundleSummary found={inspection()} />);
    expect(screen.getByText('Nothing stands against this bundle')).toBeDefined();
    expect(screen.getByText('site-1: 17 files and names verified')).toBeDefined();
    // One of two drives is not checked: no green for that.
    expect(
      screen.getByText('1 of 2 checked, nothing wrong').closest('[data-state]')?.getAttribute('data-state'),
    ).toBe('unknown');
  });

  it('names problems first, with file, line and fix, and never calls the unknown good', () => {
    const found = inspection({
      debug_allowed: true,
      kernel_hashes: null,
      kit: null,
      measurement: { computed: false, reason: 'launch_vm.sh line 7: eval is not understood' },
      findings: [
        { severity: 'unknown', file: '.', message: 'No measurement' },
        {
          severity: 'warning',
          file: '.',
          message: 'Superseded: prod_03 has a newer kit for site-1.',
          hint: 'Build anew.',
        },
        { severity: 'problem', file: 'launch_vm.sh', line: 12, message: 'The policy allows debugging' },
      ],
    });
    draw(<BundleSummary found={found} />);
    expect(screen.queryByText('Nothing stands against this bundle')).toBeNull();
    const verdict = within(screen.getByRole('status'));
    for (const text of ['1 problem: do not use this bundle', '1 warning', '1 thing could not be checked'])
      expect(verdict.getByText(text)).toBeDefined();
    const items = screen.getAllByRole('listitem').map((item) => item.textContent);
    expect(items[0]).toContain('Problem: The policy allows debugging');
    expect(items[0]).toContain('launch_vm.sh:12');
    expect(items[1]).toContain('Build anew.');
    expect(screen.getByText('cannot be computed: launch_vm.sh line 7: eval is not understood')).toBeDefined();
    expect(screen.getByText('allowed: the host can read the memory of the VM')).toBeDefined();
    expect(screen.getByText('The kit could not be read')).toBeDefined();
  });

  it('has nine files with hashes to copy, the launch, and both measurements in both forms', () => {
    draw(<BundleFacts found={inspection()} />);
    for (const name of bundleFiles) expect(screen.getAllByText(name).length).toBeGreaterThan(0);
    expect(screen.getAllByRole('button', { name: `Copy ${hash('b')}`, hidden: true })).toHaveLength(9);
    for (const text of [hash('c', 96), hash('d', 96), hash('C'), hash('D')])
      expect(screen.getByRole('button', { name: `Copy ${text}`, hidden: true })).toBeDefined();
    for (const text of ['8002 → 8003', '0x30000', 'root=/dev/mapper/crypt_root vm_id=ff', '51'])
      expect(screen.getByText(text)).toBeDefined();
    expect(screen.getByText('not checked')).toBeDefined();
    expect(screen.getByText(/Open the unpacked folder to have all checked/)).toBeDefined();
  });
});

describe('a bundle', () => {
  const bundle = { place: place('site-1.tgz'), participant: 'site-1' };

  it('is inspected when asked to, with progress and a way to end it', async () => {
    const main = backend();
    draw(<BundleView bundle={bundle} />, main.parts);
    const user = userEvent.setup();
    await user.click(screen.getByRole('button', { name: 'Inspect' }));
    expect(main.started).toEqual([
      { name: 'bundles.inspect', payload: { bundle: 'place:site-1.tgz', participant: 'site-1' } },
    ]);
    await main.progress({ step: 'hash', done: 5e9, total: 20e9, unit: 'bytes' });
    expect(screen.getByText('5.0 GB / 20.0 GB')).toBeDefined();
    expect(screen.getByRole('progressbar', { name: 'Reading and hashing' })).toBeDefined();
    await user.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(main.cancelled).toEqual([{ id: 't1' }]);
    await main.end({ error: { code: 'cancelled', message: 'Cancelled.', retryable: true } });
    expect(screen.getByText('Cancelled. Nothing was changed.')).toBeDefined();
  });

  it('is not read again for coming back, and not taken for another build at the same place', async () => {
    const built = { place: place('site-2.tgz'), sha256: hash('a') };
    const main = backend();
    const first = draw(<BundleView bundle={built} />, main.parts);
    await userEvent.setup().click(screen.getByRole('button', { name: 'Inspect' }));
    await main.end({ result: inspection() });
    expect(screen.getByRole('button', { name: 'Inspect again' })).toBeDefined();
    first.unmount();
    const back = draw(<BundleView bundle={built} />, main.parts);
    expect(screen.getByRole('button', { name: 'Inspect again' })).toBeDefined();
    back.unmount();
    draw(<BundleView bundle={{ ...built, sha256: hash('b') }} />, main.parts);
    expect(screen.getByText('Not inspected yet')).toBeDefined();
  });

  it('is verified by the fingerprint alone; a malformed one is refused at its field', async () => {
    const main = backend();
    draw(<BundleView bundle={bundle} />, main.parts);
    const user = userEvent.setup();
    const form = within(screen.getByRole('form', { name: 'Verify against the hand-over record' }));
    const field = form.getByLabelText('Root fingerprint');
    await user.click(form.getByRole('button', { name: 'Verify' }));
    expect(form.getByText('Paste the root fingerprint the project admin told you.')).toBeDefined();
    await user.type(field, 'AB:CD');
    await user.click(form.getByRole('button', { name: 'Verify' }));
    expect(form.getByText(/64 hex digits/)).toBeDefined();
    expect(main.started).toEqual([]);
    await user.clear(field);
    await user.type(field, `SHA256:${'AB'.repeat(32)}`);
    await user.click(form.getByRole('button', { name: 'Verify' }));
    expect(main.started[0]?.payload).toEqual({
      bundle: 'place:site-1.tgz',
      root_fingerprint: `SHA256:${'AB'.repeat(32)}`,
    });
    const result = {
      participant: 'site-1',
      bundle: 'cvm_0123456789ab',
      root_fingerprint: 'AB',
      signed_by: 'admin@example.org',
      created_at: '2026-11-24T10:00:00.000Z',
      files: 9,
      measurement: { computed: false, reason: 'x' },
      problems: [
        { severity: 'problem', file: 'vmlinuz', message: 'The file differs', hint: 'Fetch it again.' },
      ],
      notes: [],
    };
    await main.end({ result });
    expect(form.getByText('1 thing differs: do not start this bundle')).toBeDefined();
    expect(form.getByText('vmlinuz')).toBeDefined();
    await user.click(form.getByRole('button', { name: 'Verify' }));
    await main.end({ result: { ...result, problems: [] } });
    expect(form.getByText('9 files as admin@example.org signed them')).toBeDefined();
  });

  it('is signed by an admin only with a kit that was chosen', async () => {
    const main = backend(picks({ admin_kit: 'admin@example.org' }));
    draw(<BundleView bundle={bundle} />, main.parts);
    const user = userEvent.setup();
    const group = within(screen.getByRole('group', { name: 'Sign the hand-over record' }));
    const sign = group.getByRole('button', { name: 'Sign' });
    // No project is open here: the root key is not at hand, the kit not chosen.
    expect(sign).toHaveProperty('disabled', true);
    await user.click(group.getByRole('button', { name: 'Choose the kit of the admin' }));
    await user.click(sign);
    expect(main.started[0]?.payload).toEqual({
      bundle: 'place:site-1.tgz',
      participant: 'site-1',
      sign: 'admin',
      admin_kit: 'place:admin@example.org',
    });
    await main.end({ result: inspection({ record: { name: 'site-1.bundle.json', signed: true } }) });
    expect(group.getByText('site-1.bundle.json is signed')).toBeDefined();
  });
});

describe('a data drive', () => {
  const view = (main: ReturnType<typeof backend>, hasHost = false) =>
    draw(
      <UserData
        file="place:project.yml"
        participant="site-1"
        hasHost={hasHost}
        participants={['server1', 'site-1']}
      />,
      main.parts,
    );

  it('is made from a folder; an error stands at its field', async () => {
    const main = backend(picks({ data_folder: 'data', save_file: 'user_data.qcow2' }));
    view(main);
    const user = userEvent.setup();
    const make = screen.getByRole('button', { name: 'Make the drive' });
    expect(make).toHaveProperty('disabled', true);
    await user.click(
      screen.getByRole('button', { name: 'Choose: Folder whose content goes onto the drive' }),
    );
    await user.click(screen.getByRole('button', { name: 'Choose: New drive' }));
    await user.click(make);
    expect(main.started).toEqual([
      {
        name: 'user_data.create',
        payload: { folder: 'place:data', drive: 'place:user_data.qcow2', size: 1 },
      },
    ]);
    const message = 'It is there already.';
    await main.end({
      error: {
        code: 'conflict',
        message: 'in the notice',
        retryable: false,
        fields: [{ path: 'drive', message }],
      },
    });
    expect(screen.getByText(message)).toBeDefined();
    expect(screen.queryByText('in the notice')).toBeNull();
    await user.click(make);
    await main.end({ result: { drive: 'user_data.qcow2', on: 'this machine' } });
    // The new drive is shown at once.
    expect(main.started.at(-1)).toEqual({
      name: 'user_data.list',
      payload: { drive: 'place:user_data.qcow2', path: '/' },
    });
  });

  it('in use is refused in words, and not at a field', async () => {
    const main = backend(picks({ drive_file: 'user_data.qcow2' }));
    view(main);
    const user = userEvent.setup();
    await user.click(screen.getByRole('button', { name: 'Open a drive' }));
    await user.click(screen.getByRole('tab', { name: 'Size' }));
    await user.click(screen.getByRole('button', { name: 'Grow' }));
    expect(main.started.at(-1)?.payload).toEqual({ drive: 'place:user_data.qcow2', size: 5 });
    await main.end({
      error: {
        code: 'conflict',
        message: 'The drive is in use',
        hint: 'Stop the VM first.',
        retryable: true,
      },
    });
    expect(within(screen.getByRole('alert')).getByText('Stop the VM first.')).toBeDefined();
  });

  it("on the site's host goes by site and path", async () => {
    const main = backend();
    view(main, true);
    const user = userEvent.setup();
    await user.click(screen.getByText('Host of site-1'));
    await user.type(screen.getByLabelText('Path of the drive on the host'), '/srv/user_data.qcow2');
    await user.click(screen.getByRole('button', { name: 'Open' }));
    expect(main.started).toEqual([
      {
        name: 'user_data.list',
        payload: { file: 'place:project.yml', site: 'site-1', host_path: '/srv/user_data.qcow2', path: '/' },
      },
    ]);
  });

  it('is not said to be changed because another one was', async () => {
    const main = backend(picks({ drive_file: 'user_data.qcow2' }));
    view(main, true);
    const user = userEvent.setup();
    await user.click(screen.getByText('Host of site-1'));
    await user.type(screen.getByLabelText('Path of the drive on the host'), '/data/user_data.qcow2');
    await user.click(screen.getByRole('button', { name: 'Open' }));
    await user.click(screen.getByText('This machine'));
    await user.click(screen.getByRole('button', { name: 'Open a drive' }));
    await user.click(screen.getByRole('tab', { name: 'Size' }));
    await user.click(screen.getByRole('button', { name: 'Grow' }));
    await main.end({ result: { drive: 'user_data.qcow2', on: 'this machine', warnings: [] } });
    expect(screen.getByText('user_data.qcow2 has 5 GiB')).toBeDefined();
    await user.click(screen.getByText('Host of site-1'));
    expect(screen.getByRole('button', { name: 'Grow' })).toBeDefined();
    expect(screen.queryByText('user_data.qcow2 has 5 GiB')).toBeNull();
  });

  it('is told of an export only after what stands against it was shown; a known problem must be accepted', async () => {
    const main = backend(picks({ drive_file: 'user_data.qcow2' }));
    view(main);
    const user = userEvent.setup();
    await user.click(screen.getByRole('button', { name: 'Open a drive' }));
    await user.click(screen.getByRole('tab', { name: 'Data from NFS' }));
    await user.type(screen.getByLabelText('NFS server'), '2001:db8::1');
    await user.type(screen.getByLabelText('Exported folder'), '/x');
    expect(screen.queryByRole('button', { name: 'Write ext_mount.conf' })).toBeNull();
    await user.click(screen.getByRole('button', { name: 'Check' }));
    const asked = { file: 'place:project.yml', participant: 'site-1', nfs: '[2001:db8::1]:/x' };
    expect(main.started.at(-1)).toEqual({ name: 'user_data.check_mount', payload: asked });
    const result = {
      host: '2001:db8::1',
      path: '/x',
      line: '[2001:db8::1]:/x',
      exports_line: '/x CLIENTS(rw,insecure,sync)',
      findings: [
        { severity: 'problem', message: 'allowed_out_ports lacks 111', hint: 'Add it.' },
        { severity: 'warning', message: 'insecure' },
      ],
      from: 'this machine',
      reached: [],
    };
    await main.end({ result });
    const write = screen.getByRole('button', { name: 'Write ext_mount.conf' });
    expect(screen.getByText('allowed_out_ports lacks 111')).toBeDefined();
    expect(write).toHaveProperty('disabled', true);
    await user.click(screen.getByLabelText('Write it although the VM will not reach the server'));
    await user.click(write);
    expect(main.started.at(-1)).toEqual({
      name: 'user_data.mount_conf',
      payload: { drive: 'place:user_data.qcow2', ...asked, anyway: true },
    });
    await main.end({ result: { drive: 'user_data.qcow2', on: 'this machine', warnings: [], reached: [] } });
    expect(screen.getByText('ext_mount.conf is on the drive')).toBeDefined();
    // Another export is another question.
    await user.type(screen.getByLabelText('Exported folder'), 'y');
    expect(screen.queryByRole('button', { name: 'Write ext_mount.conf' })).toBeNull();
  });
});

describe('words of a drive', () => {
  it('are an export with brackets where they are needed', () => {
    expect(exportOf(' nfs ', ' /a ')).toBe('nfs:/a');
    expect(exportOf('::1', '/a')).toBe('[::1]:/a');
    expect(exportOf('[::1]', '/a')).toBe('[::1]:/a');
  });

  it('are text only where the bytes are text', () => {
    expect(textOf(btoa('a,b\n'))).toBe('a,b\n');
    expect(textOf(btoa('\u00ff\u00fe'))).toBeUndefined();
    expect(textOf(btoa('a\0b'))).toBeUndefined();
  });
});
