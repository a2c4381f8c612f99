/** How this run shall behave: from the config's `test_builder` mapping and from the environment. See README.md. */

export interface Behaviour {
  /** Seconds the whole build takes, spread over its stages. */
  seconds: number;
  /** Exit status, after the stage `fail_at`. */
  fail: number;
  fail_at: string;
  /** `missing`: no line; `stderr`: on the wrong pipe; `twice`: a second, wrong one follows; `prefix`: amid other words. */
  line: 'plain' | 'missing' | 'stderr' | 'twice' | 'prefix';
  /** `none`: the line names a file that is not there; `folder`: a folder; `cut`: an archive cut short; `link`: one with a link in it. */
  result: 'archive' | 'none' | 'folder' | 'cut' | 'link';
  /** Bytes written to standard output or error within one stage. */
  stdout: number;
  stderr: number;
  /** Stops saying and doing anything after the first stage. */
  hang: boolean;
  /** Leaves a process called qemu-system-x86_64 that has left the process group. */
  leave_qemu: boolean;
  /** Takes files named in the config as given, though they are not on this host. */
  lenient: boolean;
  /** Puts the bundle below a folder of the participant's name. */
  site_folder: boolean;
  /** Leaves `sudo` out of launch_vm.sh. */
  no_sudo: boolean;
}

const defaults: Behaviour = {
  seconds: 0,
  fail: 0,
  fail_at: 'measure',
  line: 'plain',
  result: 'archive',
  stdout: 0,
  stderr: 0,
  hang: false,
  leave_qemu: false,
  lenient: false,
  site_folder: false,
  no_sudo: false,
};

/** `*: seconds=1; site-3: fail=3 line=missing` → what holds for this site, later parts over earlier ones. */
export function fromEnvironment(text: string, site: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const part of text.split(';')) {
    const [who = '', ...rest] = part.split(':');
    if (who.trim() !== '*' && who.trim() !== site) continue;
    for (const word of rest.join(':').trim().split(/\s+/)) {
      const at = word.indexOf('=');
      if (at > 0) found[word.slice(0, at)] = word.slice(at + 1);
    }
  }
  return found;
}

/** A word of the environment or a value of the config, in the form of its default. */
export function behaviourOf(...sources: Record<string, unknown>[]): Behaviour {
  const merged: Record<string, unknown> = { ...defaults };
  for (const [key, value] of sources.flatMap((source) => Object.entries(source))) {
    const model = defaults[key as keyof Behaviour];
    if (model === undefined) throw new Error(`test_builder has no setting ${key}`);
    const text = String(value);
    merged[key] =
      typeof model === 'number'
        ? Number(text)
        : typeof model === 'boolean'
          ? text === 'true' || text === '1'
          : text;
  }
  return merged as unknown as Behaviour;
}
