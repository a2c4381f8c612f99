/** User-data drives. */
export { remoteShell, type DriveShell } from './shell.ts';
export {
  createUserData,
  type DriveOptions,
  listUserData,
  probeNfs,
  putUserData,
  readUserData,
  resizeUserData,
  writeMountConf,
} from './user-data.ts';
