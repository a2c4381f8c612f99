/** What a GPU token adds to a verdict: its claims shown, its nonce compared, its signature said to be unverified. Pure. */
import type { GpuClaims } from './evidence.ts';
import { saying } from './judge-report.ts';
import type { Check, TokenView, Verdict } from './verdict.ts';

export const gpuSignature =
  'NOT VERIFIED: the keys of NVIDIA’s attestation service are not built into this program';

const mostClaims = 80;
const longestValue = 300;

const textOf = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
};

function viewOfGpu({ overall, nonce, gpus, header }: GpuClaims): TokenView {
  const claims = [
    ...Object.entries(header ?? {}).map(([name, value]) => ({
      name: `header ${name}`,
      value: textOf(value),
    })),
    ...(overall === undefined ? [] : [{ name: 'overall result', value: String(overall) }]),
    ...gpus.flatMap((gpu, index) =>
      Object.entries(gpu).map(([name, value]) => ({ name: `GPU ${index} ${name}`, value: textOf(value) })),
    ),
  ];
  return {
    namespace: 'x-nv-gpu',
    signature: gpuSignature,
    ...(nonce === undefined ? {} : { nonce: textOf(nonce) }),
    claims: claims.slice(0, mostClaims),
  };
}

/** Adds what the token proves, which is little: it can make a verdict worse, never better. */
export function withGpu(
  verdict: Verdict,
  gpu: { claims: GpuClaims } | { problem: string },
  seen: { site: string; at: number } | undefined,
): Verdict {
  if ('problem' in gpu) {
    const check: Check = { name: 'gpu_token', state: 'not_checked', message: gpu.problem };
    return { ...verdict, checks: [...verdict.checks, check] };
  }
  const { claims } = gpu;
  const view = viewOfGpu(claims);
  const token: Check = {
    name: 'gpu_token',
    state: claims.overall === false ? 'failed' : 'not_checked',
    message:
      claims.overall === false
        ? 'The GPU token itself says that the GPUs did not pass.'
        : `Claims of ${claims.gpus.length} GPUs, signature ${gpuSignature}.`,
  };
  const fresh: Check =
    claims.nonce === undefined
      ? { name: 'gpu_nonce', state: 'not_checked', message: 'The GPU token names no nonce.' }
      : seen === undefined
        ? { name: 'gpu_nonce', state: 'passed', message: 'The nonce of the GPU token was never seen before.' }
        : {
            name: 'gpu_nonce',
            state: 'failed',
            message: `The nonce of the GPU token was sent before by ${seen.site}: it is a replay, or a constant.`,
            hint: 'Ask again. If it comes once more, its GPU attester does not make fresh tokens.',
          };
  const checks = [...verdict.checks, token, fresh];
  const tokens = [...(verdict.tokens ?? []), view];
  const failed = [fresh, token].find(({ state }) => state === 'failed');
  if (failed === undefined || verdict.outcome === 'refused') return { ...verdict, checks, tokens };
  // What to do about an earlier, lesser doubt is no help here.
  const { hint: _, ...rest } = verdict;
  return {
    ...rest,
    checks,
    tokens,
    outcome: 'refused',
    ...saying({ cause: failed === fresh ? 'gpu_replay' : 'gpu_failed', check: failed }),
  };
}
