/** Types for the tests; see electron.mjs. */
export interface ElectronBinary {
  /** The program. */
  path: string;
  folder: string;
  kind: 'official' | 'test';
  version?: string;
}
export function officialElectron(): ElectronBinary | undefined;
export function testElectron(): Promise<ElectronBinary | undefined>;
