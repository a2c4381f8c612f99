/** What an image builder's output says: how far it is, that it is ready, why it failed. */

/** Stages of an image build in their usual order. Only seen ones count: the vendor's texts are not published. */
export type BuildStage = 'root_drive' | 'user_config' | 'encrypt' | 'measure' | 'policy' | 'pack';

/** Words of the public builder and of the guide (docs/reference/confidential-computing.md §3). The first that fits counts. */
const stageWords: readonly [BuildStage, RegExp][] = [
  ['pack', /\b(packing|packag\w+|tar(ring)?|compress\w*)\b.*\b(bundle|archive|image|cvm)|cvm bundle/i],
  ['policy', /\b(policy|rego|kbs|trustee|resource path)\b/i],
  [
    'measure',
    /\bmeasur(e|ement|ing)\b|waiting for vm|starting (the )?(vm|cvm)|boot(ing)? (the )?(vm|cvm|image)/i,
  ],
  ['encrypt', /\b(encrypt\w*|luks\w*|cryptsetup)\b/i],
  ['user_config', /\buser[ _-]?(config|data)\b|\bapplog\b/i],
  [
    'root_drive',
    /\broot[ _-]?(drive|disk|fs|file ?system|image)\b|\bbase image\b|\bdocker (load|import|archive)\b|\bnbd\d*\b/i,
  ],
];

/** The stage a line of output announces; undefined for most lines. */
export function stageOf(line: string): BuildStage | undefined {
  return stageWords.find(([, words]) => words.test(line))?.[0];
}

/** The path in the builder's success line (docs/reference/provisioning.md §8.3 i); undefined for every other line. */
export function readyPath(line: string): string | undefined {
  return /CVM Bundle\s+(\S+)\s+is ready/.exec(line)?.[1];
}

/** What is known to stand behind an output, and what to do. The first that fits is told. */
const reasons: readonly [RegExp, string][] = [
  [
    /sudo:.*(password is required|terminal is required|no tty)/i,
    'The builder needs sudo without a password: give the account a NOPASSWD rule on the builder host.',
  ],
  [/no space left on device|disk quota exceeded/i, 'Free some space on the builder host, then retry.'],
  [
    /\/dev\/nbd\d*.*(no such|not found|does not exist)|failed to set nbd socket|module nbd/i,
    'The nbd module is missing or its devices are taken: sudo modprobe nbd max_part=8, then look at lsblk for left-overs.',
  ],
  [/permission denied/i, 'The account on the builder host may not do this; see the last lines of the log.'],
  [
    /command not found/i,
    'A tool the builder needs is missing on the builder host; see the last lines of the log.',
  ],
];

/** The way out for a failed build, by what it wrote; undefined when nothing known stands there. */
export function failureHint(lines: readonly string[]): string | undefined {
  return reasons.find(([words]) => lines.some((line) => words.test(line)))?.[1];
}
