/** `ext_mount.conf`: what stands against an export is told before it is written. */
import { DeskError } from '../contract/errors.ts';
import type { TaskInput, TaskOutput } from '../contract/index.ts';
import { exportsLine, mountFindings, type MountingSite, readExport } from '../domain/cc/ext-mount.ts';
import type { DriveOptions } from '../services/cvm/index.ts';
import { ccSettings, hostsEntriesIn, portsIn } from './cc-settings.ts';
import type { Work } from './context.ts';
import { at, onHost, targetOf } from './drive-place.ts';
import { soundProject } from './sound-project.ts';

type Check = TaskOutput<'user_data.check_mount'>;
type Asked = Pick<TaskInput<'user_data.check_mount'>, 'file' | 'site' | 'participant' | 'nfs'>;

/** What the cc_config of the participant says about its VM; undefined when it is not known. */
async function mountingSite({ file, site, participant = site }: Asked): Promise<MountingSite | undefined> {
  if (file === undefined || participant === undefined) return undefined;
  const { project } = await soundProject({ file });
  const config = project.participants.find(({ name }) => name === participant)?.ccConfig;
  if (config === undefined) return undefined;
  const settings = await ccSettings(config, project);
  return {
    name: participant,
    outPorts: portsIn(settings['allowed_out_ports']) ?? [],
    hostNames: Object.keys(hostsEntriesIn(settings)),
  };
}

async function checkWith(input: Asked, options: DriveOptions): Promise<Check> {
  const wanted = readExport(input.nfs);
  if (typeof wanted === 'string') {
    throw new DeskError('invalid_input', `"${input.nfs.slice(0, 200)}" is no NFS export: ${wanted}.`, {
      hint: 'Example: nfs.example.org:/exports/study',
      fields: [{ path: 'nfs', message: wanted }],
    });
  }
  options.report?.({ step: 'check' });
  const { probeNfs } = await import('../services/cvm/index.ts');
  const { shell, signal } = options;
  const [site, tried] = await Promise.all([
    mountingSite(input),
    probeNfs(wanted.host, { ...(shell ? { shell } : {}), ...(signal ? { signal } : {}) }),
  ]);
  return {
    host: wanted.host,
    path: wanted.path,
    line: wanted.line,
    exports_line: exportsLine(wanted),
    findings: mountFindings(wanted, site, tried),
    from: tried.from,
    reached: tried.ports,
  };
}

export const checkMount: Work<'user_data.check_mount'> = {
  title: () => 'Check an NFS export',
  target: ({ nfs }) => nfs,
  steps: () => ['check'],
  idempotent: true,
  run: (input, context) => onHost(input, context, (options) => checkWith(input, options)),
};

export const mountConf: Work<'user_data.mount_conf'> = {
  title: () => 'Write ext_mount.conf',
  target: targetOf,
  steps: () => ['check', 'read', 'write', 'verify', 'convert', 'compare'],
  idempotent: true,
  async run(input, context) {
    const { writeMountConf } = await import('../services/cvm/index.ts');
    const { answer, drive, on } = await at(input, context, async (path, options) => {
      const check = await checkWith(input, options);
      const problem = check.findings.find(({ severity }) => severity === 'problem');
      if (problem && input.anyway !== true) {
        throw new DeskError('needs_confirmation', `Nothing was written: ${problem.message}`, {
          hint: `${problem.hint ?? ''} Or write it anyway.`.trim(),
          fields: [{ path: 'nfs', message: problem.message }],
        });
      }
      await writeMountConf({ drive: path, nfs: input.nfs }, options);
      return check;
    });
    const warnings = answer.findings
      .filter(({ severity }) => severity === 'problem' || severity === 'warning')
      .map(({ message, hint }) => (hint === undefined ? message : `${message} ${hint}`));
    return { drive, on, warnings, reached: answer.reached };
  },
};
