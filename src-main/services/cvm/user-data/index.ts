/** User-data drives. */
export { probeNfs } from './nfs.ts';
export { remoteShell, type DriveShell } from './shell.ts';
export {
  createUserData,
  type DriveOptions,
  listUserData,
  putUserData,
  readUserData,
  resizeUserData,
  writeMountConf,
} from './user-data.ts';
