import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import type { StateValue } from '../../src-main/contract/index.ts';
import { HostMatrix, type Host, type Probe } from '../../src-renderer/features/hosts/host-matrix.tsx';
import { ProbeDrawer } from '../../src-renderer/features/hosts/probe-drawer.tsx';
import { draw } from './render.tsx';

const at = new Date().toISOString();
const probe = (id: string, number: number, state: Probe['state'], more: Partial<Probe> = {}): Probe => ({
  id,
  number,
  title: id,
  group: 'platform',
  state,
  summary: `${id} is ${state}`,
  source: 'a source',
  at,
  seconds: 0.1,
  ...more,
});
const host = (
  name: string,
  probes: Probe[],
  more: Partial<Host> = {},
): StateValue<'hosts.matrix'>['hosts'][number] => ({
  name,
  state: 'bad',
  probes,
  at,
  ...more,
});

function matrix(hosts: Host[], onlyOdd = false) {
  const onChoose = vi.fn();
  const onCheck = vi.fn();
  draw(
    <HostMatrix
      hosts={hosts.map((check) => ({ name: check.name, check }))}
      onlyOdd={onlyOdd}
      chosen={undefined}
      onChoose={onChoose}
      onCheck={onCheck}
    />,
    { calls: {} },
  );
  return { user: userEvent.setup(), onChoose, onCheck };
}

describe('the host matrix', () => {
  it('shows the answer itself in its cell, and opens it', async () => {
    const { user, onChoose, onCheck } = matrix([
      host('site-1', [probe('kernel', 9, 'ok'), probe('qemu', 10, 'bad')]),
      host('site-2', [probe('kernel', 9, 'unknown')]),
    ]);
    await user.click(screen.getByRole('button', { name: 'qemu on site-1: Failed, qemu is bad' }));
    expect(onChoose).toHaveBeenCalledWith({ host: 'site-1', probe: 'qemu' });
    expect(
      screen.getByRole('button', { name: 'kernel on site-2: Unknown, kernel is unknown' }),
    ).toBeDefined();
    await user.click(screen.getByRole('button', { name: 'Check site-2' }));
    expect(onCheck).toHaveBeenCalledWith('site-2');
  });

  it('leaves out rows where every host is well, when asked to', () => {
    matrix(
      [
        host('site-1', [
          probe('kernel', 9, 'ok'),
          probe('gpu', 26, 'not_applicable'),
          probe('qemu', 10, 'warn'),
        ]),
      ],
      true,
    );
    expect(screen.queryByText('kernel')).toBeNull();
    expect(screen.queryByText('gpu')).toBeNull();
    expect(screen.getByText('qemu')).toBeDefined();
  });

  it('says of a host that was not reached why', () => {
    const error = { code: 'unreachable', message: 'No route', retryable: true } as const;
    matrix([host('site-1', [probe('kernel', 9, 'ok')], { state: 'failed', error })]);
    expect(screen.getByText('unreachable')).toBeDefined();
  });
});

describe('the evidence of an answer', () => {
  it('shows command, answer, meaning and fix, and runs nothing but the question again', async () => {
    const onAsk = vi.fn();
    const shown = probe('nbd', 13, 'warn', {
      command: 'lsmod',
      code: 1,
      output: 'nothing loaded',
      meaning: 'Only builders need it.',
      fix: { text: 'Load it.', commands: ['sudo modprobe nbd max_part=8'] },
    });
    const { carrier } = draw(
      <ProbeDrawer host={host('site-1', [shown])} probe={shown} onClose={() => undefined} onAsk={onAsk} />,
      { calls: {} },
    );
    const detail = within(screen.getByRole('dialog', { name: 'nbd on site-1' }));
    for (const text of [
      'lsmod',
      'nothing loaded',
      'Only builders need it.',
      'Load it.',
      'sudo modprobe nbd max_part=8',
    ])
      expect(detail.getByText(text)).toBeDefined();
    expect(detail.getByText(/runs none of them/)).toBeDefined();
    await userEvent.click(detail.getByRole('button', { name: 'Ask again' }));
    expect(onAsk).toHaveBeenCalledWith('site-1', 'nbd');
    expect(carrier.sent).toEqual([]);
  });
});
