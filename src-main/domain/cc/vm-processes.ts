/** Which QEMU processes of a host run one image, by its vm_id (docs/reference/confidential-computing.md §5 row 15). Pure. */

export interface VmProcess {
  pid: number;
  /** Since its start. */
  seconds: number;
  user: string;
}

/**
 * Reads lines of `ps -eo pid=,etimes=,user=,comm=,args= -ww`. Only QEMU itself counts (not the sudo before it), and only
 * with this very vm_id on its command line.
 */
export function findVms(text: string, vmId: string): VmProcess[] {
  if (!/^[A-Za-z0-9_-]+$/.test(vmId)) return [];
  const wanted = new RegExp(`(^|[\\s"'])vm_id=${vmId}(?=$|[\\s"'])`);
  return text.split('\n').flatMap((line) => {
    const found = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(qemu-system\S*)\s+(.*)$/.exec(line);
    if (!found || !wanted.test(found[5] ?? '')) return [];
    return [{ pid: Number(found[1]), seconds: Number(found[2]), user: found[3] ?? '' }];
  });
}
