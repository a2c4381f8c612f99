/** A bundle beside the project as it stands now: gathers what `domain/cc/bundle-drift` compares. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DeskError } from '../contract/errors.ts';
import type { BundleFacts, BundleFinding } from '../domain/cc/bundle-facts.ts';
import { driftFindings, type ProjectNow } from '../domain/cc/bundle-drift.ts';
import { type KitAttesters, kitAttesters } from '../domain/cc/kit-attesters.ts';
import { confidentialProject, renderConfidential } from '../domain/kit/index.ts';
import type { Participant, Project } from '../domain/project/model.ts';
import { ccSettings, portsIn } from './cc-settings.ts';
import { numberOf, prodsOf, reachOf } from './site-targets.ts';
import type { SoundProject } from './sound-project.ts';

/** `prod_03` of a path below it. */
const prodIn = (path: string): string | undefined => /(?:^|[\\/])(prod_\d+)(?=[\\/])/.exec(path)?.[1];

/** What differs between a bundle and the project; empty without a project or without a kit that could be read. */
export async function driftOf(
  facts: BundleFacts,
  participant: string,
  path: string,
  sound: SoundProject | undefined,
): Promise<BundleFinding[]> {
  const { kit, launch } = facts;
  if (!kit || !sound) return [];
  const { keyFormOf } = await import('../services/pki/index.ts');
  const { project, workspace } = sound;
  const folder = join(workspace, project.name);
  const found = project.participants.find(({ name }) => name === participant);
  const { rootFingerprint } = await keyFormOf(join(folder, 'state'));
  const newest = await newestKit(folder, participant);
  const own = prodIn(path);
  // Of a script that was not understood, what it opens is not known.
  const isRead = !facts.findings.some(
    ({ file, severity }) => file === 'launch_vm.sh' && severity === 'unknown',
  );
  const isNewer = own !== undefined && newest !== undefined && numberOf(newest.prod) > numberOf(own);
  return driftFindings(kit, launch, {
    line: project.line,
    server: project.participants.find(({ type }) => type === 'server')?.name,
    participant: found ? { name: found.name, type: found.type, org: found.org } : undefined,
    rootFingerprint,
    newerProd: isNewer ? newest.prod : undefined,
    kit: newest?.signature === undefined ? undefined : { prod: newest.prod, signature: newest.signature },
    reach: found && reachNow(found, project),
    allowedPorts: isRead ? await allowedPorts(found, project) : undefined,
    attesters: found && (await attestersNow(found, project)),
  });
}

/** The newest run that has this participant; the signature of its kit, or of the kit that its inspected image was made from. */
async function newestKit(
  folder: string,
  participant: string,
): Promise<{ prod: string; signature?: string } | undefined> {
  const { handOverPlace, readHandOver } = await import('../services/cvm/index.ts');
  for (const prod of prodsOf(folder)) {
    const place = join(folder, prod, participant);
    const text = await readFile(join(place, 'signature.json')).catch(() => undefined);
    if (text) return { prod, signature: createHash('sha256').update(text).digest('hex') };
    const archive = join(place, `${participant}.tgz`);
    const record = await readHandOver(handOverPlace(archive)).catch(() => undefined);
    if (record?.record.kit_signature) return { prod, signature: record.record.kit_signature };
    if (existsSync(place)) return { prod };
  }
  return undefined;
}

function reachNow(participant: Participant, project: Project): ProjectNow['reach'] {
  const { type, fedLearnPort, adminPort } = participant;
  if (type !== 'server') return reachOf(participant, project);
  return {
    ...(fedLearnPort === undefined ? {} : { port: fedLearnPort }),
    ...(adminPort === undefined ? {} : { adminPort }),
  };
}

async function allowedPorts(participant: Participant | undefined, project: Project) {
  if (participant?.ccConfig === undefined) return undefined;
  return portsIn((await ccSettings(participant.ccConfig, project))['allowed_ports']);
}

/** As provisioning would write them now. A file that does not hold is told by `project check`, not here. */
async function attestersNow(
  participant: Participant,
  project: Project,
): Promise<KitAttesters | null | undefined> {
  const { loadCcConfigs } = await import('../services/provision/index.ts');
  try {
    const confidential = confidentialProject(project, await loadCcConfigs(project));
    if (!confidential) return undefined;
    const files = renderConfidential(participant, confidential);
    return kitAttesters(
      files.filter(({ path }) => basename(path).endsWith('__p_resources.json')).map(({ content }) => content),
    );
  } catch (error) {
    if (error instanceof DeskError) return undefined;
    throw error;
  }
}
