/** A look at a key broker that changes nothing: who it is, who may change it, what it counted. */
import { DeskError } from '../../contract/errors.ts';
import {
  readMetrics,
  releaseFrom,
  trusteeProfile,
  type KbsCounters,
  type TrusteeRelease,
} from '../../domain/kbs/index.ts';
import type { KbsClient } from './client.ts';
import { problemOf } from './errors.ts';
import { readPolicy } from './policy.ts';
import type { KbsStatus, KbsTarget } from './types.ts';
import { vaultFinding, vaultHealth } from './vault.ts';

/** The counters of /metrics, undefined when the address answers with something else. Throws what the client throws. */
export async function readCounters(
  client: KbsClient,
  signal?: AbortSignal,
): Promise<KbsCounters | undefined> {
  const answer = await client.ask({ method: 'GET', path: '/metrics' }, signal);
  return answer.status === 200 ? readMetrics(answer.body.toString('utf8')) : undefined;
}

/**
 * Release, admin access and the dangers of an endpoint (docs/reference/confidential-computing.md §4.1, §4.4). The probe of
 * the attestation policy sends a body that no server can take. Throws what the client throws.
 */
export async function kbsStatus(
  client: KbsClient,
  target: KbsTarget,
  signal?: AbortSignal,
): Promise<KbsStatus> {
  const counters = await readCounters(client, signal);
  const findings: KbsStatus['findings'] = [];
  const admin = await adminAccess(client, findings, signal);
  const healthz = (await client.ask({ method: 'GET', path: '/healthz' }, signal)).status === 200;
  const found = releaseFrom({
    ...(counters?.version === undefined ? {} : { buildVersion: counters.version }),
    ...(counters ? { prefixedMetrics: counters.prefixed } : {}),
    ...(admin.form ? { policyAnswer: admin.form } : {}),
    healthz,
  });
  const release: TrusteeRelease | undefined = target.profile === 'auto' ? found?.release : target.profile;
  if (target.profile !== 'auto' && found?.sure && found.release !== target.profile) {
    findings.push({
      severity: 'warning',
      code: 'kbs_profile_differs',
      message: `desk.yml says ${target.profile}, and the server looks like ${found.release}.`,
      hint: 'Policies are written for the profile: correct kbs.profile.',
    });
  }
  await openEndpoints(client, release, findings, signal);
  if (!client.address.startsWith('https:')) {
    findings.push({
      severity: 'error',
      code: 'kbs_no_tls',
      message: 'The key broker is spoken to without TLS: admin tokens can be read on the way.',
      hint: 'Use https and name the CA as kbs.ca.',
    });
  }
  const vault = target.vault ? await vaultHealth(target.vault, signal) : undefined;
  const sealed = vault && vaultFinding(vault);
  if (sealed) findings.push(sealed);
  return {
    release,
    ...(vault ? { vault } : {}),
    releaseSure: target.profile !== 'auto' || (found?.sure ?? false),
    ...(counters?.version === undefined ? {} : { buildVersion: counters.version }),
    ...(counters ? { counters } : {}),
    admin: admin.state,
    findings,
  };
}

async function adminAccess(
  client: KbsClient,
  findings: KbsStatus['findings'],
  signal?: AbortSignal,
): Promise<{ state: KbsStatus['admin']; form?: 'base64url' | 'json-map' }> {
  if (!client.hasAdmin) return { state: 'not_configured' };
  try {
    return { state: 'ok', form: (await readPolicy(client, signal)).form };
  } catch (error) {
    if (!(error instanceof DeskError) || error.code === 'cancelled') throw error;
    findings.push({
      severity: 'error',
      code: 'kbs_admin',
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
    return { state: error.code === 'auth_failed' ? 'refused' : 'failed' };
  }
}

async function openEndpoints(
  client: KbsClient,
  release: TrusteeRelease | undefined,
  findings: KbsStatus['findings'],
  signal?: AbortSignal,
): Promise<void> {
  const open = await client.ask({ method: 'GET', path: '/kbs/v0/resource-policy' }, signal);
  if (open.status === 200) {
    findings.push({
      severity: 'error',
      code: 'kbs_admin_open',
      message: 'Anybody who reaches the key broker can read and replace the resource policy without a token.',
      hint: 'Take insecure_api (or InsecureAllowAll) out of its configuration and restart it.',
    });
  }
  const probe = await client.ask(
    { method: 'POST', path: '/kbs/v0/attestation-policy', body: Buffer.from('-') },
    signal,
  );
  const unguarded = probe.status < 500 && !['AdminAuth', 'PluginNotFound'].includes(problemOf(probe).kind);
  const told = release !== undefined && trusteeProfile(release).attestationPolicyOpen;
  if (probe.status !== 404 && probe.status !== 405 && probe.status !== 403 && (unguarded || told)) {
    findings.push({
      severity: 'error',
      code: 'kbs_attestation_policy_open',
      message: 'Anybody who reaches the key broker can replace the attestation policy without a token.',
      hint: 'Known of Trustee before v0.15: update it, or let only its own VMs and admins reach the port.',
    });
  }
}
