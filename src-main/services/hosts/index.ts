/** Hosts: what a machine must have to run confidential VMs, probed over SSH. Nothing is changed on any host. */
export { checkHosts, type CheckHostsOptions } from './check-hosts.ts';
export type { HostCheck, HostTarget, ProbeResult } from './types.ts';
