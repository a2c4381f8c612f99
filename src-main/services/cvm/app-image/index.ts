/** The application image: written, built, looked into. */
export { type AppImageBuild, buildAppImage } from './build.ts';
export { inspectAppImage } from './inspect.ts';
export { writeAppImage } from './write.ts';
