export { confidentialProject, type ConfidentialProject, renderConfidential } from './confidential.ts';
export { type KitContext, kitContext, kitFolders, renderKit } from './kit.ts';
export type { KitFile } from './kit-file.ts';
export { renderOptionalProdFiles, requirementsFileOf } from './optional/index.ts';
export { renderStartAll } from './scripts/index.ts';
