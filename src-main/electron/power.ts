/** What the core must know of sleep and screen locks. */
import type { PowerMonitor } from 'electron';

/** Follows the power monitor: `lock` when somebody else may come to the desk, `slept` when the computer is awake again. */
export function followPower(
  monitor: Pick<PowerMonitor, 'on'>,
  { lock, slept }: { lock: () => void; slept: () => void },
): void {
  monitor.on('suspend', lock);
  monitor.on('lock-screen', lock);
  monitor.on('resume', slept);
}
