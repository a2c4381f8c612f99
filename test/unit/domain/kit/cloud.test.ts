/** The cloud start scripts against stand-ins for the clouds' commands: what is called, in which order, and when it stops. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderOptionalKitFiles } from '../../../../src-main/domain/kit/optional/index.ts';
import type { BuilderSpec, Participant, Project } from '../../../../src-main/domain/project/model.ts';

const fake = `#!/bin/bash
tool="\${0##*/}"
echo "$tool $*" >>"$RECORD"
[[ -z "$FAIL" || "$tool $*" != *"$FAIL"* ]] || exit 1
case "$tool $*" in
  *create-key-pair*) echo KEY ;;
  *create-security-group*) echo sg-1 ;;
  *run-instances*) echo i-1 ;;
  *describe-instances*) echo 192.0.2.9 ;;
  *"configure get region"*) echo eu-north-1 ;;
  *"ssm get-parameters"*) echo ami-1 ;;
  *checkip*) echo 198.51.100.4 ;;
  *"vm create"*) echo 192.0.2.10 ;;
  ssh-keygen*) touch "\${@: -1}" "\${@: -1}.pub" ;;
  *" mkdir -p"*) cat >/dev/null ;;
esac
`;
const server = { type: 'server', name: 'fl.example.com', org: 'nvidia', fedLearnPort: 8002, adminPort: 8003 };
const client = { type: 'client', name: 'site-1', org: 'org1' };

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flaredesk-cloud-'));
  mkdirSync(join(folder, 'bin'));
  for (const tool of ['aws', 'az', 'ssh', 'ssh-keygen', 'curl', 'sleep']) {
    writeFileSync(join(folder, 'bin', tool), fake, { mode: 0o755 });
  }
  mkdirSync(join(folder, 'a prod/the kit/startup'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(
  cloud: 'AWS' | 'Azure',
  participant: unknown,
  args: string[],
  settings: { config?: string; input?: string; fail?: string } = {},
): { status: number | null; calls: string[]; output: string } {
  const files = renderOptionalKitFiles(
    participant as Participant,
    { line: '2.8.1' } as Project,
    { path: `nvflare.lighter.impl.x.${cloud}Builder` } as BuilderSpec,
  );
  const script = join(folder, 'a prod/the kit', files[0]?.path ?? '');
  writeFileSync(script, files[0]?.content ?? '', { mode: files[0]?.mode ?? 0 });
  const config = join(folder, 'config');
  if (settings.config !== undefined) writeFileSync(config, settings.config);
  const record = join(folder, 'record');
  writeFileSync(record, '');
  const { status, stdout, stderr } = spawnSync(
    script,
    [...args, ...(settings.config === undefined ? [] : ['--config', config])],
    {
      encoding: 'utf8',
      input: settings.input ?? '',
      timeout: 15_000,
      env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, RECORD: record, FAIL: settings.fail ?? '' },
    },
  );
  expect(readdirSync(join(folder, 'a prod/the kit')), 'the kit stays as it was signed').toEqual(['startup']);
  return { status, calls: readFileSync(record, 'utf8').split('\n').slice(0, -1), output: stdout + stderr };
}

const made = (calls: string[]): string[] =>
  calls.filter((call) => /create|run-instances|open-port|authorize/.test(call));

describe('aws_start.sh', () => {
  it('makes a machine, opens the ports of a server, starts the kit', () => {
    const { status, calls, output } = start('AWS', server, ['--cloud', 'aws'], {
      config: 'EC2_TYPE=t3.large\n',
    });
    expect(status, output).toBe(0);
    expect(
      calls.filter((call) => call.includes('authorize')).map((call) => call.replace(/.*--port /, '')),
    ).toEqual(['22 --cidr 198.51.100.4/32', '8002 --cidr 0.0.0.0/0', '8003 --cidr 0.0.0.0/0']);
    expect(calls.find((call) => call.includes('run-instances'))).toMatch(
      /--region eu-north-1 --image-id ami-1 --instance-type t3.large/,
    );
    expect(
      calls.some((call) => call.startsWith('ssh ') && call.includes('mkdir -p -m 700 /var/tmp/cloud')),
    ).toBe(true);
    expect(readFileSync(join(folder, 'record'), 'utf8')).toContain('nvflare==2.8.1');
  });

  it('opens nothing but the login for a client, and uses the network it is told', () => {
    const { status, calls } = start('AWS', client, ['--vpc-id', 'vpc-7', '--subnet-id', 'sub-7'], {
      config: '',
    });
    expect(status).toBe(0);
    expect(calls.filter((call) => call.includes('authorize'))).toHaveLength(1);
    expect(calls.find((call) => call.includes('create-security-group'))).toContain('--vpc-id vpc-7');
    expect(calls.find((call) => call.includes('run-instances'))).toContain('--subnet-id sub-7');
  });

  it('--image starts that container with the arguments of the site', () => {
    const { status, calls } = start('AWS', client, ['--image', 'fl:1'], { config: '' });
    expect(status).toBe(0);
    expect(calls.at(-1)).toContain(
      "docker run -d -v /var/tmp/cloud:/var/tmp/cloud --network host fl:1 /bin/bash -c 'python -u -m nvflare.private.fed.app.client.client_train -m /var/tmp/cloud -s fed_client.json --set uid=site-1 secure_train=true config_folder=config org=org1'",
    );
  });

  it('asks, and takes Enter as the value shown', () => {
    const { status, calls } = start('AWS', client, [], { input: 'us-east-1\n\n\n203.0.113.0/24\n' });
    expect(status).toBe(0);
    expect(calls.find((call) => call.includes('run-instances'))).toContain(
      '--region us-east-1 --image-id ami-1 --instance-type t2.small',
    );
    expect(calls.find((call) => call.includes('authorize'))).toContain('--cidr 203.0.113.0/24');
  });

  it('makes nothing without answers, without knowing who may log in, or with an unknown option', () => {
    const silent = start('AWS', client, []);
    expect([silent.status, made(silent.calls)]).toEqual([1, []]);
    const anyone = start('AWS', client, [], { config: '', fail: 'checkip' });
    expect([anyone.status, made(anyone.calls)]).toEqual([1, []]);
    const odd = start('AWS', client, ['--vpc', 'x'], { config: '' });
    expect([odd.status, odd.calls]).toEqual([2, []]);
  });

  it.each(['get-caller-identity', 'create-key-pair', 'authorize', 'run-instances', 'wait', 'mkdir -p'])(
    'stops when "%s" fails',
    (fail) => {
      const { status, calls } = start('AWS', server, [], { config: '', fail });
      expect(status).toBe(1);
      expect(calls.at(-1)).toContain(fail);
    },
  );
});

describe('azure_start.sh', () => {
  it('makes a machine, opens the ports of a server, starts the kit', () => {
    const { status, calls, output } = start('Azure', server, [], { config: 'LOCATION=northeurope\n' });
    expect(status, output).toBe(0);
    expect(calls.find((call) => call.includes('vm create'))).toMatch(
      /--location northeurope .*--size Standard_B2ms/,
    );
    expect(
      calls.filter((call) => call.includes('open-port')).map((call) => /--port (\d+)/.exec(call)?.[1]),
    ).toEqual(['8002', '8003']);
    expect(output).toContain('Make the name fl.example.com lead to 192.0.2.10.');
  });

  it('takes region and name from a server called *.cloudapp.azure.com', () => {
    const named = { ...server, name: 'fl.westeurope.cloudapp.azure.com' };
    const { calls, output } = start('Azure', named, [], { config: '' });
    expect(calls.find((call) => call.includes('vm create'))).toMatch(
      /--location westeurope .*--public-ip-address-dns-name fl /,
    );
    expect(output).not.toContain('Make the name');
    const elsewhere = start('Azure', named, [], { config: 'LOCATION=westus2\n' });
    expect([elsewhere.status, made(elsewhere.calls)]).toEqual([1, []]);
  });

  it.each(['group create', 'vm create', 'open-port', 'mkdir -p'])('stops when "%s" fails', (fail) => {
    const { status, calls } = start('Azure', server, [], { config: '', fail });
    expect(status).toBe(1);
    expect(calls.at(-1)).toContain(fail);
  });

  it('makes nothing without answers', () => {
    const { status, calls } = start('Azure', client, []);
    expect([status, made(calls)]).toEqual([1, []]);
  });
});

it('admins and relays get no cloud script', () => {
  for (const type of ['admin', 'relay']) {
    for (const cloud of ['AWS', 'Azure']) {
      const builder = { path: `x.${cloud}Builder` } as BuilderSpec;
      expect(renderOptionalKitFiles({ type } as Participant, { line: '2.7.2' } as Project, builder)).toEqual(
        [],
      );
    }
  }
});
