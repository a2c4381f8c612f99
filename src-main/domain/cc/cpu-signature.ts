/**
 * CPU signatures (CPUID leaf 1, EAX) of QEMU's AMD models: part of the launch measurement, one value per model name,
 * the same in all versions of it (docs/reference/confidential-computing.md §7.1 step 5).
 */

interface CpuIdentity {
  family: number;
  model: number;
  stepping: number;
}

/** Model name without `-vN`. */
const models: Readonly<Record<string, CpuIdentity>> = {
  EPYC: { family: 23, model: 1, stepping: 2 },
  'EPYC-IBPB': { family: 23, model: 1, stepping: 2 },
  'EPYC-Rome': { family: 23, model: 49, stepping: 0 },
  'EPYC-Milan': { family: 25, model: 1, stepping: 1 },
  'EPYC-Genoa': { family: 25, model: 17, stepping: 0 },
  'EPYC-Turin': { family: 26, model: 0, stepping: 0 },
};

export const knownCpuModels = Object.keys(models);

/** The 32-bit signature of a family, model and stepping (AMD publication 25481, CPUID Fn0000_0001_EAX). */
function signatureOf({ family, model, stepping }: CpuIdentity): number {
  const base = Math.min(family, 15);
  const extended = family - base;
  return (extended << 20) | ((model >> 4) << 16) | (base << 8) | ((model & 15) << 4) | (stepping & 15);
}

/** The signature of a QEMU CPU model (`EPYC-v4`, `EPYC-Milan-v2`); undefined for a model that is not known. */
export function cpuSignature(model: string): number | undefined {
  const name = model.replace(/-v[1-9][0-9]?$/, '');
  return Object.hasOwn(models, name) ? signatureOf(models[name] as CpuIdentity) : undefined;
}
