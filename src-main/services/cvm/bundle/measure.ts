/** The expected launch measurement of a bundle, or why there is none. Never a guess. */
import { DeskError } from '../../../contract/errors.ts';
import type { ExpectedMeasurement } from '../../../domain/cc/bundle.ts';
import { cpuSignature, knownCpuModels } from '../../../domain/cc/cpu-signature.ts';
import type { LaunchReading } from '../../../domain/cc/launch-script.ts';
import { launchDigest } from './launch-digest.ts';
import type { SourceFile } from './source.ts';

const plainFeatures = 0x1;
const debugSwapFeatures = 0x21;

/** Computes both feature values from the files and what the launch script says (docs/reference/confidential-computing.md §7.3). */
export function measure(
  files: readonly SourceFile[],
  { facts, problems }: LaunchReading,
): ExpectedMeasurement {
  const cannot = (reason: string): ExpectedMeasurement => ({ computed: false, reason });
  const [problem] = problems;
  if (problem) return cannot(`launch_vm.sh line ${problem.line}: ${problem.message}`);
  const file = (name: string): SourceFile | undefined => files.find((one) => one.name === name);
  const firmware = file('OVMF.amdsev.fd')?.content;
  const kernel = file('vmlinuz');
  const initrd = file('initrd.img');
  if (!firmware) return cannot('OVMF.amdsev.fd is missing or too large');
  if (!kernel || !initrd) return cannot(`${kernel ? 'initrd.img' : 'vmlinuz'} is missing`);
  const { cores, cpu, append } = facts;
  if (cores === undefined || cpu === undefined || append === undefined) {
    return cannot('launch_vm.sh does not say cores, CPU model and command line plainly');
  }
  const signature = cpuSignature(cpu);
  if (signature === undefined) {
    return cannot(
      `the signature of the CPU model ${cpu} is not known (known are ${knownCpuModels.join(', ')})`,
    );
  }
  const input = {
    firmware,
    kernel: { kernel: Buffer.from(kernel.sha256, 'hex'), initrd: Buffer.from(initrd.sha256, 'hex'), append },
    cores,
    cpuSignature: signature,
  };
  try {
    return {
      computed: true,
      plain: launchDigest({ ...input, features: plainFeatures }),
      withDebugSwap: launchDigest({ ...input, features: debugSwapFeatures }),
    };
  } catch (error) {
    if (error instanceof DeskError) return cannot(error.message.replace(/\.$/, ''));
    throw error;
  }
}
